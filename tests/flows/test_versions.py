"""Versions of one root: what readers see is the current set, audio is written once, and what goes is gone."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
import soundfile

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.datasets import Labeled
from noise2music.flows.inspect import status_rows, verify_root
from noise2music.flows.label import label
from noise2music.flows.prune import plan_pruning, prune
from noise2music.labeling.datasets.current import current_findings, open_current, read_labels, write_current
from noise2music.labeling.datasets.dataset import LATEST
from noise2music.labeling.datasets.uses import marks, note_use, running
from tests.flows.music import RATE, small_settings, tone, write_music


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six tracks, labelled; with some noise, for pure tones make little FLAC."""
    folder = tmp_path_factory.mktemp("versions")
    write_music(folder / "music", tracks=6)
    rng = np.random.default_rng(0)
    for number, path in enumerate(sorted((folder / "music").iterdir())):
        clean = tone(3.5 + number * 0.25, number)
        soundfile.write(path, clean + 0.05 * rng.standard_normal(len(clean)), RATE)
    run(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, its own to change; files keep their times."""
    os.system(f"cp -a {made}/. {tmp_path}/")
    return tmp_path


def run(folder: Path, root: str = "root", **changes: object) -> Labeled:
    return label(small_settings(folder, root, corpus__metadata=str(folder / "manifest.csv"), **changes))


def flac(folder: Path, root: str = "root") -> dict[str, tuple[int, int]]:
    """Files of audio: bytes and time."""
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in (folder / root / "flac").iterdir()}


def seen(folder: Path, root: str = "root") -> list[str]:
    """Track keys that readers of the folder see; each clip once, with every reader."""
    current = folder / root / "current"
    plain = pq.read_table(current).select(["clip_id", "track_key"]).to_pylist()
    assert pyarrow.dataset.dataset(current).to_table(["clip_id", "track_key"]).to_pylist() == plain
    assert read_labels(str(folder / root), ["clip_id", "track_key"]).to_pylist() == plain
    assert len({row["clip_id"] for row in plain}) == len(plain)
    return sorted({row["track_key"] for row in plain})


def test_labels_change_and_no_audio_is_written(folder: Path) -> None:
    before, first = flac(folder), read_labels(str(folder / "root"), audio=True)
    there = set((folder / "root").rglob("*.parquet"))
    (folder / "more.txt").write_text("calm\nloud\nstrings\n")
    more = {"kind": "tags", "source": str(folder / "more.txt")}
    changes: list[dict[str, object]] = [{"sampling__top_k": 7}, {"vocabulary__more": more, "corpus__columns__title": "artist"}]
    for change in changes:
        run(folder, **change)
        assert flac(folder) == before
        assert len(seen(folder)) == 6
    written = sum(path.stat().st_size for path in {*(folder / "root").glob("shard/*/*.parquet")} - there)
    assert written / len(changes) < 0.05 * sum(size for size, _ in before.values())
    again = read_labels(str(folder / "root"), audio=True)
    assert again.column("audio").equals(first.column("audio"))
    assert not again.column("labels").equals(first.column("labels"))
    assert len([row for row in status_rows(open_store(str(folder / "root"))) if row["stage"] == "audio"]) == 1


def test_tracks_that_come_cost_themselves_and_end_in_the_bytes_of_a_fresh_run(folder: Path) -> None:
    before = flac(folder)
    soundfile.write(folder / "music" / "new.wav", tone(4, 30), RATE)
    audio = run(folder).datasets.audio
    assert audio is not None
    assert audio.manifest.stats["carried"] == audio.manifest.rows - 2
    fresh = run(folder, "fresh").datasets.audio
    assert fresh is not None
    assert audio.digest == fresh.digest
    assert flac(folder, "fresh").keys() <= flac(folder).keys()
    assert {name: stamp for name, stamp in flac(folder).items() if name in before} == before
    assert "new.wav" in seen(folder)


def test_who_opts_out_is_gone_at_once_for_readers_and_with_prune_for_good(folder: Path) -> None:
    rows = [row for row in read_labels(str(folder / "root"), audio=True).to_pylist() if row["track_key"] == "track-1.flac"]
    (folder / "opt-out.txt").write_text("track-1.flac\n")
    before = flac(folder)
    run(folder, corpus__opt_out=str(folder / "opt-out.txt"))
    written = sum(size for name, (size, _) in flac(folder).items() if name not in before)
    assert written < 0.05 * sum(size for size, _ in before.values())
    assert seen(folder) == [f"track-{n}.{suffix}" for n, suffix in ((0, "wav"), (2, "ogg"), (3, "mp3"), (4, "wav"), (5, "flac"))]
    root = open_store(str(folder / "root"))
    needles = [text for row in rows for text in (row["clip_id"].encode(), row["audio"]["bytes"][1000:1400])]
    assert any(needle in _content(folder / "root") for needle in needles)
    plan = plan_pruning(root)
    assert any(needle in _content(folder / "root") for needle in needles)
    prune(root, plan)
    assert not any(needle in _content(folder / "root") for needle in needles)
    assert verify_root(root)[1] == []
    assert {row["set"] for row in status_rows(root)} == {"current"}
    assert plan_pruning(root).gone == ()
    assert run(folder, corpus__opt_out=str(folder / "opt-out.txt")).nothing_done


def _content(root: Path) -> bytes:
    """Every byte below a root, tables as they are read."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            found.append(path.read_bytes())
            if path.suffix == ".parquet":
                found.append(repr(pq.read_table(path).to_pylist()).encode())
    return b"\0".join(found)


def test_the_audio_that_died_is_dead_in_audio_and_missing_in_shards(folder: Path) -> None:
    soundfile.write(folder / "music" / "quiet.wav", tone(3, 1) * 0, RATE)
    datasets = run(folder, max_dead=0.5).datasets
    assert datasets.audio is not None
    assert datasets.audio.manifest.dead_reasons == {"silent": 1}
    assert datasets.shard is not None
    assert datasets.shard.manifest.rows + datasets.audio.manifest.dead_rows == datasets.ingest.manifest.stats["clips"]  # type: ignore[union-attr]


@pytest.mark.parametrize("hurt", ["cut", "bit", "gone"])
def test_damaged_audio_is_said_and_made_again(folder: Path, hurt: str) -> None:
    file = next((folder / "root" / "flac").iterdir())
    whole = file.read_bytes()
    damaged = {"cut": whole[:-10], "bit": whole[:500] + bytes([whole[500] ^ 1]) + whole[501:], "gone": None}[hurt]
    file.unlink() if damaged is None else file.write_bytes(damaged)
    root = open_store(str(folder / "root"))
    assert [(finding.path, finding.old) for finding in verify_root(root)[1]] == [(f"flac/{file.name}", False)]
    assert [item.dataset.stage for item in run(folder).built if item.new_parts] == ["audio"]
    assert file.read_bytes() == whole
    assert verify_root(root)[1] == []


def test_damage_of_what_nothing_uses_is_told_apart(folder: Path) -> None:
    old = open_current(str(folder / "root"))
    run(folder, seed=1)
    (folder / "root" / old.path / old.manifest.parts[0].files[0].path).write_bytes(b"PAR1")
    assert {finding.old for finding in verify_root(open_store(str(folder / "root")))[1]} == {True}


# ---- current


def test_current_is_switched_and_healed(folder: Path) -> None:
    root = open_store(str(folder / "root"))
    old = open_current(root)
    new = run(folder, seed=3).datasets.shard
    assert new is not None
    write_current(root, old)  # as a run that was killed before its switch leaves it
    findings = verify_root(root)[1]
    assert {finding.path.split("/")[0] for finding in findings} == {"current"}
    assert len(findings) == 2 * sum(len(part.files) for part in new.manifest.parts)
    assert run(folder, seed=3).nothing_done
    assert verify_root(root)[1] == []
    assert (folder / "root" / "current").is_symlink()
    assert not Path(os.readlink(folder / "root" / "current")).is_absolute()


def test_a_reader_of_the_folder_never_sees_two_sets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = open_store(str(folder / "root"))
    old = open_current(root)
    new = run(folder, seed=3).datasets.shard
    assert new is not None
    looks: list[set[str]] = []

    def looking(act: Callable[..., object]) -> Callable[..., object]:
        def look(*arguments: object, **named: object) -> object:
            looks.append({name.split("-")[0] for name in os.listdir(folder / "root" / "current")})
            done = act(*arguments, **named)
            looks.append({name.split("-")[0] for name in os.listdir(folder / "root" / "current")})
            return done

        return look

    for name in ("replace", "readlink"):
        monkeypatch.setattr(os, name, looking(getattr(os, name)))
    write_current(root, old)
    assert looks[0] == {new.fingerprint}
    assert looks[-1] == {old.fingerprint}
    assert all(len(look) == 1 for look in looks)


def test_where_links_cannot_be_made_files_are_switched_one_by_one(folder: Path) -> None:
    root = open_store(str(folder / "root"))
    link = folder / "root" / "current"
    link.unlink()
    link.mkdir()
    (link / "stale.parquet").write_bytes(b"old")
    write_current(root, open_current(root))
    assert not link.is_symlink()
    assert len(seen(folder)) == 6
    assert current_findings(root, open_current(root)) == []


# ---- prune


def test_prune_keeps_versions_training_and_what_it_does_not_know(folder: Path) -> None:
    root = open_store(str(folder / "root"))
    first = open_current(root)
    run(folder, seed=1)
    second = open_current(root)
    run(folder, seed=2)
    (folder / "root" / "notes.txt").write_text("mine")
    (folder / "root" / first.path / "mine.txt").write_text("mine")
    gone = {item.path for item in plan_pruning(root).gone}
    assert {first.path, second.path} <= gone
    assert open_current(root).path not in gone
    assert second.path not in {item.path for item in plan_pruning(root, versions=2).gone}
    assert first.path not in {item.path for item in plan_pruning(root, versions=3).gone}
    training = folder / "cascade" / "vocoder"
    training.mkdir(parents=True)
    (training / "log.jsonl").write_text(f'{{"kind": "start", "clips": 0, "data": {{"digest": "{first.digest}"}}}}\n')
    assert first.path not in {item.path for item in plan_pruning(root, training=[folder / "cascade"]).gone}
    with pytest.raises(UserError, match="holds no training run"):
        plan_pruning(root, training=[folder / "music"])
    note_use(second, training)
    plan = plan_pruning(root)
    assert next(item.why for item in plan.kept if item.path == second.path).startswith(f"training {training}")
    assert second.path in {item.path for item in plan_pruning(root, forget=[str(training)]).gone}
    with pytest.raises(UserError, match="no training run of that folder"):
        plan_pruning(root, forget=["elsewhere"])
    assert plan.strange == ("notes.txt", f"{first.path}/mine.txt")
    prune(root, plan)
    assert (folder / "root" / "notes.txt").is_file()
    assert (folder / "root" / first.path / "mine.txt").is_file()
    assert second.read().num_rows == first.manifest.rows
    assert verify_root(root)[1] == []


def test_prune_waits_for_a_run_at_work_and_takes_up_after_a_killed_one(folder: Path) -> None:
    root = open_store(str(folder / "root"))
    with running(root, "n2m label"), pytest.raises(UserError, match="a run may be at work in .*: n2m label on .*, process"):
        plan_pruning(root)
    assert marks(root, "running") == []
    mark = folder / "root" / "running" / "x.json"
    mark.write_text(json.dumps({"what": "n2m label", "machine": os.uname().nodename, "process": 999999999}))
    assert [item.path for item in plan_pruning(root).gone] == ["running"]
    mark.write_text('{"what": "n2m label", "machine": "another", "process": 1}')
    with pytest.raises(UserError, match=r"on another.*if it is gone, delete"):
        plan_pruning(root)


def test_without_a_finished_run_nothing_is_pruned(folder: Path) -> None:
    (folder / "root" / LATEST).unlink()
    with pytest.raises(UserError, match="holds no finished run"):
        plan_pruning(open_store(str(folder / "root")))


@pytest.mark.parametrize("share", [0.02, 0.6])
def test_a_killed_prune_leaves_what_the_next_run_and_the_next_prune_make_whole(folder: Path, share: float) -> None:
    root = open_store(str(folder / "root"))
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "root").glob("*/*/*.parquet")}
    removed = (folder / "music" / "track-0.wav").read_bytes()
    (folder / "music" / "track-0.wav").unlink()
    run(folder)
    assert "track-0.wav" not in seen(folder)
    plan = plan_pruning(root)
    files = [path for item in plan.gone for path in item.files]
    for path in files[: int(len(files) * share)]:
        root.delete(path)
    assert {finding.old for finding in verify_root(root)[1]} <= {True}
    (folder / "music" / "track-0.wav").write_bytes(removed)
    run(folder)
    kept = {path: digest for path, digest in before.items() if path.parent.parent.name != "views"}
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in kept} == kept
    assert [finding for finding in verify_root(root)[1] if not finding.old] == []
    prune(root, plan_pruning(root))
    assert verify_root(root)[1] == []
    assert len(seen(folder)) == 6
    assert plan_pruning(root).gone == ()


# ---- beyond full scale


@pytest.mark.parametrize("rule", ["scale", "clip"])
def test_audio_beyond_full_scale_is_turned_down_and_said(folder: Path, rule: str) -> None:
    for path in (folder / "music").iterdir():
        path.unlink()
    loud = (4 * tone(3, 3, 24000) / np.abs(tone(3, 3, 24000)).max()).astype(np.float32)
    soundfile.write(folder / "music" / "track-0.wav", loud, 24000, subtype="FLOAT")
    audio = run(folder, shards__beyond_full_scale=rule).datasets.audio
    assert audio is not None
    assert audio.manifest.warnings == {"beyond_full_scale": 1}
    what = "it was turned down by 12.0 dB" if rule == "scale" else "what is beyond was cut off"
    assert audio.manifest.warned["beyond_full_scale"] == (f"track-0.wav @ 0 s: its peak is 12.0 dB beyond full scale; {what}",)
    row = next(row for row in read_labels(str(folder / "root"), audio=True).to_pylist() if row["track_key"] == "track-0.wav")
    kept, _ = soundfile.read(pyarrow.BufferReader(row["audio"]["bytes"]), dtype="float32")
    alike = float(np.corrcoef(kept, loud)[0, 1])
    assert (alike > 0.99999) == (rule == "scale")
    again = run(folder, shards__beyond_full_scale=rule, parts=2).datasets.audio
    assert again is not None
    assert again.manifest.stats["carried"] == again.manifest.rows
    assert again.manifest.warnings == {"beyond_full_scale": 1}
