"""Lists, hashes and opens the audio files of a folder or bucket. Only listed files are ever opened."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import file_hash
from noise2music.core.storage import is_remote, local_path, may_pass, open_store
from noise2music.labeling.corpus.odd_keys import list_objects

SUFFIXES = frozenset(
    {"mp3", "mp2", "flac", "ogg", "oga", "opus", "spx", "wav", "w64", "aif", "aiff", "aifc", "au", "snd", "caf", "m4a", "m4b", "mp4", "aac"}
    | {"webm", "mka", "wma", "wv", "ape", "tta", "tak", "mpc", "dsf", "ac3", "amr"}
)
"""Suffixes that are listed. Names decide only that; the bytes decide what a file is. Films (mkv, mov, avi, flv, ts) are counted, not
listed.
"""
HASH_CACHE = pa.schema([("key", pa.string()), ("bytes", pa.int64()), ("stamp", pa.string()), ("sha256", pa.string())])

_HASH_THREADS = 4
_MAC_SIDECAR = "._"
"""macOS writes such a file beside every other on foreign file systems; it has the other's suffix and holds no audio."""


@dataclass(frozen=True)
class AudioFile:
    """key: path below the corpus, with "/". stamp: changes when the file is written again."""

    key: str
    bytes: int
    stamp: str


@dataclass(frozen=True)
class Inventory:
    """files: sorted by key. refused: keys that cannot be part of a corpus, with the reason, sorted. ignored: other files, by suffix."""

    files: tuple[AudioFile, ...]
    refused: tuple[tuple[str, RowError], ...]
    ignored: dict[str, int] = field(default_factory=dict)


def list_corpus(uri: str) -> Inventory:
    """All audio below a folder, or below s3://, gs:// or az://. Linked folders are not followed; a link to a file inside counts as a file.

    Reasons for which a key is refused: "link_out_of_corpus", "broken_link", "name_not_utf8" (its key is escaped), "not_a_file" (a pipe, or
    a folder named like an audio file; the files in it are listed), "unreadable", "odd_key" (an object whose name is no path). Raises
    UserError when there is no such folder or no audio in it.
    """
    inventory = _list_store(uri) if is_remote(uri) else _list_folder(_root(uri))
    if not inventory.files and not inventory.refused:
        other = sum(inventory.ignored.values())
        holds = f"only other files ({other})" if other else "nothing"
        raise UserError(f"no audio in {uri}: it holds {holds}. Give a folder with files that end in {', '.join(sorted(SUFFIXES))}.")
    return inventory


def open_audio(uri: str, key: str) -> BinaryIO:
    """A listed file, open for reading and seekable. Raises RowError "link_out_of_corpus" or "unreadable".

    Raises UserError when the object store does not answer: the file itself may be fine, and a later run goes on from here.
    """
    if is_remote(uri):
        try:
            return open_store(uri).reader(key)
        except (UserError, OSError, ValueError) as error:
            if may_pass(error):
                raise
            raise RowError("unreadable", f"cannot be opened: {_why(error)}") from error
    root = os.path.realpath(local_path(uri))
    if "\0" in key or any(step in ("", ".", "..") for step in key.split("/")):
        raise RowError("link_out_of_corpus", "the key is not a path below the corpus")
    path = os.path.realpath(os.path.join(root, key))
    if not _is_inside(path, root):
        raise RowError("link_out_of_corpus", "the path leads out of the corpus")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RowError("unreadable", f"cannot be opened: {_why(error)}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RowError("unreadable", "is no regular file")
    return os.fdopen(handle, "rb")


def content_hash(file: BinaryIO) -> str:
    """SHA-256 of the rest of the file as 64 hexadecimal digits, read in blocks. Raises RowError "unreadable", UserError as open_audio."""
    try:
        return file_hash(file)
    except (UserError, OSError) as error:
        if may_pass(error):
            raise
        raise RowError("unreadable", f"cannot be read: {_why(error)}") from error


def identify(
    uri: str, files: Sequence[AudioFile], cache: pa.Table | None = None, advance: Callable[[int], None] | None = None
) -> tuple[dict[str, str], pa.Table | None]:
    """Listed files -> the identity of their content by key, and the cache for the next run (HASH_CACHE, sorted; None for an object store).

    For a local file it is the sha256, taken from `cache` where (key, bytes, stamp) are the same. In an object store, whose files are not
    read, it is "etag:STAMP:BYTES". A local file that cannot be read gets "etag:unreadable:BYTES", and fails where it is opened.
    advance: called with the number of files that are done.
    """
    if is_remote(uri):
        _tell(advance, len(files))
        return {file.key: f"etag:{file.stamp}:{file.bytes}" for file in files}, None
    cache_entries = {(row["key"], row["bytes"], row["stamp"]): row["sha256"] for row in cache.to_pylist()} if cache is not None else {}
    hashes = {file.key: cache_entries[_identity(file)] for file in files if _identity(file) in cache_entries}
    _tell(advance, len(hashes))
    unknown = [file for file in files if file.key not in hashes]
    with ThreadPoolExecutor(_HASH_THREADS) as pool:
        for file, sha256 in zip(unknown, pool.map(lambda file: _hash_or_none(uri, file.key), unknown), strict=True):
            if sha256 is not None:
                hashes[file.key] = sha256
            _tell(advance, 1)
    rows = [
        {"key": file.key, "bytes": file.bytes, "stamp": file.stamp, "sha256": hashes[file.key]}
        for file in sorted(files, key=lambda file: file.key)
        if file.key in hashes
    ]
    contents = {file.key: hashes.get(file.key, f"etag:unreadable:{file.bytes}") for file in files}
    return contents, pa.Table.from_pylist(rows, HASH_CACHE)


def _identity(file: AudioFile) -> tuple[str, int, str]:
    return file.key, file.bytes, file.stamp


def _tell(advance: Callable[[int], None] | None, files: int) -> None:
    if advance is not None and files:
        advance(files)


def _hash_or_none(uri: str, key: str) -> str | None:
    try:
        with open_audio(uri, key) as file:
            return content_hash(file)
    except RowError:
        return None


def _root(uri: str) -> str:
    path = local_path(uri)
    if not path.exists():
        raise UserError(f"there is no folder {uri}. Check the path; relative paths start at the working folder.")
    if not path.is_dir():
        raise UserError(f"{uri} is a file. Give the folder that holds the audio.")
    return os.path.realpath(path)


def _list_folder(root: str) -> Inventory:
    files: list[AudioFile] = []
    refused: list[tuple[str, RowError]] = []
    ignored: Counter[str] = Counter()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise UserError(f"cannot list {root}: {_why(error)}. Check its permissions.") from error
            refused.append((_key(folder, root), RowError("unreadable", f"the folder cannot be listed: {_why(error)}")))
            continue
        for entry in entries:
            suffix = _suffix(entry.name)
            try:
                listed = _look_at(entry, root, suffix in SUFFIXES)
            except RowError as error:
                refused.append((_key(entry.path, root), error))
                listed = None
            if isinstance(listed, AudioFile):
                files.append(listed)
            elif listed == "other":
                ignored[suffix] += 1
            if not entry.is_symlink() and entry.is_dir(follow_symlinks=False) and _is_utf8(entry.name):
                waiting.append(entry.path)
    return _inventory(files, refused, ignored)


def _look_at(entry: "os.DirEntry[str]", root: str, has_audio_suffix: bool) -> AudioFile | str | None:
    """One directory entry -> the audio file that it is, "other" for any other file, None for a folder. Raises RowError."""
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            mode = _follow(entry.path, root, has_audio_suffix)
        if stat.S_ISDIR(mode):
            if not _is_utf8(entry.name):
                raise RowError("name_not_utf8", "the folder's name is not UTF-8; nothing below it is listed. Rename it.")
            if has_audio_suffix and not entry.is_symlink():
                raise RowError("not_a_file", "is a folder with the name of an audio file")
            return None
        if not has_audio_suffix or entry.name.startswith(_MAC_SIDECAR):
            return "other"
        if not _is_utf8(entry.name):
            raise RowError("name_not_utf8", "the file's name is not UTF-8. Rename it.")
        if not stat.S_ISREG(mode):
            raise RowError("not_a_file", "is a pipe, a socket or a device, not a file")
        if not os.access(entry.path, os.R_OK):
            raise RowError("unreadable", "may not be read: check its permissions")
        status = os.stat(entry.path)
    except OSError as error:
        raise RowError("unreadable", f"cannot be looked at: {_why(error)}") from error
    return AudioFile(_key(entry.path, root), status.st_size, f"{status.st_mtime_ns}.{status.st_ctime_ns}")


def _follow(path: str, root: str, has_audio_suffix: bool) -> int:
    """The mode of a link's target. A broken link without an audio suffix counts as any other file."""
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except OSError as error:
        if has_audio_suffix:
            raise RowError("broken_link", f"a link that leads nowhere: {_why(error)}") from error
        return stat.S_IFREG
    if (has_audio_suffix or stat.S_ISDIR(mode)) and not _is_inside(target, root):
        raise RowError(
            "link_out_of_corpus", "a link that leads out of the corpus. Copy what it names into the corpus, or give its own folder."
        )
    return mode


def _list_store(uri: str) -> Inventory:
    files: list[AudioFile] = []
    ignored: Counter[str] = Counter()
    entries, odd = list_objects(open_store(uri))
    for entry in entries:
        suffix = _suffix(entry.path)
        if suffix in SUFFIXES and not entry.path.rsplit("/", 1)[-1].startswith(_MAC_SIDECAR):
            files.append(AudioFile(entry.path, entry.bytes, entry.stamp))
        else:
            ignored[suffix] += 1
    refused = []
    for name, why in odd.items():
        if _suffix(name) in SUFFIXES:
            refused.append((name, RowError("odd_key", why)))
        else:
            ignored[_suffix(name)] += 1
    return _inventory(files, refused, ignored)


def _inventory(files: list[AudioFile], refused: list[tuple[str, RowError]], ignored: Counter[str]) -> Inventory:
    return Inventory(
        tuple(sorted(files, key=lambda file: file.key)),
        tuple(sorted(refused, key=lambda item: (item[0], item[1].reason))),
        dict(sorted(ignored.items())),
    )


def _suffix(name: str) -> str:
    """Lower-case suffix; "" for none, and for what is too odd to be one."""
    _, dot, suffix = name.rsplit("/", 1)[-1].lower().rpartition(".")
    return suffix if dot and suffix.isascii() and suffix.isalnum() and len(suffix) <= 10 else ""


def _key(path: str, root: str) -> str:
    """Path below the corpus, bytes that are not UTF-8 escaped."""
    return os.fsencode(os.path.relpath(path, root)).decode("utf-8", "backslashreplace")


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= mark <= "\udfff" for mark in name)


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _why(error: Exception) -> str:
    """The error in one line, without the path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
