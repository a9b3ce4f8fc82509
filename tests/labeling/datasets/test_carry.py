from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from noise2music.core.storage import Store, open_store
from noise2music.labeling.datasets.build import build_dataset
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, write_part
from noise2music.labeling.datasets.reuse import CarryOver, carry_over

SCHEMA = pa.schema([pa.field("key", pa.string(), False), pa.field("start", pa.int64(), False), pa.field("value", pa.int64(), False)])
IDENTITY = Identity("values", "", 3, 1, inputs={"scorer": "s"}, parents={"tracks": "1"})


def dataset(root: Store, identity: Identity, rows: Sequence[tuple[str, int, int]]) -> Dataset:
    def make(made: Identity, parts: Sequence[int]) -> None:
        for part in parts:

            def tables(part: int = part) -> Iterator[pa.Table]:
                yield pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows[part :: made.parts]], SCHEMA)

            write_part(root, made.path, PartContext("values", part, made.parts), tables(), SCHEMA)

    return build_dataset(root, identity, make, {}).dataset


def test_rows_are_found_by_content_in_whatever_part_they_were(tmp_path: Path) -> None:
    root = open_store(str(tmp_path))
    rows = [(f"k{n}", n % 2, n * 10) for n in range(20)]
    dataset(root, IDENTITY, rows)
    later = replace(IDENTITY, parts=5, parents={"tracks": "2"})
    found = carry_over(root, later, ("key", "start")).take([(key, start) for key, start, _ in rows] + [("k1", 0), ("new", 0)])
    assert {key: table.column("value")[0].as_py() for key, table in found.items()} == {(key, start): value for key, start, value in rows}


def test_another_scorer_carries_nothing(tmp_path: Path) -> None:
    root = open_store(str(tmp_path))
    dataset(root, IDENTITY, [("a", 0, 1)])
    assert len(carry_over(root, replace(IDENTITY, inputs={"scorer": "other"}), ("key", "start"))) == 0
    assert carry_over(root, replace(IDENTITY, inputs={"scorer": "other"}), ("key", "start")).take([("a", 0)]) == {}


def test_a_dataset_does_not_carry_from_itself(tmp_path: Path) -> None:
    root = open_store(str(tmp_path))
    dataset(root, IDENTITY, [("a", 0, 1)])
    assert len(carry_over(root, IDENTITY, ("key", "start"))) == 0


def test_nothing_before_and_nothing_asked(tmp_path: Path) -> None:
    root = open_store(str(tmp_path))
    assert CarryOver([], ("key", "start")).take([("a", 0)]) == {}
    assert CarryOver([dataset(root, IDENTITY, [("a", 0, 1)])], ("key", "start")).take([]) == {}
