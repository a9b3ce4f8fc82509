"""Reuses rows of earlier datasets instead of computing them again.

A row can be reused when both datasets have the same `row_identity` (stage, settings, model) and the row has the same content key (for
example audio hash, start and length), whatever part it was in.
"""

import hashlib
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa

from noise2music.core.ids import Uint64s
from noise2music.core.storage import Store, open_store
from noise2music.labeling.datasets.dataset import Dataset, list_datasets
from noise2music.labeling.datasets.fingerprint import Identity

Key = tuple[Hashable, ...]


class CarryOver:
    """Finds earlier rows by content key. Needs 24 bytes of memory a row (40 M rows: 1 GB), and one part of rows at a time."""

    def __init__(self, datasets: Sequence[Dataset], columns: Sequence[str]) -> None:
        self._datasets = datasets
        self._columns = list(columns)
        parts = [(number, part) for number, dataset in enumerate(datasets) for part in dataset.parts]
        self._parts = parts
        hashes = [_hash_keys(_keys(datasets[number].read_part(part, self._columns), self._columns)) for number, part in parts]
        joined = np.concatenate([np.zeros(0, np.uint64), *hashes])
        part_number = np.repeat(np.arange(len(parts)), [len(part) for part in hashes])
        row = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(part)) for part in hashes)])
        order = np.argsort(joined, kind="stable")
        self._hashes, self._part_number, self._row = joined[order], part_number[order], row[order]

    def __len__(self) -> int:
        return len(self._hashes)

    def take(self, keys: Sequence[Key]) -> dict[Key, pa.Table]:
        """One-row tables of those keys that an earlier dataset holds."""
        rows_by_key: dict[Key, pa.Table] = {}
        if not len(self) or not keys:
            return rows_by_key
        digests = _hash_keys(iter(keys))
        at = np.searchsorted(self._hashes, digests)
        rows_by_part: dict[int, list[tuple[int, Key]]] = {}
        for key, position, digest in zip(keys, at, digests, strict=True):
            if position < len(self) and self._hashes[position] == digest:
                rows_by_part.setdefault(int(self._part_number[position]), []).append((int(self._row[position]), key))
        for part_number, rows in sorted(rows_by_part.items()):
            number, part = self._parts[part_number]
            table = self._datasets[number].read_part(part)
            for row, key in rows:
                candidate = table.slice(row, 1)
                if next(_keys(candidate, self._columns)) == key:
                    rows_by_key[key] = candidate
        return rows_by_key


@lru_cache(maxsize=4)
def _carry_over(root_uri: str, stage: str, name: str, row_identity: str, own: str, columns: tuple[str, ...]) -> CarryOver:
    earlier = [
        dataset
        for dataset in list_datasets(open_store(root_uri), stage)
        if dataset.name == name and dataset.manifest.row_identity == row_identity and dataset.fingerprint != own
    ]
    return CarryOver(earlier[::-1], columns)


def carry_over(root: Store, identity: Identity, columns: Sequence[str]) -> CarryOver:
    """Earlier rows that `identity` can reuse, the newest dataset first; loaded once a process."""
    return _carry_over(root.uri, identity.stage, identity.name, identity.row_identity, identity.fingerprint, tuple(columns))


def _keys(table: pa.Table, columns: Sequence[str]) -> Iterator[Key]:
    return zip(*(table.column(name).to_pylist() for name in columns), strict=True)


def _hash_keys(keys: Iterator[Key]) -> Uint64s:
    digests = [hashlib.blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
