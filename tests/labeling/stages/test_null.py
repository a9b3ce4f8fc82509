import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.ids import mix
from noise2music.labeling.retrieval.cosine import normalise
from noise2music.labeling.stages.null import keep_smallest, null_pairs, null_scores, quantile

SEEDS = st.integers(0, 2**32 - 1)


def ids(count: int, start: int = 0) -> np.ndarray:
    return mix(np.arange(start, start + count, dtype=np.uint64))


@given(seed=SEEDS, parts=st.integers(1, 6), limit=st.integers(1, 40))
def test_clips_kept_part_by_part_are_those_kept_at_once(seed: int, parts: int, limit: int) -> None:
    clips = ids(60)
    kept = np.zeros(0, np.uint64)
    for part in np.array_split(np.random.default_rng(seed).permutation(clips), parts):
        held = np.concatenate([kept, part])
        kept = held[keep_smallest(held, seed, limit)]
    assert np.array_equal(kept, clips[keep_smallest(clips, seed, limit)])
    assert len(kept) == min(limit, 60)


@given(seed=SEEDS, pairs=st.integers(0, 200), clips=st.integers(1, 50))
def test_pairs_do_not_depend_on_the_order_of_clips_or_captions(seed: int, pairs: int, clips: int) -> None:
    clip_ids, caption_ids = ids(40), ids(25, 1000)
    rng = np.random.default_rng(seed)
    clip, caption = null_pairs(clip_ids, caption_ids, pairs, seed, clips)
    order, caption_order = rng.permutation(40), rng.permutation(25)
    moved_clip, moved_caption = null_pairs(clip_ids[order], caption_ids[caption_order], pairs, seed, clips)
    assert np.array_equal(clip, order[moved_clip])
    assert np.array_equal(caption, caption_order[moved_caption])
    assert len(clip) == len(caption) == pairs
    shares = np.bincount(clip, minlength=40)
    assert np.count_nonzero(shares) == min(pairs, clips, 40)
    assert shares[shares > 0].max(initial=0) - shares[shares > 0].min(initial=pairs) <= 1


def test_pairs_among_the_kept_clips_are_those_among_all() -> None:
    clip_ids, caption_ids = ids(5000), ids(300, 10**6)
    kept = keep_smallest(clip_ids, 3, 100)
    clip, caption = null_pairs(clip_ids, caption_ids, 1000, 3, 100)
    kept_clip, kept_caption = null_pairs(clip_ids[kept], caption_ids, 1000, 3, 100)
    assert np.array_equal(clip, kept[kept_clip])
    assert np.array_equal(caption, kept_caption)


def test_captions_are_drawn_evenly() -> None:
    """Chi-square, 49 degrees of freedom: 99.9 % below 85.4."""
    _, caption = null_pairs(ids(3000), ids(50, 10**6), 100_000, seed=0)
    assert ((np.bincount(caption, minlength=50) - 2000) ** 2 / 2000).sum() < 85.4


def test_scores_are_the_cosines_of_the_pairs() -> None:
    rng = np.random.default_rng(0)
    clips, captions = normalise(rng.standard_normal((30, 16))), normalise(rng.standard_normal((20, 16)))
    clip, caption = null_pairs(ids(30), ids(20, 100), 500, seed=1)
    scores = null_scores(clips, captions, (clip, caption))
    expected = [round(float(clips[a].astype(np.float64) @ captions[b].astype(np.float64)), 6) for a, b in zip(clip, caption, strict=True)]
    assert scores.tolist() == expected


@pytest.mark.parametrize(("share", "expected"), [(0.01, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (1.0, 4)])
def test_quantile_is_the_first_score_with_the_share_at_or_below_it(share: float, expected: float) -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    assert quantile(scores, share) == expected == np.quantile(scores, share, method="inverted_cdf")


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        null_pairs(ids(0), ids(3), 5, 0)
    with pytest.raises(ValueError, match="one caption"):
        null_pairs(ids(3), ids(0), 5, 0)
    for scores, share in ((np.zeros(0), 0.5), (np.ones(3), 0.0), (np.ones(3), 1.1)):
        with pytest.raises(ValueError, match="no quantile"):
            quantile(scores, share)
