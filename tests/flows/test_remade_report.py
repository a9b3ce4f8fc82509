"""A lost report comes back byte by byte as the latest run made it, wherever the root is now; and what commands print can be piped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.label import label, remake_report
from noise2music.flows.pages.html import flatten
from noise2music.flows.pages.label.stage import resolved_labels
from noise2music.labeling.datasets.dataset import LATEST
from tests.flows.music import small_settings, write_music


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root after two runs: the second has another vocabulary, one more that comes first by name, more workers and draws."""
    folder = tmp_path_factory.mktemp("remade")
    write_music(folder / "music", tracks=3)
    label(small_settings(folder, parts=1))
    others = str(folder / "others.txt")
    (folder / "others.txt").write_text("oboe\nharp\nbrass\ntuba\n")
    second = {"vocabulary__words__source": others, "vocabulary__before__kind": "tags", "vocabulary__before__source": others}
    label(small_settings(folder, parts=1, sampling__labels_per_clip__words=3, run__workers=2, **second))
    return folder / "root"


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("report/*/*") if path.is_file()}


@pytest.mark.parametrize("lost", ["page", "folder"])
@pytest.mark.parametrize("where", ["there", "moved", "relative"])
def test_what_was_lost_comes_back_as_it_was(made: Path, tmp_path: Path, lost: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made if where == "there" else tmp_path / "other/place"
    if where != "there":
        shutil.copytree(made, root)
    before = files_of(root)
    page = root / json.loads((root / LATEST).read_text())["report"]
    for path in sorted(page.iterdir(), reverse=True):
        if path.is_file() and (lost == "folder" or path.name == "report.html"):
            path.unlink()
    if lost == "folder":
        shutil.rmtree(page)
    if where == "relative":
        monkeypatch.chdir(root.parent)
        assert remake_report("place") == "place/" + str((page / "report.html").relative_to(root))
    else:
        assert remake_report(str(root)) == str(page / "report.html")
    assert files_of(root) == before
    assert subprocess.run([sys.executable, "-m", "noise2music.flows.cli", "verify", str(root)], check=False).returncode == 0


def test_a_run_from_before_still_has_its_page_made_again(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "old"
    shutil.copytree(made, root)
    latest = json.loads((root / LATEST).read_text())
    del latest["run"]
    (root / LATEST).write_text(json.dumps(latest))
    page = root / latest["report"] / "report.html"
    before = page.read_bytes()
    page.unlink()
    remake_report(str(root))
    assert page.read_bytes() == before
    shutil.rmtree(page.parent)
    with pytest.raises(UserError, match=r"is gone\. Run `n2m label` again"):
        remake_report(str(root))


def test_a_root_whose_configuration_has_former_names_opens(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "old"
    shutil.copytree(made, root)
    latest = json.loads((root / LATEST).read_text())
    config = latest["run"]["config"]
    config["leaks"] = config.pop("contamination")
    for table, former, name in (
        ("retrieval", "collapse", "dedup_threshold"),
        ("sampling", "draw", "labels_per_clip"),
        ("sampling", "floor_quantile", "min_score_quantile"),
        ("clean", "near_duplicate", "near_duplicate_threshold"),
        ("run", "batch", "batch_size"),
    ):
        config[table][former] = config[table].pop(name)
    (root / LATEST).write_text(json.dumps(latest))
    before = files_of(root)
    shutil.rmtree(root / latest["report"])
    for command in ("report", "verify", "status", f"labels -o {tmp_path / 'labels.csv'}"):
        done = shell(f"n2m {command} {root} 2>&1")
        assert done.returncode == 0, done.stdout
        assert "is called" not in done.stdout, "a record of an earlier run gives no warning"
    pages = {name: data for name, data in files_of(root).items() if not name.endswith("_MANIFEST.json")}
    assert pages == {name: data for name, data in before.items() if name in pages}


def test_the_configuration_is_what_was_done(made: Path) -> None:
    shown = json.loads((made / json.loads((made / LATEST).read_text())["report"] / "report.json").read_text())["configuration"]
    assert shown["sampling"]["labels_per_clip"] == {"before": 3, "words": 3}
    assert shown["vocabulary"]["words"]["allowed_splits"] == "all"
    more = {"kind": "musiccaps-sentences", "source": "m.csv"}
    flat = dict(flatten(resolved_labels(small_settings(made.parent, vocabulary__long=more))))
    assert flat["vocabulary.long.allowed_splits"] == "eval, test, validation"
    assert flat["sampling.labels_per_clip.long"] == "3"
    assert open_store(str(made)).head(LATEST) is not None


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    ready = f'n2m() {{ "{sys.executable}" -m noise2music.flows.cli "$@"; }}; '
    return subprocess.run(["bash", "-c", ready + command], capture_output=True, text=True, check=False, env=os.environ)


def test_only_the_path_is_printed(made: Path) -> None:
    page = next(made.glob("report/*/report.html"))
    found = shell(f'[ -f "$(n2m report {made})" ] && echo "the page is there"')
    assert (found.stdout, found.returncode) == ("the page is there\n", 0)
    page = made / json.loads((made / LATEST).read_text())["report"] / "report.html"
    page.unlink()
    assert shell(f'[ -f "$(n2m report {made})" ]').returncode == 0


@pytest.mark.parametrize("command", ["status ROOT", "--help", "verify ROOT", "show ROOT track-0.wav --json"])
def test_output_that_nobody_reads_is_no_failure(made: Path, command: str) -> None:
    found = shell(f"n2m {command.replace('ROOT', str(made))} | true; echo ${{PIPESTATUS[0]}}")
    assert found.stdout.strip() in ("0", "141")
    assert found.stderr == ""
