"""Captions that nearly repeat another: MinHash finds who might (datasketch), the exact Jaccard similarity of word pairs decides.

BANDS bands of ROWS hashes each: two captions of similarity s share a band with probability 1 - (1 - s**ROWS)**BANDS, which is 0.985 at
0.8, 0.9998 at 0.9 and 0.40 at 0.5. So near duplicates at a threshold below 0.7 are found in part only.
"""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from datasketch import MinHash

from labeling.ids import Uint64s, mix
from labeling.leaks import Pairs, word_pairs
from labeling.normalise import caption_key

BANDS, ROWS = 8, 4
MOST_COMPARED = 50
"""With so many of the best captions of a band each of the others is compared: a band that thousands share costs no square of them."""

Caption = tuple[str, int, str]
"""Id, how often it was said, text."""


def band_keys(captions: Sequence[str]) -> Uint64s:
    """(N, BANDS) hashes. Two captions that share one in any column of theirs may be near duplicates; columns never share any by design."""
    if not len(captions):
        return np.zeros((0, BANDS), np.uint64)
    shingles = [[" ".join(pair).encode() for pair in sorted(_pairs(caption))] for caption in captions]
    hashes = np.array([minhash.hashvalues for minhash in MinHash.bulk(shingles, num_perm=BANDS * ROWS)], np.uint64)
    keys = np.broadcast_to(mix(np.arange(BANDS, dtype=np.uint64)), (len(captions), BANDS)).copy()
    for row in range(ROWS):
        keys = mix(keys ^ hashes.reshape(-1, BANDS, ROWS)[:, :, row])
    return keys


def nearly_same(captions: Sequence[Caption], threshold: float) -> list[str]:
    """Ids of the captions that a better one of these nearly repeats: similarity of at least `threshold`. Better is what was said more
    often, then what is longer, then what has the smaller id.
    """
    ranked = sorted(captions, key=lambda caption: (-caption[1], -len(caption[2]), caption[0]))
    pairs = [_pairs(text) for text in map(itemgetter(2), ranked)]
    return [
        identifier
        for place, (identifier, _, _) in enumerate(ranked)
        if _repeats(pairs[place], pairs[: min(place, MOST_COMPARED)], threshold)
    ]


def _pairs(caption: str) -> Pairs:
    """The word pairs of a caption; a caption of one word is a pair with nothing."""
    key = caption_key(caption)
    return word_pairs(key) or frozenset({(key, "")})


def _repeats(pairs: Pairs, better: Sequence[Pairs], threshold: float) -> bool:
    """Whether the Jaccard similarity to one of the others reaches the threshold: shared / (mine + other - shared) >= threshold."""
    mine, share = len(pairs), threshold / (1 + threshold) - 1e-12
    return any(len(pairs & other) >= share * (mine + len(other)) for other in better)
