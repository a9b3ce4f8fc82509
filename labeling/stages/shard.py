"""shard: the labelled clips of a part -> training rows: audio as FLAC and every text of the clip (paper section 2.5, 24 kHz mono)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from labeling.embed import Failed, run_ahead
from labeling.encode import audio_bytes
from labeling.parts import PartContext
from labeling.schemas import SHARD
from labeling.settings import Shards
from labeling.stages.embed import ClipPlan, plan_clips, read_waveforms

VERSION = 2
ROW_GROUP_ROWS = 16


def shard_part(context: PartContext, tracks: pa.Table, labels: Mapping[str, pa.Table], audio: str, settings: Shards) -> Iterator[pa.Table]:
    """Tracks of one part and its labels by vocabulary (schemas.SAMPLE) -> tables of schemas.SHARD, each about `target_mb` of audio.

    A clip without any label is left out and counted ("unlabelled"); the order is the key order (track id, start).
    """
    by_clip = _labels_by_clip(labels)
    described = {row["track_id"]: row for row in tracks.drop_columns(["clips"]).to_pylist()}
    plans = {plan.clip_id: plan for plan in plan_clips(tracks) if plan.clip_id in by_clip}
    labelled = [plan for plan in plans.values() if by_clip[plan.clip_id]]
    context.count("unlabelled", len(plans) - len(labelled))
    rows: list[dict[str, Any]] = []
    size = 0
    for clip in run_ahead(read_waveforms(audio, labelled, settings.sample_rate), 2):
        context.advance()
        plan = plans[clip.key]
        if isinstance(clip, Failed):
            context.reject(plan.title, clip.error)
            continue
        flac = audio_bytes(clip.audio, settings.sample_rate)
        context.count("audio_seconds", round(len(clip.audio) / settings.sample_rate, 6))
        rows.append(_row(plan, described[plan.track_id], by_clip[plan.clip_id], flac, settings.sample_rate))
        size += len(flac)
        if size >= settings.target_mb * 2**20:
            yield pa.Table.from_pylist(rows, SHARD)
            rows, size = [], 0
    if rows:
        yield pa.Table.from_pylist(rows, SHARD)


def _labels_by_clip(labels: Mapping[str, pa.Table]) -> dict[str, list[dict[str, Any]]]:
    by_clip: dict[str, list[dict[str, Any]]] = {}
    for vocabulary, table in sorted(labels.items()):
        for clip_id, drawn in zip(table.column("clip_id").to_pylist(), table.column("labels").to_pylist(), strict=True):
            by_clip.setdefault(clip_id, []).extend({"vocabulary": vocabulary, **label} for label in drawn)
    return by_clip


def _row(plan: ClipPlan, track: Mapping[str, Any], labels: list[dict[str, Any]], flac: bytes, rate: int) -> dict[str, Any]:
    return {
        "clip_id": plan.clip_id,
        "track_id": plan.track_id,
        "track_key": plan.track_key,
        "start_ms": plan.start_ms,
        "length_ms": plan.length_ms,
        **{name: track[name] for name in ("title", "artist", "licence", "split", "tags")},
        "labels": labels,
        "sample_rate": rate,
        "audio": {"bytes": flac, "path": f"{plan.clip_id}.flac"},
    }
