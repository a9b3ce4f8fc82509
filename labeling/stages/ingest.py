"""ingest: what is known of each file and what is in it become tracks and clips; copies, licences, splits and opt-outs are decided here."""

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
    known = {row["track_id"]: row for row in files.select(["track_id", "described", "licence", "split"]).to_pylist()}
    for found in probed.select(["track_id", "key", "sha256", "duration_ms", "tag_licence"]).to_pylist():
        row = known[found["track_id"]]
        reason, _ = _admitted(row, found, corpus, opted_out)
        split = track_split(row["split"], corpus) or NO_SPLIT
        yield found["sha256"], Member(found["key"], found["track_id"], found["sha256"], reason or "", row["described"], split)


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
    list names. notes: what is to be said of that list, by part 0. A track that is excluded keeps its row, with the reason and no clips.
    """
    if context.part == 0:
        for note in notes:
            context.warn(note.reason, note.key, note.message)
    known = {row["track_id"]: row for row in files.to_pylist()}
    rows = []
    for found in probed.to_pylist():
        row = _track(known[found["track_id"]], found, verdicts.get(found["track_id"]), corpus, opted_out)
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


def _admitted(
    known: Mapping[str, Any], found: Mapping[str, Any], corpus: Corpus, opted_out: frozenset[str]
) -> tuple[str | None, list[Clip]]:
    """Why a track is left out whatever its copies are, and the clips that it would have."""
    clips = cut_clips(found["track_id"], found["duration_ms"], corpus)
    split = track_split(known["split"], corpus)
    return exclusion_reason(found["track_id"], _licence(known, found), split, bool(clips), corpus, opted_out), clips


def _licence(known: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    licence: str | None = known["licence"] if known["described"] else found["tag_licence"]
    return licence


def _track(
    known: Mapping[str, Any], found: Mapping[str, Any], verdict: Verdict | None, corpus: Corpus, opted_out: frozenset[str]
) -> dict[str, Any]:
    excluded, clips = _admitted(known, found, corpus, opted_out)
    if verdict is not None and excluded != OPTED_OUT:
        excluded = verdict.reason
    return {
        **{name: found[name] for name in ("track_id", "key", "bytes", "sha256", "format", "sample_rate", "channels", "duration_ms")},
        "title": known["title"] if known["described"] else found["tag_title"],
        "artist": known["artist"] if known["described"] else found["tag_artist"],
        "licence": _licence(known, found),
        "split": track_split(known["split"], corpus) or NO_SPLIT,
        "tags": known["tags"] if known["described"] else found["tag_genres"],
        **{name: known[name] for name in ("instruments", "tempo", "musical_key")},
        "duplicate_of": verdict.other if verdict else None,
        "excluded": excluded,
        "clips": [] if excluded else [{"clip_id": c.clip_id, "start_ms": c.start_ms, "length_ms": c.length_ms} for c in clips],
    }
