"""From a corpus with odd tables and lists to its tracks: what is used, left out, dead, and what is said of it."""

import re
from pathlib import Path
from typing import Any

import pytest
import soundfile

from noise2music.core.errors import UserError
from noise2music.flows.plan import plan
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.pipelines.ingest import ingest
from noise2music.pipelines.inventory import inventory, probe
from noise2music.pipelines.session import Session
from tests.flows.music import RATE, small_settings, tone, write_table

KEYS = ["album/One Song.wav", "album/two.flac", "other/three.wav"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, key in enumerate(KEYS):
        (tmp_path / "music" / key).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "music" / key, tone(1, number), RATE)
    describe(tmp_path, dict.fromkeys(KEYS, "train"))
    return tmp_path


def describe(folder: Path, splits: dict[str, str]) -> None:
    rows = [
        {"file": name, "title": f"T{number}", "artist": "A", "licence": "CC0", "genre": "", "part": split}
        for number, (name, split) in enumerate(splits.items())
    ]
    write_table(folder / "manifest.csv", rows)


def made(folder: Path, **changes: Any) -> tuple[Dataset, Dataset]:
    """Inventory and tracks."""
    session = Session(small_settings(folder, corpus__copies="bytes", **changes))
    files = inventory(session)
    probe(session)
    return files, ingest(session)


def tracks(dataset: Dataset, *columns: str) -> dict[str, Any]:
    rows = dataset.read().to_pylist()
    return {row["key"]: row[columns[0]] if len(columns) == 1 else tuple(row[name] for name in columns) for row in rows}


def test_a_table_of_windows_paths_keeps_its_splits_and_says_how_it_met(folder: Path) -> None:
    describe(folder, {"C:\\Music\\" + key.replace("/", "\\"): split for key, split in zip(KEYS, ("Test ", "train", "tset"), strict=True)})
    files, found = made(folder, corpus__columns__split="part")
    assert tracks(found, "title", "split", "excluded") == {
        KEYS[0]: ("T0", "test", None),
        KEYS[1]: ("T1", "train", None),
        KEYS[2]: ("T2", "tset", None),
    }
    assert files.manifest.warnings == {"matched_by_folder": 3}
    assert files.manifest.stats["matched_by:folder"] == files.manifest.stats["metadata_rows"] == 3
    assert found.manifest.warnings == {"unusual_split": 1}


def test_a_file_whose_split_is_not_known_is_never_trained_on_in_silence(folder: Path) -> None:
    describe(folder, {KEYS[0]: "", KEYS[1]: "train"})
    files, found = made(folder, corpus__columns__split="part")
    assert tracks(found, "excluded") == {KEYS[0]: "no_split", KEYS[1]: None, KEYS[2]: "no_split"}
    assert files.manifest.warnings == {"file_without_metadata": 1}
    assert found.manifest.excluded == {"no_split": 2}
    told = made(folder, corpus__columns__split="part", corpus__unmatched_split=" Test")[1]
    assert tracks(told, "split", "excluded") == {KEYS[0]: ("test", None), KEYS[1]: ("train", None), KEYS[2]: ("test", None)}
    assert set(tracks(made(folder)[1], "split").values()) == {"train"}


def test_a_table_of_another_corpus_stops_label_and_plan_before_a_file_is_opened(folder: Path) -> None:
    describe(folder, {f"gone-{number}.mp3": "train" for number in range(3)})
    words = r"0 of 3 rows meet a file of .*, which has 3\. Rows: 'gone-0.mp3'"
    with pytest.raises(UserError, match=words):
        made(folder)
    assert re.search(words, plan(small_settings(folder))["problems"][0])
    assert not (folder / "root" / "cache").exists()


def test_what_meets_not_at_all_is_counted_warned_and_planned(folder: Path) -> None:
    describe(folder, {KEYS[0]: "", "gone.mp3": "", "elsewhere/two.flac": "", "THREE": ""})
    files, _ = made(folder)
    assert files.manifest.warnings == {"row_without_file": 2, "file_without_metadata": 1, "matched_by_suffix": 1}
    stats = files.manifest.stats
    assert (stats["metadata_rows"], stats["metadata_without_file"], stats["files_without_metadata"]) == (4, 2, 1)
    assert stats["metadata_rows_used"] == 2
    planned = {"metadata_rows": 4, "metadata_rows_without_file": 2, "files_without_metadata": 1, "files_matched_by_suffix": 1}
    assert planned.items() <= plan(small_settings(folder)).items()


def test_rows_that_differ_are_a_dead_letter_of_their_file_alone(folder: Path) -> None:
    describe(folder, {KEYS[0]: "", "/a/" + KEYS[1]: "", "/b/" + KEYS[1]: "", KEYS[2]: ""})
    files, _ = made(folder, max_dead=0.5)
    dead = files.dead().to_pylist()
    assert [(row["key"], row["reason"]) for row in dead] == [(KEYS[1], "ambiguous_metadata")]
    assert "'/a/album/two.flac', '/b/album/two.flac'" in dead[0]["error"]
    stats = files.manifest.stats
    assert (stats["metadata_rows"], stats["metadata_rows_used"], stats["metadata_rows_ambiguous"]) == (4, 2, 2)


def opt_out(folder: Path, text: str) -> dict[str, Any]:
    (folder / "out.txt").write_text(text, encoding="utf-8")
    return {"corpus__opt_out": str(folder / "out.txt")}


def test_an_opted_out_recording_is_out_in_every_copy_of_it(folder: Path) -> None:
    (folder / "music" / "a copy.wav").write_bytes((folder / "music" / KEYS[0]).read_bytes())
    (folder / "music" / "z copy.wav").write_bytes((folder / "music" / KEYS[0]).read_bytes())
    found = made(folder, **opt_out(folder, "C:\\x\\ALBUM\\ONE SONG"))[1]
    ids = tracks(found, "track_id")
    assert tracks(found, "excluded", "duplicate_of") == {
        KEYS[0]: ("opted_out", None),
        "a copy.wav": ("opted_out", ids[KEYS[0]]),
        "z copy.wav": ("opted_out", ids[KEYS[0]]),
        KEYS[1]: (None, None),
        KEYS[2]: (None, None),
    }
    assert tracks(made(folder)[1], "excluded") == {
        KEYS[0]: None,
        "a copy.wav": "duplicate",
        "z copy.wav": "duplicate",
        **dict.fromkeys(KEYS[1:]),
    }


def test_an_entry_that_meets_nothing_is_named_and_stops_a_strict_run(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "n2m")
    listed = opt_out(folder, "title: T1 | artist: a\ngone/one.mp3\n" + "".join(f"gone-{number:02d}\n" for number in range(20)))
    _, found = made(folder, **listed)
    assert tracks(found, "excluded") == {KEYS[0]: None, KEYS[1]: "opted_out", KEYS[2]: None}
    assert found.manifest.warnings == {"opt_out_unmet": 21}
    assert "opt-out list: 22 entries, 1 tracks left out" in caplog.text
    assert "21 of 22 entries of the opt-out list meet no file: 'gone/one.mp3', 'gone-00'" in caplog.text
    assert "and 11 more" in caplog.text
    for _ in range(2):
        with pytest.raises(UserError, match=r"21 of 22 entries of the opt-out list meet no file: 'gone/one.mp3'.*before anything"):
            made(folder, corpus__strict_opt_out=True, **listed)
    made(folder, corpus__strict_opt_out=True, **opt_out(folder, "title: T1\ntwo\n"))


def test_a_list_that_cannot_be_read_stops_label_and_plan_at_once(folder: Path) -> None:
    (folder / "out.txt").write_bytes("two.flac\n".encode("utf-16")[:-1])
    settings = {"corpus__opt_out": str(folder / "out.txt")}
    with pytest.raises(UserError, match="UTF-16 and is cut"):
        made(folder, **settings)
    assert any("UTF-16 and is cut" in problem for problem in plan(small_settings(folder, **settings))["problems"])
    assert not (folder / "root" / "inventory").exists()
