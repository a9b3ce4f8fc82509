"""Stage "audio": every clip of a part as FLAC (paper section 2.5, 24 kHz mono), written once whatever its labels.

A part's range of ids is divided into equal ranges, one file each. A file depends on the clips in its range alone. Where none was added,
removed or changed, the rows refer to the file of an earlier dataset, and nothing is decoded, read or written.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noise2music.core.audio.encode import audio_bytes, full_scale_gain, say_beyond
from noise2music.core.ids import id_to_int
from noise2music.core.prefetch import run_ahead
from noise2music.core.storage import Store
from noise2music.labeling.datasets.audio_files import flac_array, hash_in_path, write_audio_file
from noise2music.labeling.datasets.manifest import PartFile
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.schemas import AUDIO, FLAC
from noise2music.labeling.settings import Shards
from noise2music.labeling.stages.embed import ClipPlan, Failed, Waveform, plan_clips, read_waveforms

VERSION = 1
LEAST_FILES = 256
"""The fewest ranges, so that removing a track of a small corpus rewrites little."""
_BYTES_A_SAMPLE = 1.2
"""Bytes a sample of 16-bit music as FLAC, about."""


def files_a_part(parts: int, clip_seconds: float, settings: Shards) -> int:
    """Into how many ranges of ids a part is divided: a power of two, so that it seldom changes as a corpus grows."""
    expected = clip_seconds * settings.sample_rate * _BYTES_A_SAMPLE / (settings.target_mb * 2**20)
    files = 1
    while files * parts < max(LEAST_FILES, expected):
        files *= 2
    return files


def clips_digest(tables: Iterator[pa.Table]) -> str:
    """Hash of what decides the audio of all clips: the tracks' content and cuts. tables: schemas.INGEST, part by part."""
    digest = hashlib.sha256()
    for rows in tables:
        table = rows.filter(pc.greater(pc.list_value_length(rows.column("clips")), 0))
        for column in ("track_id", "sha256"):
            digest.update("\n".join(table.column(column).to_pylist()).encode() + b"\n\n")
        clips = table.column("clips").combine_chunks()
        digest.update(repr(pc.list_value_length(clips).to_pylist()).encode())
        flat = clips.flatten()
        for name in ("clip_id", "start_ms", "length_ms"):
            digest.update("\n".join(map(str, flat.field(name).to_pylist())).encode() + b"\n\n")
    return digest.hexdigest()


def audio_part(
    context: PartContext, tracks: pa.Table, audio: str, settings: Shards, files: int, store: Store, carry: CarryOver
) -> Iterator[pa.Table]:
    """Tracks of one part (schemas.INGEST) -> one table of schemas.AUDIO in key order: where each clip's FLAC lies.

    audio: the corpus. files: ranges a part (`files_a_part`). carry: earlier rows of the same rate and rule, whose FLAC is taken over.
    """
    plans = plan_clips(tracks)
    earlier = {key: row.to_pylist()[0] for key, row in carry.take([plan.content for plan in plans]).items()}
    earlier_files = _EarlierFiles(store)
    earlier = {key: row for key, row in earlier.items() if earlier_files.exists(row)}
    context.count("carried", sum(plan.content in earlier for plan in plans))
    context.advance(sum(plan.content in earlier for plan in plans))
    rows: list[dict[str, Any]] = []
    for mine in _ranges(plans, files * context.parts):
        rows += _file_rows(context, mine, audio, settings, store, earlier_files, earlier)
    if rows:
        yield pa.Table.from_pylist(rows, AUDIO)


def _ranges(plans: Sequence[ClipPlan], ranges: int) -> Iterator[list[ClipPlan]]:
    """Neighbours in key order whose track ids fall into the same of `ranges` equal ranges."""
    mine: list[ClipPlan] = []
    for plan in plans:
        if mine and id_to_int(mine[0].track_id) * ranges >> 64 != id_to_int(plan.track_id) * ranges >> 64:
            yield mine
            mine = []
        mine.append(plan)
    if mine:
        yield mine


def _file_rows(
    context: PartContext,
    plans: Sequence[ClipPlan],
    audio: str,
    settings: Shards,
    store: Store,
    earlier_files: "_EarlierFiles",
    earlier: Mapping[Any, dict[str, Any]],
) -> list[dict[str, Any]]:
    """The rows of one range; its file is written unless an earlier file holds exactly these clips."""
    reused = {plan.clip_id: earlier[plan.content] for plan in plans if plan.content in earlier}
    encoded = _encode(context, [plan for plan in plans if plan.clip_id not in reused], audio, settings)
    living = [plan for plan in plans if plan.clip_id in reused or plan.clip_id in encoded]
    file = _whole_file(living, reused)
    if file is None:
        flac = dict(earlier_files.read(reused))
        lost = [plan for plan in plans if plan.clip_id in reused and plan.clip_id not in flac]
        encoded |= _encode(context, lost, audio, settings)
        living = [plan for plan in plans if plan.clip_id in flac or plan.clip_id in encoded]
        if not living:
            return []
        flac |= {clip_id: row.pop("flac") for clip_id, row in encoded.items()}
        file = write_audio_file(store, [{"clip_id": plan.clip_id, "flac": flac[plan.clip_id]} for plan in living])
    context.refer(file)
    rows = []
    for number, plan in enumerate(living):
        about = encoded.get(plan.clip_id) or {name: reused[plan.clip_id][name] for name in ("sample_rate", "samples", "peak", "gain")}
        if about["peak"] > 1:
            context.warn("beyond_full_scale", plan.title, say_beyond(about["peak"], about["gain"]))
        context.count("audio_seconds", round(about["samples"] / about["sample_rate"], 6))
        rows.append(
            {
                **{name: getattr(plan, name) for name in ("clip_id", "track_id", "sha256", "start_ms", "length_ms")},
                **about,
                "audio_file": file.path,
                "audio_row": number,
                "file_rows": file.rows,
                "file_bytes": file.bytes,
            }
        )
    return rows


def _encode(context: PartContext, plans: Sequence[ClipPlan], audio: str, settings: Shards) -> dict[str, dict[str, Any]]:
    """The FLAC of clips and its properties, by clip id. Clips that cannot be decoded are dead."""
    planned = {plan.clip_id: plan for plan in plans}
    encoded: dict[str, dict[str, Any]] = {}
    for clip in run_ahead(read_waveforms(audio, plans, settings.sample_rate), 2):
        context.advance()
        if isinstance(clip, Failed):
            context.reject(planned[clip.key].title, clip.error, planned[clip.key].track_key)
        else:
            encoded[clip.key] = _encoded(clip, settings)
    return encoded


def _encoded(clip: Waveform, settings: Shards) -> dict[str, Any]:
    gain = full_scale_gain(clip.audio, clip.peak) if settings.beyond_full_scale == "scale" else 1.0
    scaled = clip.audio if gain == 1 else clip.audio * type(clip.audio[0])(gain)
    return {
        "flac": audio_bytes(scaled, settings.sample_rate),
        "sample_rate": settings.sample_rate,
        "samples": len(clip.audio),
        "peak": clip.peak,
        "gain": gain,
    }


def _whole_file(living: Sequence[ClipPlan], reused: Mapping[str, dict[str, Any]]) -> PartFile | None:
    """The earlier file that holds exactly these clips in this order, None without one."""
    rows = [reused.get(plan.clip_id) for plan in living]
    first = rows[0] if rows else None
    if first is None or first["file_rows"] != len(rows):
        return None
    for number, (plan, row) in enumerate(zip(living, rows, strict=True)):
        if row is None or (row["audio_file"], row["audio_row"], row["clip_id"]) != (first["audio_file"], number, plan.clip_id):
            return None
    sha256 = hash_in_path(first["audio_file"])
    return PartFile(path=first["audio_file"], rows=first["file_rows"], bytes=first["file_bytes"], sha256=sha256)


class _EarlierFiles:
    """Files of earlier datasets: whether they exist, and their content after a check of the hash."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sizes: dict[str, int | None] = {}

    def exists(self, row: Mapping[str, Any]) -> bool:
        """Whether the file of an earlier row is there, by its size."""
        path = row["audio_file"]
        if path not in self._sizes:
            entry = self._store.head(path)
            self._sizes[path] = entry.bytes if entry else None
        return self._sizes[path] == int(row["file_bytes"])

    def read(self, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, bytes]]:
        """The FLAC of earlier rows by clip id; none of a file that is damaged."""
        by_file: dict[str, list[tuple[str, int]]] = {}
        for clip_id, row in rows.items():
            by_file.setdefault(row["audio_file"], []).append((clip_id, row["audio_row"]))
        for path, clips in by_file.items():
            try:
                data = self._store.get(path)
            except FileNotFoundError:
                continue
            if hashlib.sha256(data).hexdigest() != hash_in_path(path):
                continue
            file = pq.ParquetFile(pa.BufferReader(data))
            if file.schema_arrow.names == FLAC.names:
                yield from ((clip_id, flac_array(file, row)[0].as_py()) for clip_id, row in clips)
