"""Stage "copies": which recordings are the same, by their decoded audio or by their fingerprints.

Rows pass through files in four steps, each over a share of bounded size: chains of a part -> chains of some hashes -> votes of some pairs
-> links. The links, which are few, give the groups.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noise2music.core.ids import Uint64s, ids_to_uint64
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.memorization.inverted_index import NO_ENTRIES, Entries, Votes, hash_bucket, pair_bucket, settle, votes
from noise2music.labeling.memorization.links import NO_LINKS, Links, connected, find_links, milliseconds
from noise2music.labeling.memorization.spool import Spool
from noise2music.labeling.schemas import COPIES

VERSION = 1
A_BUCKET = 1 << 19
"""Chains a bucket, about; and rows that a worker collects before it writes them."""


@dataclass(frozen=True)
class Passage:
    """The files between the steps: spools below a folder of the store `root`, in `buckets` buckets. `a_bucket`: see A_BUCKET."""

    root: str
    folder: str
    buckets: int
    a_bucket: int = A_BUCKET

    def spool(self, name: str) -> Spool:
        """Rows of one kind: "tracks", "chains", "sounds", "votes", "audio" and "near" (the links)."""
        return Spool(open_store(self.root), f"{self.folder}/{name}")


@dataclass(frozen=True)
class Tracks:
    """All tracks in key order, 12 bytes each: their ids as integers, and how many chains they have; both (n,)."""

    ids: Uint64s
    sizes: npt.NDArray[np.int32]

    def name(self, number: int) -> str:
        """The id of a track."""
        return f"{int(self.ids[number]):016x}"


def bucket_count(fingerprints: Dataset) -> int:
    """How many buckets hold A_BUCKET chains each."""
    return 1 + int(fingerprints.manifest.stats.get("chains", 0)) // A_BUCKET


def index_part(fingerprints: Dataset, part: int, passage: Passage) -> None:
    """schemas.FINGERPRINT of one part -> its tracks, its chains by their hash, its audio by its hash. Tracks are numbered in key order."""
    number = sum(record.rows for record in fingerprints.manifest.parts[:part])
    ids, all_sizes, sounds, owners = ([np.zeros(0, kind)] for kind in (np.uint64, np.int32, np.uint64, np.uint32))
    with _Outlet(passage, "chains", f"{part:05d}") as chains:
        for rows in _row_groups(fingerprints, part):
            numbers = np.arange(number, number + len(rows), dtype=np.uint32)
            number += len(rows)
            sizes = pc.list_value_length(rows.column("hashes")).to_numpy().astype(np.int32)
            hashes, times = (pc.list_flatten(rows.column(name)).to_numpy() for name in ("hashes", "times"))
            chains.add(hash_bucket(hashes, passage.buckets), hash=hashes, track=np.repeat(numbers, sizes), time=times)
            has_audio = pc.is_valid(rows.column("audio")).to_numpy()
            ids.append(ids_to_uint64(rows.column("track_id")))
            all_sizes.append(sizes)
            sounds.append(ids_to_uint64(pc.utf8_slice_codeunits(rows.column("audio").drop_null(), 0, 16)))
            owners.append(numbers[has_audio])
    with _Outlet(passage, "tracks", f"{part:05d}") as tracks:
        tracks.add(np.zeros(sum(map(len, ids)), np.int64), id=np.concatenate(ids), size=np.concatenate(all_sizes))
    with _Outlet(passage, "sounds", f"{part:05d}") as outlet:
        audio = np.concatenate(sounds)
        outlet.add(hash_bucket((audio >> np.uint64(32)).astype(np.uint32), passage.buckets), audio=audio, track=np.concatenate(owners))


def vote_bucket(passage: Passage, bucket: int) -> None:
    """The chains of one bucket -> votes by pair; the audio hashes of that bucket -> links of each track with the first that has the
    same.
    """
    sounds = passage.spool("sounds").read(bucket)
    if sounds is not None:
        one, other = _same(sounds.column("audio").to_numpy(), sounds.column("track").to_numpy())
        _write_links(passage, "audio", bucket, Links(one, other, *(np.zeros(len(one), np.int32),) * 2))
    waiting, done, most = NO_ENTRIES, np.zeros(0, bool), 5 * passage.a_bucket // 4
    with _Outlet(passage, "votes", f"{bucket:05d}") as outlet:
        for rows in passage.spool("chains").tables(bucket):
            hashes, tracks, times = (rows.column(name).to_numpy() for name in ("hash", "track", "time"))
            waiting = waiting.and_then(Entries(hashes, tracks, times))
            done = np.append(done, np.zeros(len(rows), bool))
            if len(done) > most:
                settled, waiting, done = settle(waiting, done)
                _vote(outlet, passage, settled)
                most = max(most, 5 * len(done) // 4)
        _vote(outlet, passage, votes(waiting, done))


def _vote(outlet: "_Outlet", passage: Passage, settled: Iterable[Votes]) -> None:
    for some in settled:
        outlet.add(pair_bucket(some, passage.buckets), one=some.one, other=some.other, offset=some.offsets)


def link_bucket(passage: Passage, bucket: int, tracks: Tracks) -> None:
    """The votes of one bucket of pairs -> links."""
    rows = passage.spool("votes").read(bucket)
    if rows is not None:
        links = find_links(Votes(*(rows.column(name).to_numpy() for name in ("one", "other", "offset"))), tracks.sizes)
        _write_links(passage, "near", bucket, links)


def read_tracks(passage: Passage) -> Tracks:
    """What `index_part` wrote of all parts."""
    rows = passage.spool("tracks").read(0)
    empty = Tracks(np.zeros(0, np.uint64), np.zeros(0, np.int32))
    return Tracks(*(rows.column(name).to_numpy() for name in ("id", "size"))) if rows is not None else empty


def read_links(passage: Passage, kind: str) -> Links:
    """The links of one kind ("audio", "near") of all buckets."""
    rows = passage.spool(kind).read(0)
    return Links(*(rows.column(name).to_numpy() for name in ("one", "other", "votes", "offset"))) if rows is not None else NO_LINKS


def group_rows(tracks: Tracks, audio: Links, near: Links) -> pa.Table:
    """The links of all recordings -> schemas.COPIES in key order: a row for every recording that is in a link.

    group: the id of the first recording that it is connected with, by either kind. kind: "audio" where another of the group has the same
    decoded audio, else "near". same_audio: the id of the first recording with the same audio, else its own. nearest, votes, offset_ms: the
    recording with which it shares most chains, how many, and how much later they come there.
    """
    same = connected(_pairs(audio))
    groups = connected([*_pairs(audio), *_pairs(near)])
    nearest: dict[int, tuple[int, int, int]] = {}
    for one, other, number, offset in zip(*(column.tolist() for column in (near.one, near.other, near.votes, near.offsets)), strict=True):
        for mine, theirs, frames in ((one, other, offset), (other, one, -offset)):
            nearest[mine] = max(nearest.get(mine, (0, 0, 0)), (number, -theirs, frames))
    rows = []
    for number in sorted(groups):
        votes_, theirs, frames = nearest.get(number, (0, 0, 0))
        rows.append(
            {
                "track_id": tracks.name(number),
                "group": tracks.name(groups[number]),
                "kind": "audio" if number in same else "near",
                "same_audio": tracks.name(same.get(number, number)),
                "nearest": tracks.name(-theirs) if votes_ else None,
                "votes": votes_,
                "offset_ms": milliseconds(frames),
            }
        )
    return pa.Table.from_pylist(rows, COPIES)


def copies_part(context: PartContext, every: pa.Table) -> Iterator[pa.Table]:
    """All rows of schemas.COPIES -> those of one part."""
    mine = [part_of(track_id, context.parts) == context.part for track_id in every.column("track_id").to_pylist()]
    rows = every.filter(pa.array(mine, pa.bool_()))
    for kind in rows.column("kind").to_pylist():
        context.count(f"copies:{kind}")
    yield rows


class _Outlet:
    """Writes rows into one spool: files NAME-0000, NAME-0001, ... of about `a_bucket` rows."""

    def __init__(self, passage: Passage, kind: str, name: str) -> None:
        self._passage, self._spool, self._name = passage, passage.spool(kind), name
        self._blocks: list[dict[str, npt.NDArray[np.generic]]] = []
        self._rows = self._files = 0

    def __enter__(self) -> "_Outlet":
        return self

    def add(self, bucket: npt.NDArray[np.int64], **columns: npt.NDArray[np.generic]) -> None:
        """Some rows and the bucket of each."""
        self._blocks.append({"": bucket, **columns})
        self._rows += len(bucket)
        if self._rows >= self._passage.a_bucket:
            self._flush()

    def _flush(self) -> None:
        columns = {name: np.concatenate([block[name] for block in self._blocks]) for name in self._blocks[0]}
        bucket = columns.pop("")
        self._spool.write(f"{self._name}-{self._files:04d}", columns, bucket, self._passage.buckets)
        self._blocks, self._rows, self._files = [], 0, self._files + 1

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._rows and error is None:
            self._flush()


def _row_groups(dataset: Dataset, part: int) -> Iterator[pa.Table]:
    """The rows of one part, a row group at a time."""
    for file in dataset.manifest.parts[part].files:
        with dataset.store.reader(f"{dataset.path}/{file.path}") as source:
            parquet = pq.ParquetFile(source, pre_buffer=False)
            for group in range(parquet.num_row_groups):
                yield parquet.read_row_group(group, ["track_id", "audio", "hashes", "times"], use_threads=False)


def _same(values: Uint64s, tracks: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Pairs of the first track with each value and every other one that has it."""
    order = np.lexsort((tracks, values))
    _, first, number = np.unique(values[order], return_index=True, return_inverse=True)
    one, other = tracks[order][first[number]], tracks[order]
    return one[one != other], other[one != other]


def _pairs(links: Links) -> list[tuple[int, int]]:
    return list(zip(links.one.tolist(), links.other.tolist(), strict=True))


def _write_links(passage: Passage, kind: str, bucket: int, links: Links) -> None:
    if len(links.one):
        columns = {"one": links.one, "other": links.other, "votes": links.votes, "offset": links.offsets}
        passage.spool(kind).write(f"{bucket:05d}", columns, np.zeros(len(links.one), np.int64), 1)
