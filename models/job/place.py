"""Where a job's clips lie, and which are there. Listed once; records that the manifest already holds are not read again."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from noise2music.core.storage import Entry, Store
from noise2music.models.job.record import ClipRecord, DeadLetter, parse_clip, parse_letter

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
    """What is there of a clip whose cascade stopped at a spectrogram: (80, frames) as .npy."""
    return f"{SPECTROGRAMS}/{key}.npy"


def picture_path(key: str) -> str:
    """How it looks."""
    return f"{PICTURES}/{key}.png"


def record_path(key: str) -> str:
    """The record; with it the clip counts."""
    return f"{CLIPS}/{key}{_SUFFIX}"


def letter_path(name: str) -> str:
    """The dead letter of a row."""
    return f"{DEAD}/{name}{_SUFFIX}"


def read_records(store: Store) -> dict[str, ClipRecord]:
    """Every clip that is there, by key, sorted. A record that is torn, of another kind or without its files does not count, and its clip
    is made again.
    """
    known, written = _manifest(store)
    entries = {_name(entry, CLIPS): entry for entry in store.entries(CLIPS) if entry.path.endswith(_SUFFIX)}
    fresh = [key for key, entry in entries.items() if key not in known or entry.modified >= written]
    read = dict(zip(fresh, _read(store, [record_path(key) for key in fresh], parse_clip), strict=True))
    found = ((key, read[key] if key in read else known[key]) for key in sorted(entries))
    # Listed after the records, which are written last.
    sizes = {entry.path: entry.bytes for folder in (AUDIO, SPECTROGRAMS, PICTURES) for entry in store.entries(folder)}
    return {key: record for key, record in found if record is not None and record.key == key and _has_files(record, sizes)}


def _has_files(record: ClipRecord, sizes: Mapping[str, int]) -> bool:
    return sizes.get(record.audio or record.spectrogram or "") == record.bytes and record.picture in sizes


def count_records(store: Store) -> int:
    """How many clips are there."""
    return sum(entry.path.endswith(_SUFFIX) for entry in store.entries(CLIPS))


def read_record(store: Store, key: str) -> ClipRecord | None:
    """The record as it lies there, None where there is none or a torn one."""
    try:
        record = parse_clip(store.get(record_path(key)))
    except FileNotFoundError:
        return None
    return record if record is not None and record.key == key else None


def read_clip(store: Store, key: str) -> ClipRecord | None:
    """The clip, if it is there by now. A record that is torn, of another kind or without its files hinders a new one, and is removed."""
    record = read_record(store, key)
    if record is not None:
        heads = [store.head(path) for path in (record.audio, record.spectrogram, record.picture) if path]
        if _has_files(record, {head.path: head.bytes for head in heads if head is not None}):
            return record
    store.delete(record_path(key))
    return None


def read_letters(store: Store) -> dict[str, DeadLetter]:
    """Every dead letter, by name, sorted."""
    names = sorted(_name(entry, DEAD) for entry in store.entries(DEAD) if entry.path.endswith(_SUFFIX))
    letters = _read(store, [letter_path(name) for name in names], parse_letter)
    return {name: letter for name, letter in zip(names, letters, strict=True) if letter is not None}


def put_letter(store: Store, letter: DeadLetter) -> None:
    """Write or replace a dead letter."""
    store.put(letter_path(letter.name), (letter.model_dump_json(indent=1) + "\n").encode())


def _name(entry: Entry, folder: str) -> str:
    return entry.path.removeprefix(f"{folder}/").removesuffix(_SUFFIX)


def _manifest(store: Store) -> tuple[dict[str, ClipRecord], float]:
    """What an earlier manifest says, by key, and when it was written; nothing where any line of it is damaged."""
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
