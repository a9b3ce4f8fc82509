"""ingest: what is known of each file and what is in it become tracks and clips; duplicates, licences and opt-outs are decided here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from labeling.admission import exclusion
from labeling.clips import cut_clips
from labeling.parts import PartContext
from labeling.schemas import INGEST
from labeling.settings import Corpus

VERSION = 1
DEFAULT_SPLIT = "train"


def content_pairs(probed: pa.Table) -> Iterator[tuple[str, tuple[str, str]]]:
    """Probed files -> (content hash, (key, track id)), to be grouped by the hash."""
    columns = (probed.column(name).to_pylist() for name in ("sha256", "key", "track_id"))
    for sha256, key, track_id in zip(*columns, strict=True):
        yield sha256, (key, track_id)


def duplicates(same: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(key, track id) of files with one content -> (track id, the first's track id) for all but the first by key."""
    ordered = sorted(same)
    for _, track_id in ordered[1:]:
        yield track_id, ordered[0][1]


def ingest_part(
    context: PartContext, files: pa.Table, probed: pa.Table, first: Mapping[str, str], corpus: Corpus, opted_out: frozenset[str]
) -> Iterator[pa.Table]:
    """One part of schemas.INVENTORY and schemas.PROBE -> schemas.INGEST in key order (track id).

    first: track id -> the track it is an exact duplicate of. A track that is excluded keeps its row, with the reason and no clips.
    """
    known = {row["track_id"]: row for row in files.to_pylist()}
    rows = []
    for found in probed.to_pylist():
        row = _track(known[found["track_id"]], found, first.get(found["track_id"]), corpus, opted_out)
        context.count("tracks")
        context.count("clips", len(row["clips"]))
        if row["excluded"]:
            context.count(f"excluded:{row['excluded']}")
        rows.append(row)
        context.advance()
    if rows:
        yield pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["track_id"])), INGEST)


def _track(
    known: Mapping[str, Any], found: Mapping[str, Any], first: str | None, corpus: Corpus, opted_out: frozenset[str]
) -> dict[str, Any]:
    licence = known["licence"] if known["described"] else found["tag_licence"]
    clips = cut_clips(found["track_id"], found["duration_ms"], corpus)
    excluded = (
        "duplicate" if first else exclusion(found["key"], found["track_id"], found["sha256"], licence, bool(clips), corpus, opted_out)
    )
    return {
        **{name: found[name] for name in ("track_id", "key", "bytes", "sha256", "format", "sample_rate", "channels", "duration_ms")},
        "title": known["title"] if known["described"] else found["tag_title"],
        "artist": known["artist"] if known["described"] else found["tag_artist"],
        "licence": licence,
        "split": known["split"] or DEFAULT_SPLIT,
        "tags": known["tags"] if known["described"] else found["tag_genres"],
        **{name: known[name] for name in ("instruments", "tempo", "musical_key")},
        "duplicate_of": first,
        "excluded": excluded,
        "clips": [] if excluded else [{"clip_id": c.clip_id, "start_ms": c.start_ms, "length_ms": c.length_ms} for c in clips],
    }
