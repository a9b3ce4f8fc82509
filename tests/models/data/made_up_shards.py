"""Finished shards of short made-up clips, written through the real storage."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.ids import stable_id
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.audio_files import write_audio_file
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import INLINE_SHARD, SHARD
from tests.flows.made_up_datasets import build

RATE = 24_000
KINDS = ("a low organ", "a bright flute", "a plucked bass", "a noisy drum")


def tone(number: int, seconds: float, rate: int = RATE) -> np.ndarray:
    """A chord of its own for each number: fundamental, loudness and rhythm differ."""
    times = np.arange(round(seconds * rate)) / rate
    hertz = 110 * 2 ** (number * 5 % 24 / 12)
    voice = sum(np.sin(2 * np.pi * hertz * harmonic * times) / harmonic for harmonic in (1, 2, 3))
    beats = 0.6 + 0.4 * np.sign(np.sin(2 * np.pi * (1 + number % 5) * times))
    return (0.15 * voice * beats).astype(np.float32)


def row(number: int, seconds: float, rate: int = RATE, split: str = "train") -> dict:
    """One row of a shard."""
    clip_id = stable_id("clip", number)
    caption = f"{KINDS[number % 4]} plays a steady tune number {number}"
    return {
        "clip_id": clip_id,
        "track_id": stable_id("track", number),
        "track_key": f"{number}.flac",
        "start_ms": 0,
        "length_ms": round(seconds * 1000),
        "title": f"Song {number}" if number % 2 else None,
        "artist": "Nobody",
        "licence": "CC0 1.0" if number % 3 else None,
        "split": split,
        "tags": ["tag"],
        "labels": [
            {"vocabulary": name, "caption_id": stable_id(text), "caption": text, "score": 0.5, "rank": 1, "frequency": 3, "p": 0.5}
            for name, text in (("llm_long", caption), ("rater_short", KINDS[number % 4]))
        ],
        "sample_rate": rate,
        "audio": {"bytes": audio_bytes(tone(number, seconds, rate), rate), "path": f"{clip_id}.flac"},
    }


def write_shards(
    root: Path, clips: int = 24, seconds: float = 1.5, rate: int = RATE, change: dict[int, dict] | None = None, inline: bool = False
) -> Dataset:
    """`clips` rows over two parts, every sixth of the split "test"; `change`: values that replace those of a row.

    inline: shards that hold the audio, as they were before audio had files of its own.
    """
    store = open_store(str(root))
    rows = [{**row(n, seconds, rate, "test" if n % 6 == 5 else "train"), **(change or {}).get(n, {})} for n in range(clips)]

    def make(context: PartContext) -> Iterable[pa.Table]:
        mine = rows[context.part :: 2]
        if inline:
            yield pa.Table.from_pylist(mine, INLINE_SHARD)
            return
        places: list[dict] = []
        for few in (mine[:5], mine[5:]):
            file = write_audio_file(store, [{"clip_id": row["clip_id"], "flac": row["audio"]["bytes"]} for row in few])
            context.refer(file)
            places += [{"audio_file": file.path, "audio_row": number} for number in range(len(few))]
        yield pa.Table.from_pylist([row | place for row, place in zip(mine, places, strict=True)], SHARD)

    return build(store, "shard", "", INLINE_SHARD if inline else SHARD, make, row_group_rows=4)


def uri_of(dataset: Dataset) -> str:
    """The folder of a dataset."""
    return dataset.store.describe(dataset.path)
