"""Exact nearest neighbours: a fast library fetches candidates, and cosines of six digits order them.

The order is (cosine rounded to six digits, descending; row, ascending). It depends on the vectors alone, not on the batch, the threads, the
BLAS or the device.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import faiss
import numpy as np
import torch

from noise2music.core.arrays import Float32s, Int64s
from noise2music.labeling.retrieval.cosine import MILLION, millionths

Device = Literal["cpu", "cuda"]

NOTHING = np.iinfo(np.int64).max
_MARGIN = 6
_GROWTH = 4
_QUERIES = 4096
_FETCHED = 1 << 22
_GPU_SCORES = 1 << 28
_GPU_ROUNDING = {"highest": 0.0, "high": 2.0**-9, "medium": 2.0**-6}


@dataclass(frozen=True)
class Fetcher:
    """fetch(queries (n, d), k <= V) -> the k best inner products in float32, descending, and their rows, both (n, k).

    error: no inner product is off by more than this.
    """

    fetch: Callable[[Float32s, int], tuple[Float32s, Int64s]]
    error: float


@dataclass(frozen=True)
class Ranking:
    """rows (n, depth) int64, best first, -1 where there is none; millionths (n, depth) int64: their cosines x 10^6."""

    rows: Int64s
    millionths: Int64s


def fetcher(vectors: Float32s, device: Device = "cpu") -> Fetcher:
    """Fetches from unit vectors (V, d) with FAISS's flat search (the kernel of IndexFlatIP, without its copy), or by matmul on a GPU."""
    rounding = vectors.shape[1] * 2.0**-23
    if device == "cpu":
        return Fetcher(lambda queries, k: _fetch_faiss(queries, vectors, k), rounding)
    on_device = torch.from_numpy(vectors).to(device)
    return Fetcher(lambda queries, k: fetch_matmul(queries, on_device, k), rounding + _GPU_ROUNDING[torch.get_float32_matmul_precision()])


def rank(queries: Float32s, vectors: Float32s, depth: int, source: Fetcher) -> Ranking:
    """The first `depth` (at most V) rows of `vectors` (V, d) for each of `queries` (N, d), all of unit length. Exact.

    It fetches slightly more than `depth`. Where a row that was not fetched could still belong to the result (ties), it fetches more for
    those queries alone.
    """
    depth = min(depth, len(vectors))
    rows = np.empty((len(queries), depth), np.int64)
    scores = np.empty((len(queries), depth), np.int64)
    pending = np.arange(len(queries))
    size = depth + min(_MARGIN, depth)
    while pending.size:
        size = min(size, len(vectors))
        step = max(1, min(_QUERIES, _FETCHED // size))
        unsettled = []
        for start in range(0, len(pending), step):
            some = pending[start : start + step]
            approximate, hits = source.fetch(queries[some], size)
            best = rescore(queries[some], vectors, hits, depth)
            rows[some], scores[some] = best.rows, best.millionths
            if size < len(vectors):
                missed = np.rint((approximate[:, -1].astype(np.float64) + source.error) * MILLION)
                unsettled.append(some[scores[some, -1] <= missed])
        pending = np.concatenate(unsettled) if unsettled else pending[:0]
        size *= _GROWTH
    return Ranking(rows, scores)


def rescore(queries: Float32s, vectors: Float32s, hits: Int64s, depth: int) -> Ranking:
    """Orders the rows in `hits` (n, size >= depth; -1 for none) by their six-digit cosines and keeps the first `depth`."""
    each = np.arange(len(queries))[:, None]
    cosines = millionths(queries, each, vectors, np.maximum(hits, 0))[:, 0]
    keys = np.where(hits >= 0, ((2 * MILLION - cosines) << 32) | hits, NOTHING)
    if depth * 4 < keys.shape[1]:
        keys = np.partition(keys, depth - 1, axis=1)[:, :depth]
    keys = np.sort(keys, axis=1)[:, :depth]
    valid = keys != NOTHING
    return Ranking(np.where(valid, keys & 0xFFFFFFFF, -1), np.where(valid, 2 * MILLION - (keys >> 32), 0))


def _fetch_faiss(queries: Float32s, vectors: Float32s, k: int) -> tuple[Float32s, Int64s]:
    products, rows = faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    return products, rows


def fetch_matmul(queries: Float32s, vectors: torch.Tensor, k: int) -> tuple[Float32s, Int64s]:
    """The k best inner products and their rows by matrix products on the device where `vectors` (V, d) lie, a slice of them at a time."""
    batch = torch.from_numpy(queries).to(vectors.device)
    best = batch.new_empty(len(batch), 0)
    rows = torch.empty(len(batch), 0, dtype=torch.int64, device=vectors.device)
    width = max(1, _GPU_SCORES // max(1, len(batch)))
    for start in range(0, len(vectors), width):
        products = batch @ vectors[start : start + width].T
        top, where = products.topk(min(k, products.shape[1]), dim=1)
        merged = torch.cat([best, top], 1)
        best, order = merged.topk(min(k, merged.shape[1]), dim=1)
        rows = torch.cat([rows, where + start], 1).gather(1, order)
    return best.cpu().numpy(), rows.cpu().numpy()
