"""Which captions of a band of hashes have to be compared word by word: those whose sketches do not rule a near duplicate out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labeling.cleaning.near_duplicates import MOST_COMPARED, Uint32s, may_be_same
from labeling.ids import Uint64s

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
    """The members, ascending, with which alone `nearly_same` finds in every band what it finds with all members of the band.

    A member is left out when its sketch shows that no better one it would be compared with comes near, and that it comes near to no worse
    one. Where any two of more than MOST_COMPARED members may be near, so many of the best stay, for the others are compared with them only.
    """
    order = np.lexsort((-members.lengths, -members.occurrences, members.bands))
    bands, sizes, parities = members.bands[order], members.sizes[order], members.parities[order]
    starts = np.flatnonzero(np.concatenate([[True], bands[1:] != bands[:-1]])) if len(bands) else np.zeros(0, np.int64)
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(bands))))
    place = np.arange(len(bands)) - starts[group]
    needed = np.zeros(len(bands), bool)
    worse = np.arange(len(bands))
    for better in range(MOST_COMPARED):
        worse = worse[place[worse] > better]
        if not len(worse):
            break
        best = starts[group[worse]] + better
        near = may_be_same(parities[worse] ^ parities[best], sizes[worse] + sizes[best], threshold)
        needed[worse[near]] = needed[best[near]] = True
    is_near = np.zeros(len(starts), bool)
    is_near[group[needed]] = True
    has_many = np.bincount(group, minlength=len(starts)) > MOST_COMPARED
    needed |= (is_near & has_many)[group] & (place < MOST_COMPARED)
    return np.sort(order[needed])
