"""The whole labeling flow on small, real audio with the built-in scorer: what comes out, and that it is the same bytes every time."""

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.inspect import status_rows, verify_root
from noise2music.flows.label import label
from noise2music.flows.tables import show_clip, write_labels
from noise2music.labeling import schemas
from noise2music.labeling.datasets.current import read_labels
from tests.flows.music import parquet_tree, small_settings, tone, write_music, write_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_music(tmp_path / "music")
    return tmp_path


def test_every_clip_gets_its_labels_and_ends_in_a_shard(folder: Path) -> None:
    labeled = label(small_settings(folder))
    datasets = labeled.datasets
    assert datasets.embed.manifest.rows == 16  # 3.5 to 5.25 s in clips of 3 s, and every rest is at least 0.5 s
    samples = datasets.vocabularies["words"].sample.read().to_pylist()
    assert all(len(row["labels"]) == 2 for row in samples)
    assert datasets.shard is not None
    shards = datasets.shard.read()
    assert shards.schema.equals(schemas.SHARD)
    assert shards.column("clip_id").to_pylist() == sorted(
        shards.column("clip_id").to_pylist(), key=[row["clip_id"] for row in samples].index
    )
    row = read_labels(str(folder / "root"), audio=True).to_pylist()[0]
    audio, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
    assert rate == 24000
    assert abs(len(audio) / rate - row["length_ms"] / 1000) < 0.01
    assert 0.05 < abs(audio).max() < 1
    assert row["title"].startswith("Title ")
    assert {item["vocabulary"] for item in row["labels"]} == {"words"}
    page = labeled.report.store.get(f"{labeled.report.path}/report.html").decode()
    assert "Title 3" in page


def test_a_repeated_run_does_nothing(folder: Path) -> None:
    assert not label(small_settings(folder)).nothing_done
    before = parquet_tree(folder / "root")
    assert label(small_settings(folder)).nothing_done
    assert parquet_tree(folder / "root") == before


def test_workers_order_and_batch_do_not_change_a_byte(folder: Path) -> None:
    label(small_settings(folder))
    rows = list(csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")))
    write_table(folder / "manifest.csv", rows[::-1])
    label(small_settings(folder, "other", run__workers=2, run__batch_size=1))
    assert parquet_tree(folder / "root") == parquet_tree(folder / "other")


def test_the_folder_may_be_elsewhere(folder: Path) -> None:
    label(small_settings(folder))
    (folder / "music").rename(folder / "moved")
    label(small_settings(folder, "other", corpus__audio=str(folder / "moved")))
    assert parquet_tree(folder / "root") == parquet_tree(folder / "other")


def test_another_seed_draws_other_labels_from_the_same_embeddings(folder: Path) -> None:
    first = label(small_settings(folder)).datasets
    second = label(small_settings(folder, seed=1)).datasets
    assert first.embed.path == second.embed.path
    assert first.vocabularies["words"].sample.digest != second.vocabularies["words"].sample.digest


def test_new_tracks_cost_only_themselves_and_end_in_the_same_bytes(folder: Path) -> None:
    label(small_settings(folder))
    for number in (20, 21):
        soundfile.write(folder / "music" / f"new-{number}.wav", tone(4, number), 22050)
    grown = label(small_settings(folder)).datasets.embed
    assert grown.manifest.stats["carried"] == 16
    assert grown.manifest.rows == 20
    fresh = label(small_settings(folder, "fresh")).datasets
    assert fresh.embed.manifest.stats["carried"] == 0
    assert {path: data for path, data in parquet_tree(folder / "root").items() if path.startswith(grown.path)} == {
        path: data for path, data in parquet_tree(folder / "fresh").items() if path.startswith(grown.path)
    }


def test_a_renamed_file_is_carried_over_too(folder: Path) -> None:
    label(small_settings(folder))
    (folder / "music" / "track-0.wav").rename(folder / "music" / "other name.wav")
    assert label(small_settings(folder)).datasets.embed.manifest.stats["carried"] == 16


def test_a_damaged_part_is_found_by_verify_and_made_again(folder: Path) -> None:
    datasets = label(small_settings(folder)).datasets
    root = open_store(str(folder / "root"))
    before = parquet_tree(folder / "root")
    file = folder / "root" / datasets.embed.path / datasets.embed.manifest.parts[1].files[0].path
    data = bytearray(file.read_bytes())
    data[-20] ^= 0xFF
    file.write_bytes(data)
    findings = verify_root(root)[1]
    assert [finding.path for finding in findings] == [str(file.relative_to(folder / "root"))]
    assert not label(small_settings(folder)).nothing_done
    assert verify_root(root)[1] == []
    assert parquet_tree(folder / "root") == before


def test_the_flat_table_in_three_formats(folder: Path) -> None:
    label(small_settings(folder))
    root = open_store(str(folder / "root"))
    names = ["track_key", "clip_start", "vocabulary", "rank", "score", "frequency", "caption", "clip_id", "split", "p"]
    for suffix in ("csv", "jsonl", "parquet"):
        assert write_labels(root, folder / f"labels.{suffix}") == 32
    table = pq.read_table(folder / "labels.parquet").to_pylist()
    assert list(table[0]) == names
    assert [json.loads(line) for line in (folder / "labels.jsonl").open(encoding="utf-8")] == table
    assert [row["caption"] for row in csv.DictReader((folder / "labels.csv").open(encoding="utf-8"))] == [row["caption"] for row in table]
    with pytest.raises(UserError, match=r"use .csv, .jsonl or .parquet"):
        write_labels(root, folder / "labels.xlsx")


def test_show_and_status(folder: Path) -> None:
    soundfile.write(folder / "music" / "quiet.wav", tone(3, 1) * 0, 22050)
    soundfile.write(folder / "music" / "short.wav", tone(0.2, 1), 22050)
    label(small_settings(folder, max_dead=0.2))
    root = open_store(str(folder / "root"))
    first = show_clip(root, "track-0.wav")
    assert first["start"] == 0
    assert len(first["labels"]) == 2
    assert show_clip(root, first["clip_id"]) == first
    assert show_clip(root, "track-0.wav@3")["start"] == 3
    with pytest.raises(UserError, match=r"excluded \(too_short\)"):
        show_clip(root, "short.wav")
    with pytest.raises(UserError, match="died in embed: silent"):
        show_clip(root, "quiet.wav")
    with pytest.raises(UserError, match="no clip or track"):
        show_clip(root, "nothing.wav")
    rows = status_rows(root)
    assert [row["stage"] for row in rows][:6] == ["inventory", "probe", "fingerprint", "copies", "ingest", "embed"]
    assert {row["state"] for row in rows} == {"finished"}
    assert next(row for row in rows if row["stage"] == "embed")["reasons"] == "silent 1"


def test_replay_brings_a_mended_row_back_to_life(folder: Path) -> None:
    """A file that cannot be opened for a while: dead at first, alive after replay, and nothing else is computed again."""
    broken = folder / "music" / "track-0.wav"
    whole = broken.read_bytes()
    settings = small_settings(folder, max_dead=0.5)
    broken.write_bytes(b"RIFF")
    first = label(settings).datasets
    assert first.probe is not None
    assert first.probe.manifest.dead_rows == 1
    broken.write_bytes(whole)
    again = label(settings, replay=True).datasets
    assert again.embed.manifest.rows == first.embed.manifest.rows + 2
    assert again.embed.manifest.stats["carried"] == first.embed.manifest.rows
    assert again.embed.path == label(settings).datasets.embed.path


def test_two_vocabularies_and_splits(folder: Path) -> None:
    rows = list(csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")))
    write_table(folder / "manifest.csv", [row | {"split": "test" if n % 2 else "train"} for n, row in enumerate(rows)])
    more = {"kind": "tags", "source": str(folder / "tags.txt"), "allowed_splits": ["test"]}
    settings = small_settings(folder, vocabulary__other=more, corpus__columns__split="split")
    datasets = label(settings).datasets
    splits = dict(
        zip(datasets.embed.read(["clip_id"]).column(0).to_pylist(), datasets.embed.read(["split"]).column(0).to_pylist(), strict=True)
    )
    for row in datasets.vocabularies["other"].sample.read().to_pylist():
        assert bool(row["labels"]) == (splits[row["clip_id"]] == "test")
    assert {item["vocabulary"] for row in datasets.shard.read().to_pylist() for item in row["labels"]} == {"words", "other"}  # type: ignore[union-attr]


def test_titles_with_scripts_are_text_in_the_report(folder: Path) -> None:
    rows = list(csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")))
    rows[0]["title"] = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    write_table(folder / "manifest.csv", rows)
    labeled = label(small_settings(folder))
    page = labeled.report.store.get(f"{labeled.report.path}/report.html").decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in page


def test_an_inverted_index_writes_its_recall_into_manifest_and_report(folder: Path) -> None:
    labeled = label(small_settings(folder, retrieval__index="ivf", retrieval__nlist=2, retrieval__nprobe=2))
    stats = labeled.datasets.vocabularies["words"].retrieve.manifest.stats
    assert stats["recall_found"] == stats["recall_clips"] == 16
    figures = json.loads(labeled.report.store.get(f"{labeled.report.path}/report.json"))
    assert figures["vocabularies"][0]["recall"] == 1.0


def test_opt_out_and_licences_are_honoured_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = list(csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")))
    rows[3]["licence"] = "all rights reserved"
    write_table(folder / "manifest.csv", rows)
    caplog.set_level("INFO", "n2m")
    (folder / "opt-out.txt").write_text("track-1.flac\n# a comment\nnot-there.mp3\n")
    datasets = label(small_settings(folder, corpus__opt_out=str(folder / "opt-out.txt"), corpus__licences=["CC0*"])).datasets
    assert datasets.ingest is not None
    assert datasets.ingest.manifest.excluded == {"licence": 1, "opted_out": 1}
    assert datasets.embed.manifest.rows == 12
    assert "opt-out list: 2 entries, 1 tracks left out" in caplog.text


def test_the_tags_inside_the_files_are_the_metadata_without_a_table(folder: Path) -> None:
    settings = small_settings(folder)
    settings = settings.model_copy(update={"corpus": settings.corpus.model_copy(update={"metadata": None})})
    with soundfile.SoundFile(folder / "music" / "tagged.flac", "w", 22050, 1) as file:
        file.title, file.artist, file.genre = "Inside", "Somebody", "techno"
        file.write(tone(3, 30))
    tracks = label(settings).datasets.ingest.read().to_pylist()  # type: ignore[union-attr]
    tagged = next(track for track in tracks if track["key"] == "tagged.flac")
    assert (tagged["title"], tagged["artist"], tagged["tags"]) == ("Inside", "Somebody", ["techno"])
