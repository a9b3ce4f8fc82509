"""The clips of the page: what is known of each, its labels, and something to hear and see."""

import io
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import soundfile

from noise2music.core.audio.resample import resample
from noise2music.core.audio.spectrogram import spectrogram_png
from noise2music.flows.datasets import LabelDatasets
from noise2music.flows.pages.label.contents import ShownClip, ShownLabel
from noise2music.labeling.datasets.audio_files import INLINE, REFERENCE, AudioFiles, audio_of_row
from noise2music.labeling.datasets.dataset import Dataset

Float32s = npt.NDArray[np.float32]

PREVIEW_RATE = 24_000
PREVIEW_SECONDS = 30
LONGEST_TEXT = 2000

_THREADS = 2
_KBPS = 32
_SLOWEST, _FASTEST = 8, 160


@dataclass(frozen=True)
class Preview:
    """audio: MP3, mono, PREVIEW_RATE. spectrogram: PNG."""

    audio: bytes
    spectrogram: bytes


def preview_flac(data: bytes) -> Preview:
    """FLAC (a shard's `audio.bytes`) -> preview of its first PREVIEW_SECONDS."""
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        rate = file.samplerate
        audio = file.read(PREVIEW_SECONDS * rate, dtype="float32", always_2d=True).mean(axis=1)
    return Preview(preview_audio(audio, rate), spectrogram_png(audio, rate))


def preview_audio(audio: Float32s, rate: int) -> bytes:
    """(samples,) mono at `rate` Hz -> MP3 at PREVIEW_RATE and 32 kbit/s; NaN is silence and what is beyond full scale is clipped.

    libsndfile takes the bit rate as a place between the fastest and the slowest that MPEG-2 layer III has.
    """
    clean = np.clip(np.nan_to_num(audio), -1, 1).astype(np.float32)
    sound = np.clip(resample(clean, rate, PREVIEW_RATE), -1, 1)
    level = (_FASTEST - _KBPS) / (_FASTEST - _SLOWEST)
    sink = io.BytesIO()
    soundfile.write(sink, sound, PREVIEW_RATE, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=level)
    return sink.getvalue()


MakePreview = Callable[[bytes], Preview]


def shorten(text: str | None) -> str:
    """The text, cut after LONGEST_TEXT characters with a word on its real length; "" for None."""
    if text is None or len(text) <= LONGEST_TEXT:
        return text or ""
    return f"{text[:LONGEST_TEXT]}… ({len(text):,} characters)"


def read_clips(datasets: LabelDatasets, chosen: Mapping[int, Sequence[str]], preview: MakePreview) -> tuple[ShownClip, ...]:
    """The clips of `chosen` (ids by part), by track key and start. Reads the parts they are in, of the shards only their row groups."""
    clips = [clip for part, clip_ids in sorted(chosen.items()) for clip in _read_part(datasets, part, clip_ids, preview)]
    return tuple(sorted(clips, key=lambda clip: (clip.track_key, clip.start_ms, clip.clip_id)))


def rows_where(dataset: Dataset, part: int, column: str, values: Collection[str], columns: Sequence[str]) -> pa.Table | None:
    """Rows of one part whose `column` holds one of `values`; None when there are none.

    Only the row groups that hold such a row are read whole, so a shard of hundreds of MB costs a few of them.
    """
    wanted = pa.array(sorted(values), pa.string())
    found = []
    for file in dataset.manifest.parts[part].files:
        with dataset.store.reader(f"{dataset.path}/{file.path}") as source:
            parquet = pq.ParquetFile(source, pre_buffer=False)
            for group in range(parquet.num_row_groups):
                mask = pc.is_in(parquet.read_row_group(group, [column], use_threads=False).column(column), wanted)
                if pc.any(mask).as_py():
                    found.append(parquet.read_row_group(group, list(columns), use_threads=False).filter(mask))
    return pa.concat_tables(found) if found else None


def _read_part(datasets: LabelDatasets, part: int, clip_ids: Sequence[str], preview: MakePreview) -> list[ShownClip]:
    spans = rows_where(datasets.embed, part, "clip_id", clip_ids, ["clip_id", "track_id", "start_ms", "length_ms"])
    rows = spans.to_pylist() if spans else []
    tracks = _tracks(datasets, part, {row["track_id"] for row in rows})
    labels: dict[str, list[ShownLabel]] = {}
    for name, vocabulary in datasets.vocabularies.items():
        sampled = rows_where(vocabulary.sample, part, "clip_id", clip_ids, ["clip_id", "labels"])
        for row in sampled.to_pylist() if sampled else []:
            labels.setdefault(row["clip_id"], []).extend(_label(name, label) for label in row["labels"])
    previews = _previews(datasets, part, clip_ids, preview)
    return [_clip(row, tracks.get(row["track_id"], {}), labels.get(row["clip_id"], []), previews.get(row["clip_id"])) for row in rows]


def _tracks(datasets: LabelDatasets, part: int, track_ids: set[str]) -> dict[str, dict[str, Any]]:
    if datasets.ingest is None:
        return {}
    columns = ["track_id", "key", "title", "artist", "tags"]
    found = rows_where(datasets.ingest, part, "track_id", track_ids, columns)
    return {row["track_id"]: row for row in found.to_pylist()} if found else {}


def _previews(datasets: LabelDatasets, part: int, clip_ids: Sequence[str], preview: MakePreview) -> dict[str, Preview]:
    if datasets.shard is None:
        return {}
    found = rows_where(datasets.shard, part, "clip_id", clip_ids, ["clip_id", *INLINE, *REFERENCE])
    if found is None:
        return {}
    rows, files = found.to_pylist(), AudioFiles(datasets.shard.store)
    with ThreadPoolExecutor(_THREADS) as pool:
        made = pool.map(preview, [audio_of_row(row, files) for row in rows])
        return {row["clip_id"]: item for row, item in zip(rows, made, strict=True)}


def _clip(row: Mapping[str, Any], track: Mapping[str, Any], labels: Sequence[ShownLabel], preview: Preview | None) -> ShownClip:
    return ShownClip(
        clip_id=row["clip_id"],
        track_key=shorten(track.get("key", row["track_id"])),
        title=shorten(track.get("title")),
        artist=shorten(track.get("artist")),
        start_ms=row["start_ms"],
        length_ms=row["length_ms"],
        tags=tuple(shorten(tag) for tag in track.get("tags", ())),
        labels=tuple(labels),
        audio=preview.audio if preview else b"",
        spectrogram=preview.spectrogram if preview else b"",
    )


def _label(vocabulary: str, label: Mapping[str, Any]) -> ShownLabel:
    score, p = round(label["score"], 6), round(label["p"], 6)
    return ShownLabel(vocabulary, shorten(label["caption"]), score, label["rank"], label["frequency"], p)
