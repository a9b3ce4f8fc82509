"""The account of a run: every file, second, clip and caption is used, left out or dead, in runs over random corpora."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from noise2music.core.storage import open_store
from noise2music.flows.datasets import Labeled
from noise2music.flows.inspect import verify_root
from noise2music.flows.label import label
from noise2music.flows.pages.label.account import account
from noise2music.flows.pages.label.account_line import AccountLine
from noise2music.flows.pages.label.stage import read_account
from noise2music.labeling.datasets.dataset import LATEST
from tests.flows.music import RATE, small_settings, tone, write_music, write_table


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> Labeled:
    folder = tmp_path_factory.mktemp("account")
    write_music(folder / "music")
    return label(small_settings(folder))


def by_name(lines: tuple[AccountLine, ...]) -> dict[str, AccountLine]:
    return {line.name: line for line in lines}


def test_the_report_holds_what_the_datasets_say(labeled: Labeled) -> None:
    assert read_account(labeled.report) == tuple(
        replace(line, excluded=dict(line.excluded), dead=dict(line.dead)) for line in account(labeled.datasets)
    )


def test_a_line_says_what_does_not_close() -> None:
    line = AccountLine("audio", "ms", 125_000, 61_500, {"too_short": 1_000}, {"silent": 2_500})
    assert line.missing == 60_000
    assert str(line) == (
        "audio: 2 min 5.0 s found = 1 min 1.5 s used + 1.0 s excluded (too_short 1.0 s) + 2.5 s dead (silent 2.5 s); "
        "1 min 0.0 s of audio are neither used, excluded nor dead"
    )
    assert AccountLine("clips", "clips", 1, 2).closing == "-1 clips of clips are counted more than once"


def test_a_clip_that_stands_twice_does_not_close(labeled: Labeled) -> None:
    shard = labeled.datasets.shard
    assert shard is not None
    first = next(record for record in shard.manifest.parts if record.rows)
    twice = first.model_copy(update={"files": first.files * 2})
    records = tuple(twice if record is first else record for record in shard.manifest.parts)
    doubled = replace(labeled.datasets, shard=replace(shard, manifest=shard.manifest.model_copy(update={"parts": records})))
    assert by_name(account(doubled))["clips"].missing == -first.rows
    assert by_name(account(doubled))["audio"].missing < 0


def test_verify_finds_a_run_that_names_another_run_s_shards(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=4)
    whole = label(small_settings(tmp_path)).datasets.shard
    fewer = label(small_settings(tmp_path, corpus__max_clips=1))
    root = open_store(fewer.report.store.uri)
    assert verify_root(root)[1] == []
    assert whole is not None
    assert fewer.datasets.shard is not None
    text = root.get(LATEST).decode().replace(fewer.datasets.shard.path, whole.path)
    root.put(LATEST, text.encode())
    said = [finding.what for finding in verify_root(root)[1] if finding.path == LATEST]
    assert [what.split(" of ")[1].split(" are ")[0] for what in said] == ["audio", "clips"]
    assert all("counted more than once" in what for what in said)


def random_corpus(folder: Path, seed: int) -> tuple[int, float]:
    """Files that are whole, cut short, silent, tiny, copies, no audio, or named like something else -> (files, readable seconds)."""
    chance = random.Random(seed)
    music = folder / "music"
    music.mkdir()
    rows, files, seconds = [], 0, 0.0
    for number in range(12):
        length = round(chance.uniform(0.2, 9.0), 2)
        path = music / f"{number:02d}.{chance.choice(['wav', 'flac', 'ogg', 'mp3'])}"
        kind = chance.choice(["whole", "whole", "whole", "silent", "cut", "text", "note", "copy"])
        audio = tone(length, number)
        files += 1
        if kind == "text":
            path.write_bytes(b"this is no audio at all, whatever its name says\n" * 40)
        elif kind == "note":
            path.with_suffix(".txt").write_text("notes")
        else:
            soundfile.write(path, np.zeros_like(audio) if kind == "silent" else audio, RATE)
            if kind == "cut" and path.suffix == ".wav":
                path.write_bytes(path.read_bytes()[: max(100, path.stat().st_size // 2)])
            seconds += soundfile.info(path).duration
            if kind == "copy":
                (music / f"copy of {path.name}").write_bytes(path.read_bytes())
                files += 1
                seconds += soundfile.info(path).duration
        rows.append({"file": path.name, "title": f"Title {number}", "artist": "A", "licence": "CC0 1.0", "genre": "piano"})
    write_table(folder / "manifest.csv", rows)
    return files, seconds


def check_random_corpus(folder: Path, seed: int) -> None:
    files, seconds = random_corpus(folder, seed)
    settings = small_settings(folder, max_dead=1.0, corpus__min_seconds=1.0, corpus__max_clips=2)
    labeled = label(settings)
    lines = by_name(account(labeled.datasets))
    assert [line.closing for line in lines.values() if line.closing] == []
    assert lines["files"].found == files
    assert lines["audio"].found / 1000 == pytest.approx(seconds, abs=0.1 * files)
    assert lines["audio"].used > 0
    assert verify_root(open_store(settings.root))[1] == []


@pytest.mark.parametrize("seed", range(2))
def test_random_corpora_close(tmp_path: Path, seed: int) -> None:
    check_random_corpus(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 40))
def test_many_random_corpora_close(tmp_path: Path, seed: int) -> None:
    check_random_corpus(tmp_path, seed)
