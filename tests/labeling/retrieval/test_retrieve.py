from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.labeling.retrieval import dedup as collapse
from noise2music.labeling.retrieval.cosine import MILLION, normalise
from noise2music.labeling.retrieval.index import Candidates, build_index, measure_recall
from noise2music.labeling.retrieval.nearest import Fetcher, fetch_matmul, rank
from noise2music.labeling.settings import Retrieval

SEEDS = st.integers(0, 2**32 - 1)
quick = hypothesis_settings(deadline=None, max_examples=40)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


def unit(rng: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    return normalise(rng.standard_normal((rows, dim)))


def lattice(rng: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    """Unit vectors among few directions: many of them equal."""
    vectors = rng.integers(-1, 2, (rows, dim)).astype(np.float32)
    vectors[:, 0] += 2
    return normalise(vectors)


def brute(queries: np.ndarray, captions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All captions of each query in order, and their six-digit cosines, in float64 by einsum."""
    cosines = np.rint(np.einsum("nd,vd->nv", queries.astype(np.float64), captions.astype(np.float64)) * MILLION) / MILLION
    order = np.argsort(-cosines, axis=1, kind="stable")
    return order, np.take_along_axis(cosines, order, 1)


def same(a: Candidates, b: Candidates) -> None:
    assert a.captions.tobytes() == b.captions.tobytes()
    assert a.scores.tobytes() == b.scores.tobytes()
    assert a.collapsed == b.collapsed


def joined(pieces: list[Candidates]) -> Candidates:
    return Candidates(
        np.concatenate([p.captions for p in pieces]), np.concatenate([p.scores for p in pieces]), sum(p.collapsed for p in pieces)
    )


@quick
@given(
    seed=SEEDS, clips=st.integers(1, 60), captions=st.integers(1, 400), dim=st.integers(1, 6), top_k=st.integers(1, 15), ties=st.booleans()
)
def test_flat_search_is_exact(seed: int, clips: int, captions: int, dim: int, top_k: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    make = lattice if ties else unit
    queries, joint = make(rng, clips, dim), make(rng, captions, dim)
    found = build_index(joint, None, Retrieval(), 0).search(queries, top_k)
    order, cosines = brute(queries, joint)
    there = min(top_k, captions)
    assert found.captions.dtype == np.int32
    assert found.scores.dtype == np.float32
    assert np.array_equal(found.captions[:, :there], order[:, :there])
    assert np.array_equal(found.scores[:, :there], cosines[:, :there].astype(np.float32))
    assert (found.captions[:, there:] == -1).all()
    assert np.isnan(found.scores[:, there:]).all()
    assert found.collapsed == 0


def test_flat_search_is_exact_at_real_width() -> None:
    rng = np.random.default_rng(0)
    queries, joint = unit(rng, 200, 512), unit(rng, 5000, 512)
    found = build_index(joint, None, Retrieval(), 0).search(queries, 10)
    assert np.array_equal(found.captions, brute(queries, joint)[0][:, :10])


@pytest.mark.parametrize("copies", [1, 3])
def test_identical_captions_are_taken_in_the_order_of_their_rows(copies: int) -> None:
    rng = np.random.default_rng(0)
    directions = unit(rng, copies, 64)
    joint = np.tile(directions, (3000 // copies, 1))
    found = build_index(joint, None, Retrieval(), 0).search(unit(rng, 30, 64), 10)
    assert (np.diff(found.captions) == copies).all()
    assert (found.captions[:, 0] < copies).all()
    assert (found.scores == found.scores[:, :1]).all()


@hypothesis_settings(deadline=None, max_examples=10)
@given(seed=SEEDS, threshold=st.none() | st.floats(0.5, 0.99), index=st.sampled_from(["flat", "ivf"]))
def test_neither_batches_nor_order_of_clips_nor_threads_change_a_byte(seed: int, threshold: float | None, index: str) -> None:
    rng = np.random.default_rng(seed)
    queries, joint, meaning = unit(rng, 70, 24), lattice(rng, 600, 24), lattice(rng, 600, 5)
    made = build_index(joint, meaning, Retrieval(index=index, nprobe=4, dedup_threshold=threshold), 3)
    whole = made.search(queries, 6)
    cuts = [0, *sorted(rng.integers(0, 70, 4).tolist()), 70]
    same(whole, joined([made.search(queries[a:b], 6) for a, b in pairwise(cuts)]))
    same(whole, joined([made.search(queries[i : i + 1], 6) for i in range(70)]))
    shuffled = rng.permutation(70)
    moved = made.search(queries[shuffled], 6)
    same(whole, Candidates(moved.captions[np.argsort(shuffled)], moved.scores[np.argsort(shuffled)], moved.collapsed))
    faiss.omp_set_num_threads(2)
    same(whole, made.search(queries, 6))
    same(whole, build_index(joint, meaning, Retrieval(index=index, nprobe=4, dedup_threshold=threshold), 3).search(queries, 6))
    faiss.omp_set_num_threads(1)


def test_matrix_products_in_slices_fetch_what_faiss_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    queries, joint = unit(rng, 50, 32), np.vstack([lattice(rng, 500, 32), unit(rng, 500, 32)])
    index = build_index(joint, None, Retrieval(), 0)
    monkeypatch.setattr("noise2music.labeling.retrieval.nearest._GPU_SCORES", 50 * 64)
    source = Fetcher(lambda q, k: fetch_matmul(q, torch.from_numpy(joint), k), 1e-5)
    for depth in (1, 10, 100, 1000):
        ranking, expected = rank(queries, joint, depth, source), index.rank(queries, depth)
        assert np.array_equal(ranking.rows, expected.rows)
        assert np.array_equal(ranking.millionths, expected.millionths)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["highest", "high"])
def test_gpu_gives_the_same_bytes(precision: str) -> None:
    rng = np.random.default_rng(0)
    queries, joint = unit(rng, 3000, 512), unit(rng, 20000, 512)
    torch.set_float32_matmul_precision(precision)
    try:
        on_gpu = build_index(joint, None, Retrieval(), 0, device="cuda").search(queries, 10)
    finally:
        torch.set_float32_matmul_precision("highest")
    same(on_gpu, build_index(joint, None, Retrieval(), 0).search(queries, 10))


def blurred(vectors: np.ndarray, error: float) -> Fetcher:
    """Fetches by products that are off by up to `error`, differently at every call."""
    noise = np.random.default_rng(1)

    def fetch(queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        products = queries @ vectors.T
        products += noise.uniform(-error, error, products.shape).astype(np.float32)
        rows = np.argsort(-products, axis=1)[:, :k]
        return np.take_along_axis(products, rows, 1), rows

    return Fetcher(fetch, error + 1e-5)


def test_a_fetch_that_is_off_by_its_stated_error_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    queries, joint = unit(rng, 40, 4), unit(rng, 2000, 4)
    assert np.array_equal(rank(queries, joint, 10, blurred(joint, 0.02)).rows, brute(queries, joint)[0][:, :10])


def test_choice_of_groups_does_not_hang_on_the_last_bits_either() -> None:
    rng = np.random.default_rng(0)
    queries, joint = unit(rng, 100, 4), unit(rng, 2000, 4)
    index = build_index(joint, None, Retrieval(index="ivf", nprobe=2), 0)
    assert index.inverted is not None
    inverted = replace(index.inverted, source=blurred(index.inverted.centroids, 0.02))
    same(replace(index, inverted=inverted).search(queries, 5), index.search(queries, 5))


def slow_collapse(queries: np.ndarray, joint: np.ndarray, meaning: np.ndarray, threshold: float, top_k: int) -> tuple[list[list[int]], int]:
    alike = np.rint(meaning.astype(np.float64) @ meaning.T.astype(np.float64) * MILLION) >= round(threshold * MILLION)
    all_kept, passed = [], 0
    for order in brute(queries, joint)[0]:
        kept: list[int] = []
        for caption in order:
            if len(kept) == top_k:
                break
            if alike[caption, kept].any():
                passed += 1
            else:
                kept.append(int(caption))
        all_kept.append(kept + [-1] * (top_k - len(kept)))
    return all_kept, passed


@quick
@given(
    seed=SEEDS,
    captions=st.integers(1, 300),
    dim=st.integers(2, 8),
    threshold=st.sampled_from([0.3, 0.6, 0.8, 0.95, 1.0]),
    top_k=st.integers(1, 12),
    ties=st.booleans(),
)
def test_collapse_keeps_what_the_greedy_loop_keeps(seed: int, captions: int, dim: int, threshold: float, top_k: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    queries, joint = unit(rng, 20, 8), unit(rng, captions, 8)
    meaning = (lattice if ties else unit)(rng, captions, dim)
    found = build_index(joint, meaning, Retrieval(dedup_threshold=threshold), 0).search(queries, top_k)
    kept, passed = slow_collapse(queries, joint, meaning, threshold, top_k)
    assert found.captions.tolist() == kept
    assert found.collapsed == passed
    assert np.array_equal(np.isnan(found.scores), found.captions < 0)


@pytest.mark.parametrize(("threshold", "kept"), [(0.799999, [0, 2]), (0.8, [0, 2]), (0.800001, [0, 1])])
def test_collapse_begins_at_the_threshold(threshold: float, kept: list[int]) -> None:
    joint = normalise(np.stack([np.ones(3), np.arange(3)], 1))
    meaning = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    found = build_index(joint, meaning, Retrieval(dedup_threshold=threshold), 0).search(np.array([[1, 0]], np.float32), 2)
    assert found.captions.tolist() == [kept]
    assert found.collapsed == kept[1] - 1


def test_collapse_stops_at_the_stated_depth() -> None:
    joint = normalise(np.stack([np.linspace(1, 2, 1000), np.ones(1000)], 1))
    query = np.array([[0, 1]], np.float32)
    meaning = np.zeros((1000, 2), np.float32)
    meaning[:, 0] = 1
    depth = collapse._MAX_DEPTH * 2
    for place, expected in ((depth - 1, depth - 1), (depth, -1)):
        other = meaning.copy()
        other[place] = 0, 1
        found = build_index(joint, other, Retrieval(dedup_threshold=0.9), 0).search(query, 2)
        assert found.captions.tolist() == [[0, expected]]
        assert found.collapsed == (depth - 2 if expected > 0 else depth - 1)


def clusters(rng: np.random.Generator, rows: int, centres: np.ndarray) -> np.ndarray:
    return normalise(centres[rng.integers(0, len(centres), rows)] + 0.1 * rng.standard_normal((rows, centres.shape[1])))


def test_inverted_file_finds_nearly_all_with_exact_scores() -> None:
    rng = np.random.default_rng(0)
    centres = unit(rng, 100, 64)
    joint, queries = clusters(rng, 8000, centres), clusters(rng, 300, centres)
    index = build_index(joint, None, Retrieval(index="ivf", nprobe=16), 0)
    found = index.search(queries, 10)
    recall = measure_recall(index, queries, 10)
    exact = brute(queries, joint)[0][:, :10]
    assert recall == pytest.approx(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.captions, exact, strict=True)]))
    assert recall > 0.97
    cosines = np.einsum("nkd,nd->nk", joint[found.captions].astype(np.float64), queries.astype(np.float64))
    assert np.array_equal(found.scores, (np.rint(cosines * MILLION) / MILLION).astype(np.float32))
    assert (np.diff(found.scores) <= 0).all()


def test_recall_is_one_when_flat_and_falls_with_the_groups_looked_into() -> None:
    rng = np.random.default_rng(0)
    joint, queries = unit(rng, 3000, 32), unit(rng, 200, 32)
    recalls = [measure_recall(build_index(joint, None, Retrieval(index="ivf", nprobe=n), 0), queries, 10) for n in (1, 8, 10**6)]
    assert recalls[0] < recalls[1] - 0.1
    assert recalls[2] > 0.995
    assert measure_recall(build_index(joint, None, Retrieval(), 0), queries, 10) == 1.0
    with pytest.raises(ValueError, match="at least one clip"):
        measure_recall(build_index(joint, None, Retrieval(), 0), queries[:0], 10)


def test_inverted_file_looks_further_until_every_clip_has_its_candidates() -> None:
    rng = np.random.default_rng(0)
    found = build_index(unit(rng, 400, 8), None, Retrieval(index="ivf", nlist=200, nprobe=1), 0).search(unit(rng, 50, 8), 30)
    assert (found.captions >= 0).all()
    same_vectors = np.tile(unit(rng, 1, 8), (400, 1))
    found = build_index(same_vectors, None, Retrieval(index="ivf", nlist=20, nprobe=1), 0).search(unit(rng, 5, 8), 30)
    assert (np.diff(found.captions) > 0).all()


def test_bad_input_is_named() -> None:
    rng = np.random.default_rng(0)
    joint = unit(rng, 100, 8)
    index = build_index(joint, None, Retrieval(), 0)
    for value in (np.nan, 0.0):
        queries = unit(rng, 5, 8)
        queries[3] = value
        with pytest.raises(ValueError, match="clip embeddings: row 3"):
            index.search(queries, 10)
    with pytest.raises(ValueError, match="7 dimensions"):
        index.search(unit(rng, 5, 7), 10)
    with pytest.raises(ValueError, match="top_k"):
        index.search(unit(rng, 5, 8), 0)
    with pytest.raises(ValueError, match="caption embeddings: row 0"):
        build_index(2 * joint, None, Retrieval(), 0)
    with pytest.raises(UserError, match="0 captions"):
        build_index(joint[:0], None, Retrieval(), 0)
    with pytest.raises(ValueError, match="meaning"):
        build_index(joint, None, Retrieval(dedup_threshold=0.9), 0)
    with pytest.raises(UserError, match="nlist = 101"):
        build_index(joint, None, Retrieval(index="ivf", nlist=101), 0)


def test_no_clips_is_no_candidates() -> None:
    rng = np.random.default_rng(0)
    for settings in (Retrieval(), Retrieval(dedup_threshold=0.5), Retrieval(index="ivf")):
        found = build_index(unit(rng, 30, 4), unit(rng, 30, 4), settings, 0).search(np.zeros((0, 4), np.float32), 7)
        assert found.captions.shape == found.scores.shape == (0, 7)
