"""Frechet distances of many subsets of a set of clips, and between many parts of a pool of two sets, from what is computed once."""

from collections.abc import Sequence

import numpy as np
import torch

from noise2music.core.arrays import Float64s, Int64s
from noise2music.core.device import one_thread
from noise2music.evaluation.statistics.clip_rows import ClipRows
from noise2music.evaluation.statistics.frechet import Gaussian, product, trace_root

MOST_POOLED = 6000
"""Rows of a pool whose inner products are kept: 275 MiB."""


def subset_distances(clips: ClipRows, subsets: Sequence[Int64s], other: Gaussian) -> Float64s:
    """(len(subsets),) the distance of the clips at these places to `other`. A row of a projection to the factor of `other` says it all."""
    rows = clips.rows.astype(np.float64)
    centre = rows.mean(axis=0)
    rows -= centre
    squares = np.square(rows).sum(axis=1)
    of_clip = clips.clip_of_row
    found = np.empty(len(subsets), np.float64)
    with one_thread():
        projected = product(rows, other.factor.T)
        few = len(rows) <= projected.shape[1]
        whole = product(projected, projected.T) if few else product(projected.T, projected)
        for place, subset in enumerate(subsets):
            chosen = np.isin(of_clip, subset)
            count = int(chosen.sum())
            mean = product((chosen / count)[None], rows)[0]
            trace = (squares[chosen].sum() - count * np.square(mean).sum()) / max(1, count - 1)
            if few:
                gram = _centred(whole[np.ix_(chosen, chosen)])
            else:
                at = product(mean[None], other.factor.T)[0]
                gram = _moment(projected, chosen, whole) - count * np.outer(at, at)
            root = trace_root(gram / max(1, count - 1))
            shift = float(np.square(centre + mean - other.mean).sum())
            found[place] = max(0.0, shift + trace + other.trace - 2 * root)
    return found


Part = tuple[Int64s, Int64s]
"""Places of the clips of two sets, in the pool of two: those of the first set come before those of the second."""


def part_distances(first: ClipRows, second: ClipRows, parts: Sequence[Part]) -> Float64s:
    """(len(parts),) the distance between every two sets of clips out of the pool of both."""
    rows = np.concatenate([first.rows, second.rows]).astype(np.float64)
    rows -= rows.mean(axis=0)
    of_clip = np.concatenate([first.clip_of_row, second.clip_of_row + first.clips])
    squares = np.square(rows).sum(axis=1)
    few = len(rows) <= MOST_POOLED and min(len(first.rows), len(second.rows)) <= first.dimension
    found = np.empty(len(parts), np.float64)
    with one_thread():
        whole = product(rows, rows.T) if few else product(rows.T, rows)
        for place, part in enumerate(parts):
            masks = [np.isin(of_clip, clips) for clips in part]
            counts = [int(mask.sum()) for mask in masks]
            means = [product((mask / max(1, count))[None], rows)[0] for mask, count in zip(masks, counts, strict=True)]
            traces = [
                (squares[mask].sum() - count * np.square(mean).sum()) / max(1, count - 1)
                for mask, count, mean in zip(masks, counts, means, strict=True)
            ]
            if few:
                cross = _centred(whole[np.ix_(*masks)])
                gram = product(cross, cross.T) if counts[0] <= counts[1] else product(cross.T, cross)
            else:
                left, right = (
                    _moment(rows, mask, whole) - count * np.outer(mean, mean)
                    for mask, count, mean in zip(masks, counts, means, strict=True)
                )
                factor = _root_factor(left)
                gram = product(product(factor, right), factor.T)
            root = trace_root(gram / (max(1, counts[0] - 1) * max(1, counts[1] - 1)))
            found[place] = max(0.0, float(np.square(means[0] - means[1]).sum()) + sum(traces) - 2 * root)
    return found


def _moment(rows: Float64s, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]], whole: Float64s) -> Float64s:
    """Sum of the outer products of the chosen rows, from the smaller part of them and the rest."""
    if 2 * int(chosen.sum()) <= len(rows):
        part = rows[chosen]
        return product(part.T, part)
    part = rows[~chosen]
    return np.asarray(whole - product(part.T, part), np.float64)


def _centred(gram: Float64s) -> Float64s:
    """Inner products of two sets of rows -> those of the rows less the mean of their set."""
    return np.asarray(gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean(), np.float64)


def _root_factor(matrix: Float64s) -> Float64s:
    """F with F^T F = a symmetric positive semidefinite matrix: Cholesky's where it has full rank, which is cheaper."""
    triangle, failed = torch.linalg.cholesky_ex(torch.from_numpy(np.ascontiguousarray(matrix)))
    if not int(failed):
        return np.asarray(triangle.T.contiguous().numpy(), np.float64)
    values, vectors = (part.numpy() for part in torch.linalg.eigh(torch.from_numpy(np.ascontiguousarray(matrix))))
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))).T, np.float64)
