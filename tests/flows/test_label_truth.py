"""`n2m evaluate labels` from a root and a table to figures and a page."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from noise2music.core.errors import UserError
from noise2music.flows.cli import n2m
from noise2music.labeling.datasets.dataset import LATEST
from tests.models.data.made_up_shards import KINDS, write_shards

HOSTILE = "<script>alert(1)</script>"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(n2m, arguments, catch_exceptions=True)


def made_root(folder: Path, clips: int = 24) -> Path:
    root = folder / "root"
    dataset = write_shards(root, clips, seconds=0.1)
    (root / LATEST).write_text(json.dumps({"shard": dataset.path}))
    return root


def truth_table(folder: Path, shift: int = 0, rows: int = 24) -> Path:
    """The instrument of each recording; shifted by one, all of it is wrong."""
    path = folder / f"truth-{shift}.csv"
    path.write_text("key,instruments\n" + "".join(f"{n}.flac,{KINDS[(n + shift) % 4].split()[-1]}\n" for n in range(rows)))
    return path


def test_labels_that_are_true_and_labels_that_are_not(tmp_path: Path) -> None:
    root, out = made_root(tmp_path), tmp_path / "out"
    told = run("evaluate", "labels", str(root), "--truth", str(truth_table(tmp_path)), "-o", str(out))
    assert told.exit_code == 0, told.output
    assert re.search(r"^all +instrument +1 +1 +1 +0\.25 ", told.output, re.MULTILINE)
    rows = pq.read_table(out / "labels.parquet").to_pylist()
    assert [(row["vocabulary"], row["kind"]) for row in rows] == [
        (vocabulary, kind) for vocabulary in ("all", "llm_long", "rater_short") for kind in ("all", "instrument")
    ]
    assert all(row["share"] == 1 and row["chance"] == 0.25 and row["p"] == pytest.approx(1 / 501) for row in rows)
    figures = json.loads((out / "labels.json").read_text())
    assert [row | {"p": row["p"]} for row in figures["rows"]] == rows
    assert figures["columns"] == {"instrument": ["instruments"]}
    page = (out / "labels.html").read_text()
    played = re.findall(r'<audio [^>]*src="(clips/[0-9a-f]{16}\.flac)"', page)
    assert len(played) == 8
    assert all((out / path).read_bytes()[:4] == b"fLaC" for path in played)
    assert "no difference: mean to 95th percentile" in page
    wrong = json.loads(run("evaluate", "labels", str(root), "--truth", str(truth_table(tmp_path, 1)), "--json").stdout)
    assert all(row["share"] == 0 and row["p"] == 1 for row in wrong)


def test_the_same_bytes_again_and_other_draws_by_settings(tmp_path: Path) -> None:
    root, table = made_root(tmp_path), str(truth_table(tmp_path))
    config = tmp_path / "labels.toml"
    config.write_text(f'root = "{root}"\ntruth = "{table}"\nout = "{tmp_path / "a"}"\npermutations = 50\nshown = 0\n')
    for _ in range(2):
        assert run("evaluate", "labels", "-c", str(config)).exit_code == 0
        written = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert run("evaluate", "labels", "-c", str(config), "-o", str(tmp_path / "b")).exit_code == 0
    assert (tmp_path / "b" / "labels.parquet").read_bytes() == written["labels.parquet"]
    assert "clips" not in written
    assert json.loads(written["labels.json"])["rows"][0]["p"] == pytest.approx(1 / 51)


def test_names_are_text_on_the_page(tmp_path: Path) -> None:
    root = tmp_path / "root"
    dataset = write_shards(root, 8, seconds=0.1, change={n: {"track_key": f"{n}{HOSTILE}.flac"} for n in range(8)})
    (root / LATEST).write_text(json.dumps({"shard": dataset.path}))
    table = tmp_path / "t.jsonl"
    table.write_text("".join(json.dumps({"key": f"{n}{HOSTILE}.flac", "genre": [HOSTILE, "jazz"]}) + "\n" for n in range(8)))
    assert run("evaluate", "labels", str(root), "--truth", str(table), "-o", str(tmp_path / "out")).exit_code == 0
    page = (tmp_path / "out" / "labels.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give ROOT and --truth, or -c FILE"),
        (("ROOT",), "give --truth, or -c FILE"),
        (("ROOT", "--truth", "TABLE", "--permutations", "0"), "permutations"),
        (("ROOT", "--truth", "missing.csv"), "missing.csv"),
        (("ROOT", "--truth", "TABLE", "--key", "path"), "has no column 'path'"),
        (("ROOT", "--truth", "SHORT"), "says the tags of 1 of 24 labelled recordings"),
        (("NOWHERE", "--truth", "TABLE"), "NOWHERE"),
        (("ROOT", "--truth", "TABLE", "--set", "colour=1"), "colour"),
    ],
)
def test_what_cannot_be_is_one_message(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    places = {"ROOT": str(made_root(tmp_path)), "TABLE": str(truth_table(tmp_path)), "SHORT": str(truth_table(tmp_path, 2, rows=1))}
    told = run("evaluate", "labels", *(places.get(argument, argument) for argument in arguments))
    message = str(told.exception) if isinstance(told.exception, UserError) else told.output
    assert told.exit_code != 0
    assert said in message
    assert "Traceback" not in told.output


def test_clips_are_still_evaluated_by_the_first_word_alone() -> None:
    assert "--reference" in run("evaluate", "--help").output
    assert "--truth" not in run("evaluate", "./labels", "--help").output
    assert "Usage: n2m evaluate labels" in run("evaluate", "labels", "--help").output
