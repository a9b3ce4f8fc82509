"""A small finished labeling run, written through the real storage: tables by hand, labels and counts by the real stages."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.errors import RowError
from noise2music.core.ids import ids_to_uint64, stable_id
from noise2music.core.storage import Store, open_store
from noise2music.flows.datasets import LabelDatasets, VocabularyDatasets
from noise2music.labeling.datasets.arrow import lists_column, vectors_column
from noise2music.labeling.datasets.audio_files import write_audio_file
from noise2music.labeling.datasets.build import build_dataset
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, part_of, write_part
from noise2music.labeling.schemas import (
    COUNT,
    INGEST,
    INVENTORY,
    NULL,
    PROBE,
    RETRIEVE,
    SAMPLE,
    SHARD,
    VOCABULARY,
    embed_schema,
    embed_text_schema,
)
from noise2music.labeling.stages.count import count_part, count_table, sum_counts
from noise2music.labeling.stages.sample import Frequencies, sample_part

PARTS = 2
RATE = 24_000
HOSTILE = "<script>alert(1)</script>\"'&"

MakePart = Callable[[PartContext], Iterable[pa.Table]]


def build(root: Store, stage: str, name: str, schema: pa.Schema, make: MakePart, parts: int = PARTS, **write: int) -> Dataset:
    """One dataset whose part i holds the tables of make(context of part i)."""
    identity = Identity(stage, name, parts, 1)

    def make_parts(identity: Identity, missing: Iterable[int]) -> None:
        for part in missing:
            context = PartContext(stage, part, parts)
            write_part(root, identity.path, context, make(context), schema, **write)

    return build_dataset(root, identity, make_parts, {"seed": 0}).dataset


def sine(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    """A tone at half of full scale."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def make_tracks(number: int) -> list[dict]:
    """Tracks of two clips each; the last one but one is a duplicate of the first, the last has a licence that is not allowed."""
    tracks = []
    for i in range(number):
        track_id = stable_id("track", i)
        excluded = {number - 2: "duplicate", number - 1: "licence"}.get(i) if number > 2 else None
        clips = [{"clip_id": stable_id(track_id, s), "start_ms": s * 1000, "length_ms": 1000} for s in range(2)]
        tracks.append(
            {
                "track_id": track_id,
                "key": f"song {i:03d}.ogg",
                "title": HOSTILE if i == 0 else f"Song {i}",
                "artist": None if i % 2 else "Ärtist 夜",
                "licence": "CC0",
                "split": "train",
                "tags": ["rock", HOSTILE] if i % 3 == 0 else ["folk", "folk"],
                "instruments": [],
                "bytes": 1,
                "sha256": "0" * 64,
                "format": "ogg",
                "sample_rate": RATE,
                "channels": 1,
                "duration_ms": 2000,
                "duplicate_of": tracks[0]["track_id"] if excluded == "duplicate" else None,
                "excluded": excluded,
                "clips": [] if excluded else clips,
            }
        )
    return tracks


def finished_run(folder: Path, tracks: int = 9, captions: int = 30, top_k: int = 5, draw: int = 2, audio: bool = True) -> LabelDatasets:
    """Every dataset of a run over made-up candidates. The track "song 001.ogg" may not be labelled; one file is not audio."""
    root = open_store(str(folder))
    rows = make_tracks(tracks)

    def of_part(part: int) -> list[dict]:
        return sorted((row for row in rows if part_of(row["track_id"], PARTS) == part), key=lambda row: row["track_id"])

    def clips_of(part: int) -> list[tuple[dict, dict]]:
        return [(row, clip) for row in of_part(part) for clip in row["clips"]]

    def inventory(context: PartContext) -> Iterable[pa.Table]:
        if context.part == 0:
            context.count("ignored:.jpg", 2)
            context.count("metadata_without_file", 3)
        broken = [] if context.part else [{"track_id": "f" * 16, "key": f"{HOSTILE}.mp3", "tags": [], "instruments": [], "bytes": 1}]
        files = [{k: row[k] for k in ("track_id", "key", "tags", "instruments", "bytes")} for row in of_part(context.part)]
        yield pa.Table.from_pylist([{**row, "content": "0", "described": True} for row in files + broken], INVENTORY)

    def probe(context: PartContext) -> Iterable[pa.Table]:
        if context.part == 0:
            context.reject(f"{HOSTILE}.mp3", RowError("not_audio", f"begins with {HOSTILE}"))
        names = {
            "tag_title": None,
            "tag_artist": None,
            "tag_licence": None,
            "tag_genres": [],
            "tag_notes": [],
            "claimed_ms": 2000,
            "content": "0",
        }
        yield pa.Table.from_pylist([{**{k: row[k] for k in PROBE.names if k in row}, **names} for row in of_part(context.part)], PROBE)

    def ingest(context: PartContext) -> Iterable[pa.Table]:
        for row in of_part(context.part):
            context.count("clips", len(row["clips"]))
            if row["excluded"]:
                context.count(f"excluded:{row['excluded']}")
        yield pa.Table.from_pylist(of_part(context.part), INGEST)

    def embed(context: PartContext) -> Iterable[pa.Table]:
        plans = clips_of(context.part)
        fixed = {"sha256": "0" * 64, "split": "train", "windows": 1, "odd": []}
        table = [{"track_id": row["track_id"], **clip, **fixed} for row, clip in plans]
        if table:
            plain = pa.Table.from_pylist(table, pa.schema(list(embed_schema(1))[:-1]))
            yield plain.append_column("embedding", vectors_column(np.ones((len(table), 1), np.float32)))

    def shard(context: PartContext) -> Iterable[pa.Table]:
        plans = [(row, clip) for row, clip in clips_of(context.part) if row["key"] != "song 001.ogg"]
        texts = ("title", "artist", "licence", "split", "tags", "track_id")
        table = [
            {
                **clip,
                **{name: row[name] for name in texts},
                "track_key": row["key"],
                "labels": [],
                "sample_rate": RATE,
            }
            for row, clip in plans
        ]
        flac = [audio_bytes(sine(1, 440 + 100 * place), RATE) for place in range(len(table))]
        file = write_audio_file(root, [{"clip_id": row["clip_id"], "flac": data} for row, data in zip(table, flac, strict=True)])
        context.refer(file)
        table = [row | {"audio_file": file.path, "audio_row": number} for number, row in enumerate(table)]
        yield pa.Table.from_pylist(table, SHARD)

    datasets = {
        "inventory": build(root, "inventory", "", INVENTORY, inventory),
        "probe": build(root, "probe", "", PROBE, probe),
        "ingest": build(root, "ingest", "", INGEST, ingest),
        "embed": build(root, "embed", "", embed_schema(1), embed),
        "shard": build(root, "shard", "", SHARD, shard, row_group_rows=3) if audio else None,
    }
    vocabulary = vocabulary_run(root, "rater_short", datasets["embed"], datasets["ingest"], captions, top_k, draw)
    return LabelDatasets(**datasets, vocabularies={"rater_short": vocabulary})


def vocabulary_run(root: Store, name: str, clips: Dataset, ingest: Dataset, captions: int, top_k: int, draw: int) -> VocabularyDatasets:
    """A vocabulary with candidates drawn at random, the low captions more often; "song 001.ogg" gets none."""
    texts = [(stable_id(name, i), HOSTILE if i == 0 else f"caption {i}") for i in range(captions)]
    barred = {row["track_id"] for row in ingest.read(["track_id", "key"]).to_pylist() if row["key"] == "song 001.ogg"}

    def vocabulary(context: PartContext) -> Iterable[pa.Table]:
        context.count("read", captions // PARTS + 3)
        context.count("lost:duplicate", 3)
        rows = [{"caption_id": key, "caption": text, "occurrences": 1, "split": "all"} for key, text in texts[context.part :: PARTS]]
        yield pa.Table.from_pylist(rows, VOCABULARY)

    vocabularies = build(root, "vocabulary", name, VOCABULARY, vocabulary)

    def embed_text(context: PartContext) -> Iterable[pa.Table]:
        table = vocabularies.read_part(context.part, ["caption_id", "caption"])
        ones = vectors_column(np.ones((len(table), 1), np.float32))
        yield table.append_column("embedding", ones).append_column("meaning", ones)

    embedded = build(root, "embed_text", name, embed_text_schema(1, 1), embed_text)

    def retrieve(context: PartContext) -> Iterable[pa.Table]:
        table = clips.read_part(context.part, ["clip_id", "track_id", "split"])
        lists, scores = [], []
        for clip_id, track_id in zip(table.column("clip_id").to_pylist(), table.column("track_id").to_pylist(), strict=True):
            rng = np.random.default_rng(int(clip_id[:8], 16))
            if track_id not in barred:
                weight = 1 / np.arange(1, captions + 1)
                lists.append(rng.choice(captions, top_k, replace=False, p=weight / weight.sum()))
            else:
                lists.append(np.zeros(0, np.int64))
            scores.append(np.sort(rng.uniform(0.2, 0.9, len(lists[-1])))[::-1])
        if lists:
            lengths = np.array([len(item) for item in lists])
            found = lists_column(pa.array(np.concatenate(lists), pa.int32()), lengths)
            cosines = lists_column(pa.array(np.concatenate(scores), pa.float32()), lengths)
            yield pa.table({"clip_id": table["clip_id"], "split": table["split"], "captions": found, "scores": cosines}, RETRIEVE)

    retrieved = build(root, "retrieve", name, RETRIEVE, retrieve)
    counts = sum_counts(count_part(table, captions) for table in retrieved.tables())
    order = embedded.read(["caption_id", "caption"])
    counted = build(root, "count", name, COUNT, lambda _: [count_table(order["caption_id"], counts)], parts=1)
    frequencies = Frequencies(order["caption_id"].combine_chunks(), order["caption"].combine_chunks(), counts)
    sampled = build(
        root, "sample", name, SAMPLE, lambda c: sample_part(c, retrieved.read_part(c.part), frequencies, draw, top_k, seed=0, floor=None)
    )

    def null(_: PartContext) -> Iterable[pa.Table]:
        ids = clips.read(["clip_id"])["clip_id"]
        pairs = 200 if len(ids) else 0
        clip = ids.take(pa.array(np.arange(pairs) % max(1, len(ids))))
        caption = order["caption_id"].take(pa.array(np.arange(pairs) % captions))
        yield pa.table({"clip_id": clip, "caption_id": caption, "score": np.linspace(-0.5, 0.5, pairs)}, NULL)

    assert len(np.unique(ids_to_uint64(order["caption_id"]))) == captions
    return VocabularyDatasets(vocabularies, embedded, retrieved, build(root, "null", name, NULL, null, parts=1), counted, sampled)
