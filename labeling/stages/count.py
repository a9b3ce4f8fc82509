"""Stage "count": how often each caption is among the candidates of all clips (paper section 2.3, step 4). The only global barrier."""

from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from noise2music.core.errors import UserError
from noise2music.labeling.retrieval.balance import count_candidates
from noise2music.labeling.schemas import COUNT

VERSION = 1

Counts = npt.NDArray[np.int64]


def count_part(candidates: pa.Table, vocabulary_size: int) -> Counts:
    """Candidates of one part (schemas.RETRIEVE) -> (vocabulary_size,) counts. Counts of parts add up."""
    return count_candidates(pc.list_flatten(candidates.column("captions")).to_numpy(), vocabulary_size)


def no_counts(vocabulary_size: int) -> Counts:
    """Every caption zero times."""
    return np.zeros(vocabulary_size, np.int64)


def refuse_missing(counted: Collection[int], parts: int) -> None:
    """Raise UserError unless all parts were counted: frequencies of half a corpus would bias every label."""
    missing = sorted(set(range(parts)) - set(counted))
    if missing:
        raise UserError(f"count: parts {missing[:10]} of {parts} are missing; run the same command again to make them")


def sum_counts(counts: Iterable[Counts]) -> Counts:
    """Element by element."""
    total: Counts = np.sum(list(counts), axis=0, dtype=np.int64)
    return total


def count_table(caption_ids: pa.ChunkedArray, frequency: Counts) -> pa.Table:
    """schemas.COUNT in the order of the vocabulary."""
    return pa.table({"caption_id": caption_ids, "frequency": frequency}, COUNT)
