"""Count captions among the candidates, then sample labels with p proportional to 1/frequency (paper section 2.3, step 4).

Sampling without replacement uses hashed exponential keys: candidate i gets the key -log(u_i) x frequency_i, and the smallest keys win. That
equals drawing one after the other with p proportional to 1/frequency among the rest (Efraimidis and Spirakis 2006). u_i is a pure function
of (seed, clip, caption), so a clip's labels depend only on the clip, its candidates and the counts.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noise2music.core.ids import Uint64s, mix

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CELLS = 1 << 15
_MOST_EXACT = 20


@dataclass(frozen=True)
class Sampled:
    """positions (N, labels_per_clip) int16: which candidates became labels (0 is the best), in rank order, -1 for none.

    p (N, labels_per_clip) float32: probability of each at the first draw, (1/f) / sum(1/f) over the clip's candidates above the floor; NaN
    for none. below_floor: candidates that scored below it.
    """

    positions: npt.NDArray[np.int16]
    p: Float32s
    below_floor: int


def count_candidates(captions: Int32s, vocabulary_size: int) -> Int64s:
    """How often each caption is a candidate. The counts of parts add up.

    Args:
        captions: (N, K) int32, the K candidates of N clips as rows of a vocabulary, -1 for none.
        vocabulary_size: V, how many captions the vocabulary has.

    Returns:
        (V,) int64.

    Raises:
        ValueError: a candidate is not in the vocabulary.
    """
    if captions.size and not -1 <= int(captions.min()) <= int(captions.max()) < vocabulary_size:
        raise ValueError(f"a candidate is not among the vocabulary's {vocabulary_size} captions")
    return np.bincount(captions.reshape(-1) + np.int64(1), minlength=vocabulary_size + 1)[1:]


def sample_labels(
    clip_ids: Uint64s,
    captions: Int32s,
    scores: Float32s,
    frequency: Int64s,
    caption_ids: Uint64s,
    labels_per_clip: int,
    seed: int,
    floor: float | None = None,
) -> Sampled:
    """Sample labels of N clips from their candidates, without replacement, with p proportional to 1/frequency.

    Args:
        clip_ids: (N,) uint64. A clip's labels depend on its id, its candidates, their frequencies and the seed alone.
        captions: (N, K) int32 rows of the vocabulary, the best first, -1 for none.
        scores: (N, K) float32 cosines.
        frequency: (V,) int64, from `count_candidates` over all clips.
        caption_ids: (V,) uint64.
        labels_per_clip: labels a clip; a clip with fewer candidates gets them all.
        seed: of the draw.
        floor: candidates that score below it are left out (None: none is).

    Returns:
        Which candidates became labels, and with which probability at the first draw.

    Raises:
        ValueError: a candidate has frequency 0 (the counts are of other candidates), or shapes do not fit.

    Source: arXiv 2302.03917, section 2.3, step 4; keys after Efraimidis and Spirakis 2006.
    """
    clips, width = captions.shape
    if labels_per_clip < 1:
        raise ValueError(f"labels_per_clip is {labels_per_clip}; at least 1 is needed")
    if clip_ids.shape != (clips,) or scores.shape != captions.shape or frequency.shape != caption_ids.shape:
        raise ValueError("clip ids, captions and scores, or frequencies and caption ids, differ in length")
    positions = np.full((clips, labels_per_clip), -1, np.int16)
    p = np.full((clips, labels_per_clip), np.nan, np.float32)
    keyed = KeyedHash(seed, clip_ids, caption_ids)
    step = max(1, _CELLS // max(1, width))
    below = 0
    for start in range(0, clips, step):
        rows = slice(start, start + step)
        block = captions[rows]
        valid = block >= 0
        if floor is not None:
            above = valid & (scores[rows] >= floor)
            below += int(valid.sum() - above.sum())
            valid = above
        column = np.where(valid, block, 0)
        times = np.where(valid, frequency[column], np.inf)
        if not times.all():
            raise ValueError("a candidate has frequency 0: the counts were not made from these candidates")
        keys = -np.log(keyed.uniform(rows, column)) * times
        chosen = smallest(keys, caption_ids[column], labels_per_clip) & valid
        clip, position = np.nonzero(chosen)
        label_counts = chosen.sum(1)
        slot = np.arange(len(clip)) - np.repeat(np.cumsum(label_counts) - label_counts, label_counts)
        positions[start + clip, slot] = position
        weight = 1 / times
        p[start + clip, slot] = weight[clip, position] / np.sort(weight, axis=1).sum(1)[clip]
    return Sampled(positions, p, below)


class KeyedHash:
    """`ids.hash_uniform(seed, clip, caption)` for many pairs of the same clips and captions. Clips and captions are hashed once each."""

    def __init__(self, seed: int, clip_ids: Uint64s, caption_ids: Uint64s) -> None:
        self._clips = mix(mix(np.array([seed & (2**64 - 1)], np.uint64)) ^ mix(clip_ids))
        self._captions = mix(caption_ids)

    def uniform(self, rows: slice, columns: Int32s) -> Float64s:
        """(n, K) uniforms of the clips `rows` and, for each, K captions by index."""
        state = mix(self._clips[rows, None] ^ self._captions[columns])
        return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def smallest(keys: Float64s, names: Uint64s, count: int) -> Bools:
    """(n, K) keys -> which are among each row's `count` smallest; equal keys go by name, equal names by column."""
    if count >= keys.shape[1]:
        return np.ones(keys.shape, bool)
    chosen = keys <= np.partition(keys, count - 1, axis=1)[:, count - 1, None]
    tied = np.flatnonzero(chosen.sum(1) > count)
    if tied.size:
        order = np.lexsort((names[tied], keys[tied]), axis=1)[:, :count]
        chosen[tied] = False
        chosen[tied[:, None], order] = True
    return chosen


def inclusion_probability(frequency: npt.ArrayLike, count: int) -> Float64s:
    """Probability that each of a clip's candidates is among `count` labels: (K,) frequencies, K <= 20 -> (K,), summing to min(count, K).

    Exact: the probability that the first draws take a set S is the sum over its last member i of P(S without i) x w_i / w(not in S, or i),
    with w = 1/frequency. Raises ValueError for more candidates or a frequency that is not positive.
    """
    weight = 1 / np.asarray(frequency, np.float64)
    many = len(weight)
    if many > _MOST_EXACT or not (np.isfinite(weight) & (weight > 0)).all():
        raise ValueError(f"the closed form takes at most {_MOST_EXACT} positive frequencies")
    count = min(count, many)
    sets = np.arange(1 << many)
    rest = np.zeros(len(sets))
    for i in range(many):
        rest[(sets >> i) & 1 == 0] += weight[i]
    size = np.bitwise_count(sets)
    probability = np.zeros(len(sets))
    probability[0] = 1.0
    for position in range(count):
        layer = sets[size == position]
        for i in range(many):
            without = layer[(layer >> i) & 1 == 0]
            probability[without | (1 << i)] += probability[without] * weight[i] / rest[without]
    last = sets[size == count]
    return np.array([probability[last[(last >> i) & 1 == 1]].sum() for i in range(many)])
