"""Opens the training set of a finished labeling run: embeddings of its dataset `embed`, fingerprints of the audio in its shards."""

import hashlib
import io
import logging
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import soundfile

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store, open_existing, open_store
from noise2music.labeling.datasets.arrow import lists_column, unit_vectors
from noise2music.labeling.datasets.dataset import Dataset, latest_paths, open_dataset
from noise2music.labeling.datasets.fingerprint import canonical_json
from noise2music.labeling.datasets.manifest import PartFile, PartRecord
from noise2music.labeling.datasets.parts import MEND, advance
from noise2music.labeling.memorization import landmarks
from noise2music.labeling.memorization.landmarks import Landmarks, find_landmarks
from noise2music.labeling.memorization.training_set import TrainingSet

STAGE = "fingerprint"
SCHEMA = pa.schema(
    [
        pa.field("clip_id", pa.string(), False),
        pa.field("times", pa.list_(pa.int32()), False),
        pa.field("hashes", pa.list_(pa.int32()), False),
    ]
)
_AT_ONCE = 16
log = logging.getLogger("n2m")


def open_training_set(root: str, cache: Path, split: str = "train", workers: int = 1) -> TrainingSet:
    """The clips of a split that are in the shards of a run's root (a folder or URI).

    Fingerprints are computed once (about 50 CPU-ms for 30 s of audio, by `workers` processes) and stored in the folder `cache`, one file
    for each file of audio, named by its hash. Memory: 12 bytes a landmark (about 8 KB for a clip of 30 s) and the embeddings. Raises
    UserError where there is no finished run, no clip of the split, or a file is damaged.
    """
    store = open_existing(root)
    shards, embeddings = _open(store, "shard"), _open(store, "embed")
    print_cache = open_store(str(cache))
    rows = [row for part in shards.manifest.parts for row in _part_rows(shards, part, split, print_cache, workers)]
    if not rows:
        raise UserError(f"{shards.store.describe(shards.path)} has no clip of the split {split!r}: there is nothing to compare with.")
    ids = [clip_id for clip_id, _ in rows]
    vectors = _embeddings(embeddings, ids)
    return TrainingSet(_digest(shards, embeddings, split), _scorer_of(embeddings), ids, vectors, [prints for _, prints in rows])


def training_set_digest(root: str, split: str = "train") -> str:
    """The digest of the set that `open_training_set` opens, without computing it. Raises UserError where there is no finished run."""
    store = open_existing(root)
    return _digest(_open(store, "shard"), _open(store, "embed"), split)


def _digest(shards: Dataset, embeddings: Dataset, split: str) -> str:
    return stable_id(STAGE, landmarks.VERSION, _library(), shards.digest, embeddings.digest, split)


def _open(store: Store, stage: str) -> Dataset:
    path = latest_paths(store).get(stage)
    dataset = open_dataset(store, path) if isinstance(path, str) else None
    if dataset is None:
        raise UserError(f"{store.uri} names no dataset {stage} that is there. Run `n2m label` on it again.")
    return dataset


def _library() -> str:
    return version("audfprint2")


def _scorer_of(embeddings: Dataset) -> str:
    return str(embeddings.manifest.identity["inputs"]["scorer"])


def _part_rows(shards: Dataset, part: PartRecord, split: str, print_cache: Store, workers: int) -> Iterator[tuple[str, Landmarks]]:
    """Clip ids of a split with their fingerprints, in key order. The audio is in its own files, or in the shards themselves."""
    clip_ids: list[str] = []
    for file in part.files:
        table = pq.read_table(pa.BufferReader(_whole(shards, f"{shards.path}/{file.path}", file)), columns=["clip_id", "split"])
        clip_ids += table.filter(pc.equal(table.column("split"), split)).column("clip_id").to_pylist()
    if not clip_ids:
        return
    inside = [(f"{shards.path}/{file.path}", file) for file in part.files]
    files = [(file.path, file) for file in part.shared] or inside
    prints = dict(row for path, file in files for row in _rows(_fingerprints(shards, path, file, print_cache, workers), set(clip_ids)))
    yield from ((clip_id, prints[clip_id]) for clip_id in clip_ids)


def _fingerprints(shards: Dataset, path: str, file: PartFile, print_cache: Store, workers: int) -> pa.Table:
    """The fingerprints of one file of audio, from the cache where it has them undamaged."""
    name = f"{file.sha256}-{stable_id(landmarks.VERSION, _library(), canonical_json(SCHEMA.names))}.parquet"
    try:
        return pq.read_table(pa.BufferReader(print_cache.get(name)), page_checksum_verification=True)
    except FileNotFoundError:
        pass
    except (pa.ArrowException, OSError) as error:
        log.warning("%s is damaged (%s) and is made anew", print_cache.describe(name), error)
    table = _compute(pq.read_table(pa.BufferReader(_whole(shards, path, file))), workers)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    print_cache.put(name, sink.getvalue())
    return table


def _whole(shards: Dataset, path: str, file: PartFile) -> bytes:
    """The content of a file, its hash checked. Raises UserError."""
    where = shards.store.describe(path)
    try:
        data = shards.store.get(path)
    except FileNotFoundError:
        raise UserError(f"{where} is missing. {MEND}") from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise UserError(f"{where} is damaged (sha256 differs). {MEND}")
    return data


def _compute(rows: pa.Table, workers: int) -> pa.Table:
    inside = "audio" in rows.column_names
    audio = [item["bytes"] for item in rows.column("audio").to_pylist()] if inside else rows.column("flac").to_pylist()
    fingerprints = []
    for prints in _spread(audio, workers):
        fingerprints.append(prints)
        advance(STAGE)
    lengths = np.array([len(item.times) for item in fingerprints], np.int64)
    columns = [
        lists_column(pa.array(np.concatenate([np.zeros(0, np.int32), *values])), lengths)
        for values in ([item.times for item in fingerprints], [item.hashes for item in fingerprints])
    ]
    return pa.table([rows.column("clip_id"), *columns], schema=SCHEMA)


def _spread(audio: Sequence[bytes], workers: int) -> Iterator[Landmarks]:
    if workers == 1 or len(audio) < 2 * _AT_ONCE:
        yield from map(_of_file, audio)
        return
    # Processes that are forked from one with torch's threads would hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_of_file, audio, chunksize=_AT_ONCE)


def _of_file(flac: bytes) -> Landmarks:
    audio, rate = soundfile.read(io.BytesIO(flac), dtype="float32", always_2d=True)
    return find_landmarks(audio.mean(axis=1), rate)


def _rows(table: pa.Table, clip_ids: Set[str]) -> Iterator[tuple[str, Landmarks]]:
    for row, clip_id in enumerate(table.column("clip_id").to_pylist()):
        if clip_id in clip_ids:
            times, hashes = (table.column(name)[row].values.to_numpy() for name in ("times", "hashes"))
            yield clip_id, Landmarks(times, hashes)


def _embeddings(dataset: Dataset, ids: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    table = dataset.read(["clip_id", "embedding"])
    row_of = {clip_id: row for row, clip_id in enumerate(table.column("clip_id").to_pylist())}
    try:
        rows = [row_of[clip_id] for clip_id in ids]
    except KeyError as error:
        where = dataset.store.describe(dataset.path)
        raise UserError(f"{where} has no embedding of the clip {error.args[0]} of the shards. Run `n2m label` again.") from None
    return unit_vectors(table.column("embedding").take(rows))
