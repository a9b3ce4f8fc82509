"""An inverted file for millions of captions: captions are grouped around centroids, and a query searches the nearest groups only.

FAISS stores the groups as 8-bit codes and scans them. Training, assignment and the choice of groups use the exact ranking, so the index and
its results do not depend on batches or threads either.
"""

import math
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from noise2music.core.arrays import Float32s, Float64s, Int64s
from noise2music.core.ids import hash_uniform
from noise2music.labeling.retrieval.cosine import MILLION, normalise
from noise2music.labeling.retrieval.nearest import Device, Fetcher, Ranking, fetcher, rank, rescore

_MAX_LISTS = 65536
_SAMPLE_PER_LIST = 40
_ROUNDS = 8
_OVERFETCH = 4
_QUERIES = 4096
_COLUMNS = 64


@dataclass(frozen=True)
class Inverted:
    """centroids (nlist, d) unit; lists: FAISS's index of the codes; nprobe: groups a query looks into at first."""

    centroids: Float32s
    lists: Any
    source: Fetcher
    nprobe: int


def default_lists(captions: int) -> int:
    """Four times the square root, at least eight captions a group, at most 65,536 groups."""
    return max(1, min(4 * math.isqrt(captions), captions // 8, _MAX_LISTS))


def build_inverted(vectors: Float32s, lists: int, nprobe: int, seed: int, device: Device = "cpu") -> Inverted:
    """Groups unit vectors (V, d) into `lists` <= V groups. A pure function of (vectors, lists, seed)."""
    centroids = train_centroids(vectors, lists, seed, device)
    source = fetcher(centroids, device)
    quantizer = faiss.IndexFlatIP(vectors.shape[1])
    quantizer.add(centroids)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, vectors.shape[1], lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
    )
    index.train_encoder(len(vectors), faiss.swig_ptr(vectors), None)
    index.is_trained = True
    for start in range(0, len(vectors), 16 * _QUERIES):
        block = np.ascontiguousarray(vectors[start : start + 16 * _QUERIES])
        nearest = np.ascontiguousarray(rank(block, centroids, 1, source).rows[:, 0])
        names = np.arange(start, start + len(block))
        index.add_core(len(block), faiss.swig_ptr(block), faiss.swig_ptr(names), faiss.swig_ptr(nearest))
    return Inverted(centroids, index, source, min(nprobe, lists))


def train_centroids(vectors: Float32s, lists: int, seed: int, device: Device = "cpu") -> Float32s:
    """Spherical k-means, eight rounds, on 40 vectors a group chosen by hash of (seed, row). A group left empty keeps its centroid."""
    chosen = np.argsort(hash_uniform(seed, np.arange(len(vectors), dtype=np.uint64)), kind="stable")
    sample = vectors[np.sort(chosen[: _SAMPLE_PER_LIST * lists])]
    centroids = vectors[np.sort(chosen[:lists])]
    for _ in range(_ROUNDS):
        nearest = rank(sample, centroids, 1, fetcher(centroids, device)).rows[:, 0]
        moved = _sums(sample, nearest, lists)
        alive = (moved**2).sum(1) > 1e-12
        centroids = centroids.copy()
        centroids[alive] = normalise(moved[alive])
    return centroids


def _sums(sample: Float32s, groups: Int64s, lists: int) -> Float64s:
    """(lists, d) float64: sum of each group's vectors, in row order, a few columns at a time to spare memory."""
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    sums = np.zeros((lists, sample.shape[1]), np.float64)
    for first in range(0, sample.shape[1], _COLUMNS):
        columns = slice(first, first + _COLUMNS)
        sums[present, columns] = np.add.reduceat(sample[order, columns].astype(np.float64), starts, axis=0)
    return sums


def rank_inverted(queries: Float32s, vectors: Float32s, depth: int, inverted: Inverted) -> Ranking:
    """Like `nearest.rank`, but from the groups nearest to each query: a few of the best may be missing, the order of the others is exact.

    It fetches more than `depth`, because the codes are coarse. A query whose groups hold too few captions searches more groups.
    """
    depth = min(depth, len(vectors))
    rows = np.full((len(queries), depth), -1, np.int64)
    scores = np.zeros((len(queries), depth), np.int64)
    for start in range(0, len(queries), _QUERIES):
        pending = np.arange(start, min(start + _QUERIES, len(queries)))
        probes = inverted.nprobe
        while pending.size:
            hits = _scan(queries[pending], min(_OVERFETCH * depth, len(vectors)), probes, inverted)
            enough = ((hits >= 0).sum(1) >= depth) | (probes == len(inverted.centroids))
            best = rescore(queries[pending[enough]], vectors, hits[enough], depth)
            rows[pending[enough]], scores[pending[enough]] = best.rows, best.millionths
            pending = pending[~enough]
            probes = min(4 * probes, len(inverted.centroids))
    return Ranking(rows, scores)


def _scan(queries: Float32s, size: int, probes: int, inverted: Inverted) -> Int64s:
    """(n, size) rows that FAISS finds in the `probes` nearest groups, -1 where there are fewer."""
    groups = rank(queries, inverted.centroids, probes, inverted.source)
    near = np.ascontiguousarray(groups.rows)
    cosines = (groups.millionths / MILLION).astype(np.float32)
    products = np.empty((len(queries), size), np.float32)
    hits = np.empty((len(queries), size), np.int64)
    pointers = [faiss.swig_ptr(array) for array in (near, cosines, products, hits)]
    parameters = faiss.SearchParametersIVF()
    parameters.nprobe = probes
    inverted.lists.search_preassigned_c(len(queries), faiss.swig_ptr(queries), size, *pointers, False, parameters)
    return hits
