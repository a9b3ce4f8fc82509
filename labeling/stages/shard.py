"""Stage "shard": the labelled clips of a part -> training rows with all texts of a clip and a reference to its audio (stage `audio`)."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from noise2music.labeling.datasets.audio_files import hash_in_path
from noise2music.labeling.datasets.manifest import PartFile
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import SHARD
from noise2music.labeling.stages.embed import ClipPlan, plan_clips

VERSION = 2
ROW_GROUP_ROWS = 16


def shard_part(context: PartContext, tracks: pa.Table, audio: pa.Table, labels: Mapping[str, pa.Table]) -> Iterator[pa.Table]:
    """Tracks of one part, its audio (schemas.AUDIO) and its labels by vocabulary (schemas.SAMPLE) -> one table of schemas.SHARD.

    Left out and counted are clips without a label ("unlabelled") and clips whose audio is dead ("no_audio"). Rows are in key order (track
    id, start).
    """
    by_clip = _labels_by_clip(labels)
    track_rows = {row["track_id"]: row for row in tracks.drop_columns(["clips"]).to_pylist()}
    audio_rows = {row["clip_id"]: row for row in audio.to_pylist()}
    plans = [plan for plan in plan_clips(tracks) if plan.clip_id in by_clip]
    labelled = [plan for plan in plans if by_clip[plan.clip_id]]
    living = [plan for plan in labelled if plan.clip_id in audio_rows]
    context.count("unlabelled", len(plans) - len(labelled))
    context.count("no_audio", len(labelled) - len(living))
    rows = []
    for plan in living:
        audio_row = audio_rows[plan.clip_id]
        path, size = audio_row["audio_file"], audio_row["file_bytes"]
        context.refer(PartFile(path=path, rows=audio_row["file_rows"], bytes=size, sha256=hash_in_path(path)))
        rows.append(_row(plan, track_rows[plan.track_id], by_clip[plan.clip_id], audio_row))
    if rows:
        yield pa.Table.from_pylist(rows, SHARD)


def _labels_by_clip(labels: Mapping[str, pa.Table]) -> dict[str, list[dict[str, Any]]]:
    by_clip: dict[str, list[dict[str, Any]]] = {}
    for vocabulary, table in sorted(labels.items()):
        for clip_id, clip_labels in zip(table.column("clip_id").to_pylist(), table.column("labels").to_pylist(), strict=True):
            by_clip.setdefault(clip_id, []).extend({"vocabulary": vocabulary, **label} for label in clip_labels)
    return by_clip


def _row(plan: ClipPlan, track: Mapping[str, Any], labels: list[dict[str, Any]], audio_row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "clip_id": plan.clip_id,
        "track_id": plan.track_id,
        "track_key": plan.track_key,
        "start_ms": plan.start_ms,
        "length_ms": plan.length_ms,
        **{name: track[name] for name in ("title", "artist", "licence", "split", "tags")},
        "labels": labels,
        **{name: audio_row[name] for name in ("sample_rate", "audio_file", "audio_row")},
    }
