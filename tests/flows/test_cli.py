import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from noise2music.core.errors import UserError
from noise2music.flows.cli import n2m
from noise2music.flows.label import label
from noise2music.labeling.datasets.current import read_labels
from tests.flows.music import small_settings, write_music


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "noise2music.flows.cli", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("cli")
    write_music(folder / "music", tracks=4)
    label(small_settings(folder))
    return str(folder / "root")


def test_a_mistake_is_one_line_and_exit_1(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('root = "x"\n[corpus]\naudoi = "music"\n[vocabulary.tags]\nkind = "builtin-tags"\n')
    found = run("label", "-c", str(config))
    assert found.returncode == 1
    assert found.stderr.startswith("n2m: ")
    assert "did you mean corpus.audio?" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_folder_without_audio_says_what_to_do(tmp_path: Path) -> None:
    found = run("label", "--audio", str(tmp_path), "--root", str(tmp_path / "root"))
    assert found.returncode == 1
    assert "no audio in" in found.stderr


def test_usage_mistakes_exit_2() -> None:
    assert run("label").returncode == 2
    assert run("nothing").returncode == 2


def test_status_labels_show_and_report(root: str, tmp_path: Path) -> None:
    runner = CliRunner()
    rows = json.loads(runner.invoke(n2m, ["status", root, "--json"]).output)
    assert {row["state"] for row in rows} == {"finished"}
    assert "embed" in runner.invoke(n2m, ["status", root]).output
    assert "16 labels" in runner.invoke(n2m, ["labels", root, "-o", str(tmp_path / "x.csv")]).output
    shown = json.loads(runner.invoke(n2m, ["show", root, "track-0.wav", "--json"]).output)
    assert len(shown["labels"]) == 2
    assert shown["labels"][0]["caption"] in runner.invoke(n2m, ["show", root, shown["clip_id"]]).output
    assert Path(runner.invoke(n2m, ["report", root]).output.strip()).is_file()


def test_verify_exits_1_when_something_is_off(root: str) -> None:
    assert "files are what their manifests say" in CliRunner().invoke(n2m, ["verify", root]).output
    shard = next(Path(root).glob("shard/*/part-*.parquet"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    found = CliRunner().invoke(n2m, ["verify", root, "--json"])
    shard.write_bytes(whole)
    assert found.exit_code == 1
    assert json.loads(found.output)["findings"][0]["path"].endswith(shard.name)


def test_a_root_without_a_run(tmp_path: Path) -> None:
    for command in (["status", str(tmp_path)], ["show", str(tmp_path), "x"], ["report", str(tmp_path)], ["status", str(tmp_path / "gone")]):
        assert isinstance(CliRunner().invoke(n2m, command).exception, UserError)


def test_plan_counts_before_anything_runs(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=4)
    arguments = ["plan", "--audio", str(tmp_path / "music"), "--root", str(tmp_path / "root"), "--set", "corpus.clip_seconds=3", "--json"]
    planned = json.loads(CliRunner().invoke(n2m, [*arguments, "--set", "corpus.min_seconds=0.5"]).output)
    assert (planned["files"], planned["clips"], planned["labels"]) == (4, 8, 72)
    assert planned["fingerprint_hours"] >= 0
    assert planned["bytes"] == sum(path.stat().st_size for path in (tmp_path / "music").iterdir())
    assert not (tmp_path / "root").exists()


def test_join_and_prune(root: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(n2m, ["join", root, str(tmp_path / "joined"), "--split", "train"], catch_exceptions=False)
    assert found.output.startswith("8 clips in 3 files, ")
    metadata = pq.read_schema(tmp_path / "joined" / "part-00000-of-00003.parquet").metadata
    assert json.loads(metadata[b"huggingface"])["info"]["features"]["audio"] == {"_type": "Audio"}
    table = pq.read_table(tmp_path / "joined")
    assert table.column("audio")[0].as_py()["bytes"][:4] == b"fLaC"
    assert table.sort_by("clip_id").equals(read_labels(root, audio=True).sort_by("clip_id"))
    with pytest.raises(UserError, match="holds another set already"):
        CliRunner().invoke(n2m, ["join", root, str(tmp_path / "joined")], catch_exceptions=False)
    with pytest.raises(UserError, match="no clip of the split nothing"):
        CliRunner().invoke(n2m, ["join", root, str(tmp_path / "none"), "--split", "nothing"], catch_exceptions=False)
    assert "Nothing to delete." in CliRunner().invoke(n2m, ["prune", root], catch_exceptions=False).output
    old = Path(root) / "sample" / ("0" * 16)
    old.mkdir(parents=True)
    (old / "part-00000-of-00003.parquet").write_bytes(b"PAR1")
    os.utime(old / "part-00000-of-00003.parquet", (0, 0))
    shown = json.loads(CliRunner().invoke(n2m, ["prune", root, "--json"], catch_exceptions=False).output)
    assert [row["path"] for row in shown["rows"] if row[""] == "delete"] == [f"sample/{'0' * 16}"]
    assert old.is_dir()
    assert "deleted." in CliRunner().invoke(n2m, ["prune", root, "--yes"], catch_exceptions=False).output
    assert not old.exists()
