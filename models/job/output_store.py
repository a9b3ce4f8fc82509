"""The output store of a job: paths of its files, and the clips that it holds. Records that the manifest has are not read again."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from noise2music.core.storage import Entry, Store
from noise2music.models.job.record import ClipRecord, DeadLetter, parse_clip, parse_dead_letter

MANIFEST = "manifest.jsonl"
MANIFEST_TABLE = "manifest.parquet"
PAGE = "index.html"
CLIPS, DEAD = "clips", "dead"
AUDIO, SPECTROGRAMS, PICTURES = "audio", "spectrograms", "pictures"

_READERS = 16
_SUFFIX = ".json"
Read = TypeVar("Read")


def audio_path(key: str, suffix: str) -> str:
    """The clip itself."""
    return f"{AUDIO}/{key}.{suffix}"


def spectrogram_path(key: str) -> str:
    """The spectrogram of a clip whose cascade stopped there: (80, frames) as .npy."""
    return f"{SPECTROGRAMS}/{key}.npy"


def picture_path(key: str) -> str:
    """The picture of its spectrogram."""
    return f"{PICTURES}/{key}.png"


def record_path(key: str) -> str:
    """The record; a clip counts once it has one."""
    return f"{CLIPS}/{key}{_SUFFIX}"


def dead_letter_path(name: str) -> str:
    """The dead letter of a row."""
    return f"{DEAD}/{name}{_SUFFIX}"


def read_records(store: Store) -> dict[str, ClipRecord]:
    """Every clip of the store, by key, sorted. A record that is torn, of another kind or without its files does not count: its clip is made
    again.
    """
    known, written = _manifest(store)
    entries = {_name(entry, CLIPS): entry for entry in store.entries(CLIPS) if entry.path.endswith(_SUFFIX)}
    fresh = [key for key, entry in entries.items() if key not in known or entry.modified >= written]
    new = dict(zip(fresh, _read(store, [record_path(key) for key in fresh], parse_clip), strict=True))
    records = ((key, new[key] if key in new else known[key]) for key in sorted(entries))
    # Listed after the records, which are written last.
    sizes = {entry.path: entry.bytes for folder in (AUDIO, SPECTROGRAMS, PICTURES) for entry in store.entries(folder)}
    return {key: record for key, record in records if record is not None and record.key == key and _has_files(record, sizes)}


def _has_files(record: ClipRecord, sizes: Mapping[str, int]) -> bool:
    return sizes.get(record.audio or record.spectrogram or "") == record.bytes and record.picture in sizes


def count_records(store: Store) -> int:
    """How many clips the store holds."""
    return sum(entry.path.endswith(_SUFFIX) for entry in store.entries(CLIPS))


def read_record(store: Store, key: str) -> ClipRecord | None:
    """A clip's record, None where there is none or a torn one."""
    try:
        record = parse_clip(store.get(record_path(key)))
    except FileNotFoundError:
        return None
    return record if record is not None and record.key == key else None


def read_clip(store: Store, key: str) -> ClipRecord | None:
    """A clip's record where its files are whole, else None. A record without whole files is removed: a new one could not be created."""
    record = read_record(store, key)
    if record is not None:
        heads = [store.head(path) for path in (record.audio, record.spectrogram, record.picture) if path]
        if _has_files(record, {head.path: head.bytes for head in heads if head is not None}):
            return record
    store.delete(record_path(key))
    return None


def read_dead_letters(store: Store) -> dict[str, DeadLetter]:
    """Every dead letter, by name, sorted."""
    names = sorted(_name(entry, DEAD) for entry in store.entries(DEAD) if entry.path.endswith(_SUFFIX))
    letters = _read(store, [dead_letter_path(name) for name in names], parse_dead_letter)
    return {name: letter for name, letter in zip(names, letters, strict=True) if letter is not None}


def put_dead_letter(store: Store, letter: DeadLetter) -> None:
    """Write or replace a dead letter."""
    store.put(dead_letter_path(letter.name), (letter.model_dump_json(indent=1) + "\n").encode())


def _name(entry: Entry, folder: str) -> str:
    return entry.path.removeprefix(f"{folder}/").removesuffix(_SUFFIX)


def _manifest(store: Store) -> tuple[dict[str, ClipRecord], float]:
    """The records of an earlier manifest, by key, and when it was written; none where a line of it is damaged."""
    try:
        entry = store.head(MANIFEST)
        records = [parse_clip(line) for line in store.get(MANIFEST).decode().split("\n") if line]
    except (FileNotFoundError, UnicodeDecodeError):
        return {}, 0.0
    whole = {record.key: record for record in records if record is not None}
    return (whole, entry.modified) if entry is not None and len(whole) == len(records) else ({}, 0.0)


def _read(store: Store, paths: Iterable[str], parse: Callable[[bytes], Read | None]) -> list[Read | None]:
    def one(path: str) -> Read | None:
        try:
            return parse(store.get(path))
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(one, paths))
