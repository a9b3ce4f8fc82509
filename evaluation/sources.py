"""Where clips lie: a place of `n2m generate`, any folder of audio of anybody, or the shards of a labeling run."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from noise2music.core.arrays import Float32s
from noise2music.core.audio.decode import decode_start
from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import open_existing
from noise2music.labeling.corpus.files import list_corpus, open_audio
from noise2music.labeling.datasets.current import label_tables, read_labels
from noise2music.labeling.datasets.dataset import LATEST
from noise2music.models.job.identity import NAME
from noise2music.models.job.output_store import read_dead_letters, read_records

MOST_SECONDS = 3600.0
"""Of a file that are read."""
SAME_KEY = "same_key"


@dataclass(frozen=True)
class Source:
    """label: of the system, or "reference". uri: where it lies. files: key -> path below it, sorted by key. prompts: key -> text, where
    the place knows it. lost: key -> why it cannot be had. other: files that are no audio, by suffix. kind: what the place is.
    """

    label: str
    uri: str
    kind: str
    files: Mapping[str, str]
    prompts: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, RowError] = field(default_factory=dict)
    other: Mapping[str, int] = field(default_factory=dict)

    def open(self, key: str) -> BinaryIO:
        """The file of a clip, of a place or a folder. Raises RowError where it cannot be opened."""
        return open_audio(self.uri, self.files[key])


@dataclass(frozen=True)
class Recording:
    """audio: (n,) mono float32 at `rate` Hz, as it lies in the file."""

    audio: Float32s
    rate: int


def split_label(text: str) -> tuple[str, str]:
    """ "label=PLACE" -> both; a place alone is called by its last part. Raises UserError."""
    label, equals, uri = text.partition("=")
    if not equals or "/" in label or ":" in label:
        label, uri = text.rstrip("/").rsplit("/", 1)[-1], text
    if not label.strip() or not uri.strip():
        raise UserError(f"{text!r} names no clips. Give a folder, or LABEL=FOLDER.")
    return label.strip(), uri.strip()


def split_labels(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Those of several systems, whose labels have to differ. Raises UserError."""
    named = [split_label(text) for text in texts]
    labels = [label for label, _ in named]
    if repeated := sorted({label for label in labels if labels.count(label) > 1}):
        raise UserError(f"two systems are called {repeated[0]}. Name them: LABEL={named[labels.index(repeated[0])][1]}")
    return named


def open_source(label: str, uri: str) -> Source:
    """What lies at a place, listed, not decoded. Raises UserError: there is no such place, or no clip in it."""
    if open_existing(uri).head(LATEST) is None:
        return open_clips(label, uri)
    keys = sorted(read_labels(uri, ["clip_id"]).column("clip_id").to_pylist())
    if not keys:
        raise UserError(f"the labels in {uri} are of no clip.")
    return Source(label, uri, "labels", dict.fromkeys(keys, ""))


def open_clips(label: str, uri: str) -> Source:
    """The same of a place of `n2m generate` or a folder, whose clips are files. Raises UserError."""
    store = open_existing(uri)
    if store.head(NAME) is not None:
        records = read_records(store)
        letters = read_dead_letters(store)
        lost = {letter.key or name: RowError("not_made", f"{letter.reason}: {letter.message}") for name, letter in letters.items()}
        silent = {key for key, record in records.items() if record.audio is None}
        lost |= {key: RowError("not_made", "the cascade stopped at a spectrogram, so there is no sound") for key in silent}
        files = {key: record.audio for key, record in records.items() if record.audio is not None}
        if not files:
            raise UserError(f"{uri} holds no clip with audio. Run `n2m generate` on it to the end, or give another place.")
        prompts = {key: record.prompt for key, record in records.items()}
        return Source(label, uri, "place", files, prompts, {key: error for key, error in lost.items() if key not in files})
    return _folder(label, uri)


def _folder(label: str, uri: str) -> Source:
    inventory = list_corpus(uri)
    lost = {_key(path): error for path, error in inventory.refused}
    times = Counter(_key(file.key) for file in inventory.files)
    files: dict[str, str] = {}
    for file in inventory.files:
        key = _key(file.key)
        if times[key] > 1:
            same = ", ".join(other.key for other in inventory.files if _key(other.key) == key)
            lost[key] = RowError(SAME_KEY, f"{times[key]} files are called {key} but for their suffix ({same}); keep one")
        else:
            files[key] = file.key
    return Source(label, uri, "folder", dict(sorted(files.items())), {}, lost, inventory.ignored)


def read_recordings(source: Source, keys: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], Recording]]]:
    """keys: as evaluation calls a clip -> as the source does. Gives, in their order, what reads each; that raises RowError.

    Of labels, whose audio lies in files of many clips, in the order of the shards.
    """
    if source.kind != "labels":
        for key, own in keys.items():
            yield key, partial(_read_file, source, own)
        return
    wanted = {own: key for key, own in keys.items()}
    for table in label_tables(source.uri, ["clip_id", "audio"]):
        for row in table.to_pylist():
            if row["clip_id"] in wanted:
                yield wanted[row["clip_id"]], partial(_read_bytes, row["audio"]["bytes"])


def _read_file(source: Source, own: str) -> Recording:
    with source.open(own) as file:
        return _read(file)


def _read_bytes(data: bytes) -> Recording:
    return _read(io.BytesIO(data))


def _read(file: BinaryIO) -> Recording:
    """All of a file. Raises RowError as `decode_start` does."""
    stretch, rate = decode_start(file, MOST_SECONDS)
    return Recording(stretch.audio, rate)


def _key(path: str) -> str:
    """The path without its suffix."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"
