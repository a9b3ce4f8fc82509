"""The report's figures against the same figures counted row by row."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.ids import hash_uniform, id_to_int
from noise2music.flows.datasets import LabelDatasets
from noise2music.flows.pages.label.contents import FunnelStep, LabelReport
from noise2music.flows.pages.label.counts import Counts
from noise2music.flows.pages.label.funnel import UNEXPLAINED, recordings_funnel
from noise2music.flows.pages.label.gather import STARTER_CAVEAT, gather_report
from noise2music.flows.pages.label.samples import LONGEST_TEXT, Preview, rows_where, shorten
from tests.flows.made_up_datasets import HOSTILE, finished_run


def silent(data: bytes) -> Preview:
    return Preview(data[:4], b"png")


def gather(datasets: LabelDatasets, clips: int = 80, scorer: str = "clap", seed: int = 0) -> LabelReport:
    return gather_report(datasets, "Labels", scorer, seed, clips, {"seed": seed}, preview=silent)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> LabelDatasets:
    return finished_run(tmp_path_factory.mktemp("run"))


def labels_of(datasets: LabelDatasets) -> list[dict]:
    return [label for row in datasets.vocabularies["rater_short"].sample.read().to_pylist() for label in row["labels"]]


def test_captions_are_counted_as_row_by_row(datasets: LabelDatasets) -> None:
    vocabulary = gather(datasets).vocabularies[0]
    names = datasets.vocabularies["rater_short"].embed_text.read(["caption"])["caption"].to_pylist()
    candidates = Counter(names[i] for row in datasets.vocabularies["rater_short"].retrieve.read().to_pylist() for i in row["captions"])
    labels = Counter(label["caption"] for label in labels_of(datasets))
    assert {use.caption: (use.candidates, use.labels) for use in vocabulary.top} == {key: (n, labels[key]) for key, n in candidates.items()}
    assert [use.candidates for use in vocabulary.top] == sorted(candidates.values(), reverse=True)
    assert (vocabulary.candidates, vocabulary.labels) == (candidates.total(), labels.total()) == (60, 24)
    for counts, found in ((candidates, vocabulary.before), (labels, vocabulary.after)):
        p = np.array(list(counts.values())) / counts.total()
        assert found.entropy == pytest.approx(-(p * np.log2(p)).sum())
        assert found.coverage == pytest.approx(len(counts) / 30)
    assert vocabulary.after_curve.shares[0] == pytest.approx(max(labels.values()) / labels.total())


def test_scores_and_chance(datasets: LabelDatasets) -> None:
    scores = gather(datasets).vocabularies[0].scores
    by_name = {series.name: series for series in scores.series}
    drawn = np.array([label["score"] for label in labels_of(datasets)])
    best = [row["scores"][0] for row in datasets.vocabularies["rater_short"].retrieve.read().to_pylist() if row["scores"]]
    assert (by_name["labels"].total, by_name["best candidate"].total, by_name["random pairs"].total) == (24, len(best), 200)
    shares, _ = np.histogram(drawn, scores.edges)
    assert by_name["labels"].shares == pytest.approx(shares / len(drawn))
    threshold = np.sort(np.linspace(-0.5, 0.5, 200))[189]
    assert scores.chance == pytest.approx((drawn > threshold + 1e-4).mean())
    assert by_name["best candidate"].quantiles[2] == pytest.approx(np.sort(best)[5], abs=1e-4)


def test_tags_are_counted_once_a_clip(datasets: LabelDatasets) -> None:
    report = gather(datasets)
    labels = {row["clip_id"]: len(row["labels"]) for row in datasets.vocabularies["rater_short"].sample.read().to_pylist()}
    expected: dict[str, list[int]] = {}
    for track in datasets.ingest.read().to_pylist():
        for tag in set(track["tags"]):
            expected.setdefault(tag, []).extend(labels[clip["clip_id"]] for clip in track["clips"])
    found = {tag.tag: (tag.clips, tag.labelled, tag.labels) for tag in report.tags}
    assert found == {tag: (len(n), sum(x > 0 for x in n), sum(n)) for tag, n in expected.items()}
    assert [tag.share for tag in report.tags] == pytest.approx([tag.labels / 24 for tag in report.tags])


def test_funnel_explains_every_loss(datasets: LabelDatasets) -> None:
    report = gather(datasets)
    counts = [(step.name, step.count) for step in report.funnel]
    assert counts[0] == ("Files found", 12)
    assert counts[-3:] == [("Clips scored", 14), ("Clips with a label", 12), ("Clips in training shards", 12)]
    for steps in (report.funnel, report.vocabularies[0].funnel):
        for before, after in pairwise(steps):
            if before.unit == after.unit:
                assert before.count - after.count == sum(loss.count for loss in after.losses)
        assert UNEXPLAINED not in {loss.reason for step in steps for loss in step.losses}


def test_funnel_shows_a_loss_that_nobody_explains(datasets: LabelDatasets) -> None:
    steps = recordings_funnel(datasets, Counts({}, clips=13, searched=12, labelled=12))
    scored = next(step for step in steps if step.name == "Clips scored")
    assert [(loss.reason, loss.count) for loss in scored.losses] == [(UNEXPLAINED, 1)]


def test_shown_clips_are_those_with_the_smallest_hash(datasets: LabelDatasets) -> None:
    everything = gather(datasets, clips=80, seed=5)
    assert len(everything.shown) == everything.clips == 14
    ids = sorted((float(hash_uniform(5, np.array([id_to_int(c.clip_id)], np.uint64))[0]), c.clip_id) for c in everything.shown)
    few = gather(datasets, clips=3, seed=5)
    assert {clip.clip_id for clip in few.shown} == {clip_id for _, clip_id in ids[:3]}
    assert set(few.shown) <= set(everything.shown)
    assert [(clip.track_key, clip.start_ms) for clip in everything.shown] == sorted((c.track_key, c.start_ms) for c in everything.shown)
    assert gather(datasets, clips=0).shown == ()


def test_a_shown_clip_is_whole(datasets: LabelDatasets) -> None:
    clips = {clip.clip_id: clip for clip in gather(datasets).shown}
    samples = {row["clip_id"]: row["labels"] for row in datasets.vocabularies["rater_short"].sample.read().to_pylist()}
    for clip in clips.values():
        stored = [(label["caption"], label["rank"], label["frequency"]) for label in samples[clip.clip_id]]
        assert [(label.caption, label.rank, label.frequency) for label in clip.labels] == stored
        assert clip.audio == (b"" if clip.track_key == "song 001.ogg" else b"fLaC")
    hostile = [clip for clip in clips.values() if clip.track_key == "song 000.ogg"]
    assert [(clip.title, clip.artist, clip.start_ms) for clip in hostile] == [(HOSTILE, "Ärtist 夜", 0), (HOSTILE, "Ärtist 夜", 1000)]


def test_lost_rows(datasets: LabelDatasets) -> None:
    report = gather(datasets)
    assert [(track.key, track.detail) for track in report.excluded] == [("song 007.ogg", "song 000.ogg"), ("song 008.ogg", "CC0")]
    assert [(letter.stage, letter.key, letter.reason) for letter in report.dead_letters] == [("probe", f"{HOSTILE}.mp3", "not audio")]
    assert [(count.stage, count.count) for count in report.dead_counts] == [("probe", 1)]
    assert len(report.datasets) == 11
    assert {row.stage for row in report.datasets if row.dead} == {"probe"}


def test_starter_carries_its_caveat(datasets: LabelDatasets) -> None:
    assert gather(datasets, scorer="starter").scorer.caveat == STARTER_CAVEAT
    assert gather(datasets, scorer="clap").scorer.caveat == ""


def test_a_rehearsal_needs_neither_tracks_nor_shards(datasets: LabelDatasets) -> None:
    bare = replace(datasets, inventory=None, probe=None, ingest=None, shard=None)
    report, whole = gather(bare), gather(datasets)
    assert (report.tags, report.excluded, report.clips) == ((), (), 14)
    assert report.vocabularies == whole.vocabularies
    assert [step.name for step in report.funnel] == ["Clips scored", "Clips with a label"]
    assert {clip.audio for clip in report.shown} == {b""}


def test_no_clip_at_all(tmp_path: Path) -> None:
    report = gather(finished_run(tmp_path, tracks=0))
    assert (report.recordings, report.clips, report.labelled, report.shown) == (0, 0, 0, ())
    assert report.vocabularies[0].scores.chance is None
    assert report.vocabularies[0].before.entropy == 0
    assert report.funnel[-1] == FunnelStep("Clips in training shards", 0, "clips")


def test_datasets_that_do_not_belong_together(datasets: LabelDatasets, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="parts"):
        gather(replace(datasets, ingest=datasets.vocabularies["rater_short"].count))
    fewer = finished_run(tmp_path, captions=6, top_k=2, draw=1).vocabularies["rater_short"]
    mixed = replace(datasets.vocabularies["rater_short"], embed_text=fewer.embed_text)
    with pytest.raises(ValueError, match="not in the vocabulary"):
        gather(replace(datasets, vocabularies={"rater_short": mixed}))


def test_rows_where_reads_every_row_group(datasets: LabelDatasets) -> None:
    shard = datasets.shard
    assert shard is not None
    for part in shard.parts:
        ids = shard.read_part(part, ["clip_id"])["clip_id"].to_pylist()
        found = rows_where(shard, part, "clip_id", ids[::2], ["clip_id", "start_ms"])
        assert found is not None
        assert found["clip_id"].to_pylist() == ids[::2]
        assert rows_where(shard, part, "clip_id", ["0" * 16], ["clip_id"]) is None


def test_shorten_says_how_long_it_was() -> None:
    assert shorten("a" * LONGEST_TEXT) == "a" * LONGEST_TEXT
    assert shorten("a" * 1_000_000).endswith("… (1,000,000 characters)")
    assert len(shorten("a" * 1_000_000)) < LONGEST_TEXT + 50
    assert shorten(None) == ""
