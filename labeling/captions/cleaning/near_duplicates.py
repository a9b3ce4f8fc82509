"""Finds captions that nearly repeat another: MinHash (Broder, 1997) gives candidates, the exact Jaccard similarity of word pairs decides.

BANDS bands of ROWS hashes each: two captions of similarity s share a band with probability 1 - (1 - s**ROWS)**BANDS, which is 0.985 at
0.8, 0.9998 at 0.9 and 0.40 at 0.5. So below a threshold of 0.7 only a part of the near duplicates is found.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from noise2music.core.ids import Uint64s, mix
from noise2music.labeling.captions.contamination import Pairs, word_pairs
from noise2music.labeling.captions.text import caption_key

Uint32s = npt.NDArray[np.uint32]

BANDS, ROWS = 8, 4
MOST_COMPARED = 50
"""Each caption of a band is compared with at most this many of its best ones, so a band of thousands does not cost their square."""

_ONES = np.unpackbits(np.arange(2**16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(1, dtype=np.uint8)
"""How many bits are set in a number of 16 bits."""
_BLOCK = 1024


def permutations() -> tuple[Uint32s, Uint32s]:
    """(BANDS * ROWS,) odd factors and terms: value * factor + term modulo 2**32 is a permutation of 32 bits.

    They are those of datasketch 2.0.0, `MinHash(num_perm=BANDS * ROWS, seed=1)`: numpy promises that this old generator never changes.
    """
    generator = np.random.RandomState(1)
    factors = generator.randint(0, 1 << 31, BANDS * ROWS, np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, generator.randint(0, 1 << 32, BANDS * ROWS, np.uint32)


_FACTORS, _TERMS = permutations()

Caption = tuple[str, int, str]
"""Id, how often it was said, text."""


@dataclass(frozen=True)
class Sketches:
    """Short forms of N captions, compared before their texts. bands: (N, BANDS) hashes, as of `band_keys`. sizes: (N,) word pairs of each.

    parities: (N,) 32 bits each. Every word pair is hashed to one bit, and a bit is the parity of the word pairs on it. Word pairs that two
    captions share cancel out, so their parities differ in at most as many bits as the captions differ in word pairs.
    """

    bands: Uint64s
    sizes: npt.NDArray[np.uint16]
    parities: Uint32s


def sketch(captions: Sequence[str]) -> Sketches:
    """The sketches of captions, each a function of its caption alone."""
    hash_of_pair = _PairHashes()
    blocks = [_sketch(captions[start : start + _BLOCK], hash_of_pair) for start in range(0, len(captions), _BLOCK)]
    bands, sizes, parities = zip(*blocks, strict=True) if blocks else ((), (), ())
    return Sketches(
        np.concatenate([np.zeros((0, BANDS), np.uint64), *bands]),
        np.concatenate([np.zeros(0, np.uint16), *sizes]),
        np.concatenate([np.zeros(0, np.uint32), *parities]),
    )


def band_keys(captions: Sequence[str]) -> Uint64s:
    """(N, BANDS) hashes. Two captions with an equal hash may be near duplicates. Hashes of different columns are never equal by design."""
    return sketch(captions).bands


def may_be_same(parities: Uint32s, sizes: npt.NDArray[np.int64], threshold: float) -> npt.NDArray[np.bool_]:
    """Whether two captions can be as similar as `threshold`, from the exclusive or of their parities and the sum of their sizes.

    False is certain. Captions of n and m word pairs that share s differ in n + m - 2 s pairs, which bounds the differing bits from above.
    """
    differing = _ONES[parities & np.uint32(0xFFFF)] + _ONES[parities >> np.uint32(16)]
    return np.asarray(differing <= (1 - 2 * _pair_share(threshold)) * sizes + 1e-6)


def nearly_same(captions: Sequence[Caption], threshold: float) -> list[str]:
    """Ids of the captions that nearly repeat a better one of these, with a similarity of at least `threshold`. The better caption occurs
    more often, then is longer, then has the smaller id.
    """
    ranked = sorted(captions, key=lambda caption: (-caption[1], -len(caption[2]), caption[0]))
    pairs = [_pairs(text) for text in map(itemgetter(2), ranked)]
    return [
        identifier for rank, (identifier, _, _) in enumerate(ranked) if _repeats(pairs[rank], pairs[: min(rank, MOST_COMPARED)], threshold)
    ]


class _PairHashes(dict[tuple[str, str], int]):
    """Word pair -> the first 32 bits of its SHA-1, computed once: captions share most of their pairs."""

    def __missing__(self, pair: tuple[str, str]) -> int:
        value: int = int.from_bytes(hashlib.sha1(" ".join(pair).encode(), usedforsecurity=False).digest()[:4], "little")
        self[pair] = value
        return value


def _sketch(captions: Sequence[str], hash_of_pair: _PairHashes) -> tuple[Uint64s, npt.NDArray[np.uint16], Uint32s]:
    pairs = [_pairs(caption) for caption in captions]
    sizes = np.array([len(own) for own in pairs], np.uint16)
    starts = np.cumsum(sizes, dtype=np.int64) - sizes
    hashes = np.fromiter((hash_of_pair[pair] for own in pairs for pair in own), np.uint32)
    parities = np.bitwise_xor.reduceat(np.uint32(1) << (hashes >> np.uint32(27)), starts)
    return _bands(_minhashes(hashes, starts)), sizes, parities


def _minhashes(hashes: Uint32s, starts: npt.NDArray[np.int64]) -> Uint32s:
    """(N, BANDS * ROWS): the smallest value of each permutation over the word pairs of N captions, whose pairs begin at `starts`.

    A permutation is the finalizer of MurmurHash3, which spreads the bits, and one of `permutations`.
    """
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashes = (hashes ^ (hashes >> np.uint32(shift))) * np.uint32(factor)
    hashes ^= hashes >> np.uint32(16)
    return np.asarray(np.minimum.reduceat(hashes[:, None] * _FACTORS + _TERMS, starts, axis=0))


def _bands(hashes: Uint32s) -> Uint64s:
    keys = np.broadcast_to(mix(np.arange(BANDS, dtype=np.uint64)), (len(hashes), BANDS)).copy()
    for row in range(ROWS):
        keys = mix(keys ^ hashes.reshape(-1, BANDS, ROWS)[:, :, row])
    return keys


def _pairs(caption: str) -> Pairs:
    """The word pairs of a caption; a caption of one word gives the pair (word, "")."""
    key = caption_key(caption)
    return word_pairs(key) or frozenset({(key, "")})


def _pair_share(threshold: float) -> float:
    """Two captions of Jaccard similarity `threshold` share this much of the sum of their word pairs: shared / (n + m - shared)."""
    return threshold / (1 + threshold) - 1e-12


def _repeats(pairs: Pairs, better: Sequence[Pairs], threshold: float) -> bool:
    """Whether the Jaccard similarity to one of the others reaches the threshold."""
    mine, least_share = len(pairs), _pair_share(threshold)
    return any(len(pairs & other) >= least_share * (mine + len(other)) for other in better)


# The captions of a band that have to be compared word by word: those whose sketches do not exclude a near duplicate.


Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Members:
    """The members of some bands, (M,) each: band, word pairs and parity of the caption (near_duplicates.Sketches), how often it was said,
    its length in characters. Members stand in the order of their ids.
    """

    bands: Uint64s
    sizes: Int64s
    parities: Uint32s
    occurrences: Int64s
    lengths: Int64s


def candidates(members: Members, threshold: float) -> Int64s:
    """The members, ascending, that suffice for `nearly_same` to find the same in every band as with all members.

    A member is left out when its sketch shows that it is near to no better member it would be compared with, and to no worse one. In a band
    of more than MOST_COMPARED members of which any two may be near, the best MOST_COMPARED stay: the others are compared only with those.
    """
    order = np.lexsort((-members.lengths, -members.occurrences, members.bands))
    bands, sizes, parities = members.bands[order], members.sizes[order], members.parities[order]
    starts = np.flatnonzero(np.concatenate([[True], bands[1:] != bands[:-1]])) if len(bands) else np.zeros(0, np.int64)
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(bands))))
    rank = np.arange(len(bands)) - starts[group]
    needed = np.zeros(len(bands), bool)
    worse = np.arange(len(bands))
    for better in range(MOST_COMPARED):
        worse = worse[rank[worse] > better]
        if not len(worse):
            break
        best = starts[group[worse]] + better
        near = may_be_same(parities[worse] ^ parities[best], sizes[worse] + sizes[best], threshold)
        needed[worse[near]] = needed[best[near]] = True
    is_near = np.zeros(len(starts), bool)
    is_near[group[needed]] = True
    has_many = np.bincount(group, minlength=len(starts)) > MOST_COMPARED
    needed |= (is_near & has_many)[group] & (rank < MOST_COMPARED)
    return np.sort(order[needed])
