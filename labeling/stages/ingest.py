"""Stage "ingest": metadata and content of the files become tracks and clips. Decides about copies, licences, splits and opt-outs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from noise2music.labeling.corpus.clips import OPTED_OUT, Clip, cut_clips, exclusion_reason, track_split
from noise2music.labeling.corpus.copies import Member, Verdict
from noise2music.labeling.corpus.describe import Oddity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import INGEST
from noise2music.labeling.settings import Corpus

VERSION = 2
NO_SPLIT = ""
USUAL_SPLITS = frozenset({"train", "test", "valid", "validation", "val", "dev", "eval"})


def members(files: pa.Table, probed: pa.Table, corpus: Corpus, opted_out: frozenset[str]) -> Iterator[tuple[str, Member]]:
    """One part of schemas.INVENTORY and schemas.PROBE -> (SHA-256, file), to be grouped (corpus.copies)."""
    file_rows = {row["track_id"]: row for row in files.select(["track_id", "described", "licence", "split"]).to_pylist()}
    for probe_row in probed.select(["track_id", "key", "sha256", "duration_ms", "tag_licence"]).to_pylist():
        row = file_rows[probe_row["track_id"]]
        reason, _ = _eligibility(row, probe_row, corpus, opted_out)
        split = track_split(row["split"], corpus) or NO_SPLIT
        yield (
            probe_row["sha256"],
            Member(probe_row["key"], probe_row["track_id"], probe_row["sha256"], reason or "", row["described"], split),
        )


def ingest_part(
    context: PartContext,
    files: pa.Table,
    probed: pa.Table,
    verdicts: Mapping[str, Verdict],
    corpus: Corpus,
    opted_out: frozenset[str],
    notes: Sequence[Oddity] = (),
) -> Iterator[pa.Table]:
    """One part of schemas.INVENTORY and schemas.PROBE -> schemas.INGEST in key order (track id).

    verdicts: by track id, of files left out because of a copy (labeling.corpus.copies). opted_out: ids of the tracks that the opt-out
    list names. notes: warnings about that list, which part 0 reports. An excluded track has a row with the reason and without clips.
    """
    if context.part == 0:
        for note in notes:
            context.warn(note.reason, note.key, note.message)
    file_rows = {row["track_id"]: row for row in files.to_pylist()}
    rows = []
    for probe_row in probed.to_pylist():
        row = _track(file_rows[probe_row["track_id"]], probe_row, verdicts.get(probe_row["track_id"]), corpus, opted_out)
        context.count("tracks")
        context.count("clips", len(row["clips"]))
        if row["excluded"]:
            context.count(f"excluded:{row['excluded']}")
        if row["split"] not in USUAL_SPLITS and row["split"] != NO_SPLIT:
            context.warn("unusual_split", row["key"], f"its split is {row['split']!r}; usual are {', '.join(sorted(USUAL_SPLITS))}")
        rows.append(row)
        context.advance()
    if rows:
        yield pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["track_id"])), INGEST)


def _eligibility(
    file_row: Mapping[str, Any], probe_row: Mapping[str, Any], corpus: Corpus, opted_out: frozenset[str]
) -> tuple[str | None, list[Clip]]:
    """The reason why a track is excluded, copies aside (None when it is not), and the clips that it would have."""
    clips = cut_clips(probe_row["track_id"], probe_row["duration_ms"], corpus)
    split = track_split(file_row["split"], corpus)
    return exclusion_reason(probe_row["track_id"], _licence(file_row, probe_row), split, bool(clips), corpus, opted_out), clips


def _licence(file_row: Mapping[str, Any], probe_row: Mapping[str, Any]) -> str | None:
    licence: str | None = file_row["licence"] if file_row["described"] else probe_row["tag_licence"]
    return licence


def _track(
    file_row: Mapping[str, Any], probe_row: Mapping[str, Any], verdict: Verdict | None, corpus: Corpus, opted_out: frozenset[str]
) -> dict[str, Any]:
    excluded, clips = _eligibility(file_row, probe_row, corpus, opted_out)
    if verdict is not None and excluded != OPTED_OUT:
        excluded = verdict.reason
    return {
        **{name: probe_row[name] for name in ("track_id", "key", "bytes", "sha256", "format", "sample_rate", "channels", "duration_ms")},
        "title": file_row["title"] if file_row["described"] else probe_row["tag_title"],
        "artist": file_row["artist"] if file_row["described"] else probe_row["tag_artist"],
        "licence": _licence(file_row, probe_row),
        "split": track_split(file_row["split"], corpus) or NO_SPLIT,
        "tags": file_row["tags"] if file_row["described"] else probe_row["tag_genres"],
        **{name: file_row[name] for name in ("instruments", "tempo", "musical_key")},
        "duplicate_of": verdict.other if verdict else None,
        "excluded": excluded,
        "clips": [] if excluded else [{"clip_id": c.clip_id, "start_ms": c.start_ms, "length_ms": c.length_ms} for c in clips],
    }
