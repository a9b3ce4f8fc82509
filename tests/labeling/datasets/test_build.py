"""Parts, manifests and what happens when a run is repeated, killed, damaged or raced; with a stage that squares numbers."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pytest

from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import Store, open_store
from noise2music.labeling.datasets.build import BuildResult, build_dataset, check_dead_share
from noise2music.labeling.datasets.dataset import find_damage, list_datasets, open_dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.manifest import MANIFEST_NAME
from noise2music.labeling.datasets.parts import PartContext, part_of, record_path, write_part

SCHEMA = pa.schema([pa.field("n", pa.int64(), False), pa.field("square", pa.int64(), False)])
IDENTITY = Identity("squares", "", 4, 1, {"rows": 20})


@dataclass
class Squares:
    """Rows n with n % 4 = part; those in `bad` die. Stops with an error after `parts_before_failing` parts."""

    root: Store
    bad: frozenset[int] = frozenset()
    parts_before_failing: int = 99
    rows: int = 20
    offset: int = 0
    parts_made: list[int] = field(default_factory=list)

    def __call__(self, identity: Identity, parts: Sequence[int]) -> None:
        for part in parts:
            if len(self.parts_made) >= self.parts_before_failing:
                raise KeyboardInterrupt
            context = PartContext("squares", part, identity.parts, identity.attempt)
            write_part(self.root, identity.path, context, self.tables(context), SCHEMA)
            self.parts_made.append(part)

    def tables(self, context: PartContext) -> Iterator[pa.Table]:
        living = []
        for n in range(context.part, self.rows, context.parts):
            if n in self.bad:
                context.reject(str(n), RowError("bad", "said so"))
            else:
                living.append({"n": n, "square": n * n + self.offset})
            context.count("seen")
        for start in range(0, len(living), 3):
            yield pa.Table.from_pylist(living[start : start + 3], SCHEMA)


def build(root: Store, make: Squares, identity: Identity = IDENTITY, replay: bool = False) -> BuildResult:
    return build_dataset(root, identity, make, {"seed": 0}, replay=replay)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


@pytest.fixture
def root(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "root"))


def test_a_dataset_is_made_once_and_then_found(root: Store) -> None:
    first = build(root, Squares(root))
    assert first.new_parts == 4
    assert first.dataset.read().num_rows == 20
    assert first.dataset.manifest.stats == {"seen": 20}
    again = Squares(root)
    assert build(root, again).new_parts == 0
    assert again.parts_made == []


def test_a_part_may_have_several_files_and_an_empty_part_has_one(root: Store) -> None:
    manifest = build(root, Squares(root)).dataset.manifest
    assert [file.path for file in manifest.parts[1].files] == ["part-00001-of-00004.parquet", "part-00001-of-00004.001.parquet"]
    empty = build(root, Squares(root, rows=0), replace(IDENTITY, config={"rows": 0})).dataset
    assert [len(record.files) for record in empty.manifest.parts] == [1, 1, 1, 1]
    assert empty.read().schema == SCHEMA


def test_a_killed_run_makes_only_what_is_missing(root: Store, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(root, Squares(root, parts_before_failing=2))
    assert open_dataset(root, IDENTITY.path) is None
    after = Squares(root)
    assert build(root, after).new_parts == 2
    assert after.parts_made == [2, 3]
    other = open_store(str(tmp_path / "other"))
    build(other, Squares(other))
    assert tree(tmp_path / "root") == tree(tmp_path / "other")


def test_a_part_without_its_record_is_made_again(root: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(root, Squares(root, parts_before_failing=3))
    root.delete(f"{IDENTITY.path}/{record_path(1, 4)}")
    root.delete(f"{IDENTITY.path}/part-00002-of-00004.parquet")
    after = Squares(root)
    build(root, after)
    assert after.parts_made == [1, 2, 3]


def test_dead_rows_die_alone_and_are_kept_with_their_reason(root: Store) -> None:
    dataset = build(root, Squares(root, bad=frozenset({5, 9, 2}))).dataset
    assert dataset.read().num_rows == 17
    dead = [(row["key"], row["reason"], row["error"], row["attempt"]) for row in dataset.dead().to_pylist()]
    assert dead == [("5", "bad", "said so", 1), ("9", "bad", "said so", 1), ("2", "bad", "said so", 1)]


def test_too_many_dead_rows_stop_the_stage_with_the_commonest_reasons(root: Store) -> None:
    dataset = build(root, Squares(root, bad=frozenset({5, 9}))).dataset
    check_dead_share(dataset, 0.1)
    with pytest.raises(UserError, match=r"2 of 20 rows are dead \(10.0%\).*bad: 2.*replay"):
        check_dead_share(dataset, 0.09)


def test_replay_makes_the_next_attempt_and_later_runs_use_it(root: Store) -> None:
    before = build(root, Squares(root, bad=frozenset({5}))).dataset
    replayed = build(root, Squares(root), replay=True).dataset
    assert replayed.fingerprint != before.fingerprint
    assert replayed.manifest.dead_rows == 0
    assert build(root, Squares(root)).dataset.fingerprint == replayed.fingerprint
    assert build(root, Squares(root), replay=True).new_parts == 0
    assert open_dataset(root, before.path) is not None


@pytest.mark.parametrize("damage", ["byte", "size", "gone"])
def test_damage_is_found_said_and_mended(root: Store, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    dataset = build(root, Squares(root)).dataset
    whole = tree(tmp_path)
    file = tmp_path / "root" / dataset.path / "part-00002-of-00004.parquet"
    data = bytearray(file.read_bytes())
    if damage == "byte":
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    elif damage == "size":
        file.write_bytes(data[:-7])
    else:
        file.unlink()
    assert [item.part for item in find_damage(dataset, "hash")] == [2]
    assert len(find_damage(dataset, "size")) == (damage != "byte")
    mending = Squares(root)
    build(root, mending)
    assert mending.parts_made == [2]
    assert "part-00002-of-00004.parquet" in caplog.text
    assert tree(tmp_path) == whole


def test_a_damaged_part_that_comes_out_differently_stops_the_run(root: Store, tmp_path: Path) -> None:
    dataset = build(root, Squares(root)).dataset
    (tmp_path / "root" / dataset.path / "part-00002-of-00004.parquet").unlink()
    with pytest.raises(UserError, match="part 2 was made again and differs"):
        build(root, Squares(root, offset=1))


def test_an_edited_manifest_stops_the_run_and_deleting_it_mends(root: Store, tmp_path: Path) -> None:
    dataset = build(root, Squares(root)).dataset
    manifest = tmp_path / "root" / dataset.path / MANIFEST_NAME
    manifest.write_text(manifest.read_text().replace('"rows": 3', '"rows": 4', 1))
    with pytest.raises(UserError, match="was changed after it was written"):
        build(root, Squares(root))
    manifest.unlink()
    assert build(root, Squares(root)).new_parts == 0


def test_two_runs_at_once_share_one_dataset_without_a_mix(root: Store) -> None:
    """Other bytes on purpose (as another device would give): each file is one run's, and the manifest agrees with the files."""
    barrier = threading.Barrier(2)

    def run(offset: int) -> None:
        barrier.wait()
        build(root, Squares(root, offset=offset))

    threads = [threading.Thread(target=run, args=(offset,)) for offset in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dataset = open_dataset(root, IDENTITY.path)
    assert dataset is not None
    assert find_damage(dataset, "hash") == []
    assert dataset.read().num_rows == 20


def test_a_new_dataset_says_which_keys_changed(root: Store) -> None:
    build(root, Squares(root))
    other = build(root, Squares(root, rows=12), replace(IDENTITY, config={"rows": 12})).dataset
    assert other.manifest.changed == ("config.rows",)
    assert len(list_datasets(root, "squares")) == 2


def test_a_null_where_none_may_be_is_an_error(root: Store) -> None:
    context = PartContext("squares", 0, 1)
    loose = pa.table({"n": pa.array([None], pa.int64()), "square": pa.array([1], pa.int64())})
    with pytest.raises(ValueError, match="'n' with null values"):
        write_part(root, "squares/x", context, [loose], SCHEMA)


def test_parts_follow_the_order_of_ids() -> None:
    ids = ["0" * 16, "3fffffffffffffff", "4000000000000000", "f" * 16]
    assert [part_of(identifier, 4) for identifier in ids] == [0, 0, 1, 3]
