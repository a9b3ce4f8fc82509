"""`plan` finds what a run would find late, and a run finds it before anything is embedded."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from noise2music.core.errors import UserError
from noise2music.flows.cli import n2m
from noise2music.flows.label import label
from noise2music.flows.plan import plan
from noise2music.pipelines.settings import LabelSettings
from tests.flows.music import small_settings, write_music, write_table

MUSICCAPS = "caption,aspect_list,is_audioset_eval\n" + "".join(
    f"\"A slow piano piece number {number}. Soft strings play along.\",\"['piano', 'strings {number}']\",False\n" for number in range(5)
)


def write_corpus(folder: Path, splits: tuple[str, ...] = ("train", "train", "test", "train")) -> None:
    """Music whose table says a split of each."""
    with write_music(folder / "music", tracks=len(splits)).open(newline="") as file:
        rows = [{**row, "split": split} for row, split in zip(csv.DictReader(file), splits, strict=True)]
    write_table(folder / "manifest.csv", rows)
    (folder / "musiccaps.csv").write_text(MUSICCAPS)


def settings_of(folder: Path, **changes: Any) -> LabelSettings:
    return small_settings(folder, **{"corpus__columns__split": "split", **changes})


def long(folder: Path, **changes: Any) -> dict[str, Any]:
    return {"kind": "musiccaps-sentences", "source": str(folder / "musiccaps.csv"), **changes}


def nothing_embedded(folder: Path) -> bool:
    return not (folder / "root/embed").exists() and not (folder / "root/embed_text").exists()


def test_captions_are_counted_and_labels_by_the_splits_they_may_label(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    planned = plan(settings_of(tmp_path, vocabulary__long=long(tmp_path)))
    assert planned["captions"] == 10 + 6
    assert planned["captions_per_second_and_worker"] > 0
    assert planned["caption_embedding_hours"] >= 0
    assert planned["problems"] == []
    words = plan(settings_of(tmp_path))["labels"]
    assert 0 < planned["labels"] - words < words
    words_and_long = plan(settings_of(tmp_path, vocabulary__long=long(tmp_path, allowed_splits=["train", "test"])))
    assert words_and_long["labels"] == words + 3 * planned["clips"]


MISTAKES: Mapping[str, tuple[dict[str, Any], str]] = {
    "a source that is not there": ({"vocabulary__words__source": "gone.txt"}, r"vocabulary words: cannot read .*gone\.txt"),
    "a vocabulary without captions": ({"vocabulary__words__source": "EMPTY"}, r"vocabulary words: .*empty\.txt"),
    "a column that is not there": ({"vocabulary__long": {"kind": "jsonl", "source": "LINES", "column": "tex"}}, r"vocabulary long: "),
    "a table that is not there": ({"corpus__metadata": "gone.csv"}, r"gone\.csv"),
    "a column of the table": ({"corpus__columns__title": "titel"}, r"titel"),
    "an opt-out list that is not there": ({"corpus__opt_out": "gone-list.txt"}, r"gone-list\.txt"),
    "held-out texts that are not there": ({"contamination__held_out": ["gone-held.csv"]}, r"gone-held\.csv"),
    "a vocabulary for other splits": (
        {"vocabulary__long": {"kind": "tags", "source": "WORDS", "allowed_splits": ["validation"]}},
        r"vocabulary long can give no label: allowed_splits = \['validation'\], and the tracks of the corpus have the splits test \(1\), "
        r"train \(3\)\. .*allow_unlabelled = true",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_would_be_found_late_is_found_first(tmp_path: Path, name: str) -> None:
    changes, message = MISTAKES[name]
    write_corpus(tmp_path)
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "lines.jsonl").write_text('{"text": "a slow piano"}\n')
    places = {"EMPTY": "empty.txt", "LINES": "lines.jsonl", "WORDS": "tags.txt"}
    told = json.loads(json.dumps(changes))
    for raw in (told, *(value for value in told.values() if isinstance(value, dict))):
        for key, value in raw.items():
            if isinstance(value, str) and value in places:
                raw[key] = str(tmp_path / places[value])
    settings = settings_of(tmp_path, **told)
    (problem,) = plan(settings)["problems"]
    assert "\n" not in problem
    for found in (problem, _message(lambda: label(settings))):
        assert re.search(message, found), found
    assert nothing_embedded(tmp_path)


def _message(run: Any) -> str:
    with pytest.raises(UserError) as raised:
        run()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_sentences_of_musiccaps_without_splits_are_refused_or_allowed(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    (tmp_path / "musiccaps.csv").write_text(MUSICCAPS)
    settings = small_settings(tmp_path, vocabulary__long=long(tmp_path))
    with pytest.raises(
        UserError, match=r"vocabulary long can give no label: sentences of MusicCaps label the splits eval, test, validation"
    ):
        label(settings)
    assert nothing_embedded(tmp_path)
    meant = small_settings(tmp_path, vocabulary__long=long(tmp_path, allow_unlabelled=True))
    assert plan(meant)["problems"] == []
    assert label(meant).datasets.vocabularies["long"].sample.manifest.stats["labels"] == 0


def test_all_problems_are_said_at_once_and_the_exit_is_1(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    lines = [
        'root = "root"',
        f'corpus = {{ audio = "{tmp_path}/music", opt_out = "gone-list.txt", min_seconds = 1 }}',
        'vocabulary = { a = { kind = "tags", source = "gone-a.txt" }, b = { kind = "jsonl", source = "gone-b.jsonl" } }',
    ]
    (tmp_path / "run.toml").write_text("\n".join(lines))
    command = [sys.executable, "-m", "noise2music.flows.cli", "plan", "-c", str(tmp_path / "run.toml")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "files" in found.stdout
    said = found.stderr.splitlines()
    assert len(said) == 3
    assert all(line.startswith("n2m: ") for line in said)
    assert [name in line for name, line in zip(("gone-list", "gone-a", "gone-b"), said, strict=True)] == [True] * 3
    as_json = CliRunner().invoke(n2m, [*command[3:], "--json"])
    assert (as_json.exit_code, len(json.loads(as_json.stdout)["problems"])) == (1, 3)
