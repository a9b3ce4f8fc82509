"""Clips a second that the training loader gives, against a plain torch DataLoader over the same shards.

python -m benchmarks.loader --shards ROOT [--seconds 5.12 --clips 512 --workers 1]

The plain side is what a user would write: a map-style dataset that keeps the Parquet files open, reads the row, decodes its FLAC whole
with soundfile and cuts the crop, shuffled by torch, with one worker process for each of our threads. Both sides take turns; the ratio
is the median.
"""

import argparse
import io
import statistics
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import soundfile
import torch
from torch.utils.data import DataLoader, Dataset

from noise2music.core.storage import local_path
from noise2music.models.cascade.stage import CORPUS_RATE
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import open_shards

BATCH = 16


class PlainDataset(Dataset[Any]):
    """Row i of some Parquet files as a random crop."""

    def __init__(self, paths: list[Path], column: str, crop: int) -> None:
        self.files = [pq.ParquetFile(path, memory_map=True) for path in paths]
        self.column = column
        self.places = [(f, g, r) for f, file in enumerate(self.files) for g in range(file.num_row_groups) for r in self._rows(file, g)]
        self.crop = crop

    @staticmethod
    def _rows(file: pq.ParquetFile, group: int) -> range:
        return range(file.metadata.row_group(group).num_rows)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> torch.Tensor:
        file, group, row = self.places[index]
        found = self.files[file].read_row_group(group, [self.column]).column(self.column)[row].as_py()
        data = found if isinstance(found, bytes) else found["bytes"]
        audio, _ = soundfile.read(io.BytesIO(data), dtype="float32")
        start = np.random.default_rng(index).integers(0, max(1, len(audio) - self.crop))
        padded = np.zeros(self.crop, np.float32)
        piece = audio[start : start + self.crop]
        padded[: len(piece)] = piece
        return torch.from_numpy(padded)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", required=True, help="the root of a labeling run")
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.64, 5.12, 30.0], help="lengths of a crop")
    parser.add_argument("--clips", type=int, default=512)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    shards = open_shards(options.shards, "train", CORPUS_RATE)
    root, manifest = local_path(shards.dataset.store.uri), shards.dataset.manifest
    inline = [root / shards.dataset.path / file.path for part in manifest.parts for file in part.files]
    paths, column = ([root / file.path for file in manifest.shared], "flac") if manifest.shared else (inline, "audio")
    for seconds in options.seconds:
        crop = round(seconds * 100) * CORPUS_RATE // 100
        rates: dict[str, list[float]] = {"ours": [], "plain": []}
        for _ in range(options.turns):
            with Loader(shards, 0, crop, BATCH, workers=options.workers) as loader:
                rates["ours"].append(rate(loader, options.clips))
            plain = DataLoader(
                PlainDataset(paths, column, crop), BATCH, shuffle=True, num_workers=options.workers, multiprocessing_context="fork"
            )
            rates["plain"].append(rate(plain, options.clips))
        ratios = [ours / plain for ours, plain in zip(rates["ours"], rates["plain"], strict=True)]
        means = {side: statistics.median(values) for side, values in rates.items()}
        print(
            f"crops of {seconds:g} s, {options.workers} worker: ours {means['ours']:.0f} clips/s, plain DataLoader {means['plain']:.0f}, "
            f"ratio {statistics.median(ratios):.2f}"
        )


def rate(batches: Iterable[Any], clips: int) -> float:
    """Clips a second after the first batch."""
    steps = iter(batches)
    next(steps)
    started = time.perf_counter()
    seen = sum(BATCH for _ in islice(steps, clips // BATCH))
    return seen / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
