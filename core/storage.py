"""One interface for local folders, S3, Google Cloud Storage and Azure: obstore, with atomic and create-only puts.

Credentials and endpoints come from the environment (AWS_*, GOOGLE_*, AZURE_*), never from a URI or a configuration file.
"""

import hashlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, InvalidPathError
from obstore.store import LocalStore, from_url

from noise2music.core.errors import UserError, first_line
from noise2music.core.ids import file_hash

REMOTE_SCHEMES = ("s3", "gs", "az", "memory")

_KINDS = {
    "flac": "audio/flac",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "png": "image/png",
    "wav": "audio/wav",
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_NO_ANSWER = "the object store does not answer"
_REFUSED = re.compile(r"status code: 4(?!08|29)\d\d")


class OddKeyError(UserError):
    """A listing holds a name that is no path, such as "a//b". why: the library's message, which names it."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why

    def __reduce__(self) -> tuple[type["OddKeyError"], tuple[str, str]]:
        return type(self), (str(self), self.why)


@dataclass(frozen=True)
class Entry:
    """One object. path: below the store. bytes: its size. stamp: changes with every write. modified: time of the last write, in seconds."""

    path: str
    bytes: int
    stamp: str
    modified: float


def is_remote(uri: str) -> bool:
    """Whether the URI names an object store and not a folder of this machine."""
    return _scheme(uri) in REMOTE_SCHEMES


def local_path(uri: str) -> Path:
    """The folder or file that a local URI (a plain path or file://) names. Raises UserError for an empty one and for other schemes."""
    scheme = _scheme(uri)
    if not uri or scheme not in ("", "file"):
        message = f"{uri!r} names no folder or file" if not uri else f"{uri}: nothing is read from or written to {scheme}://"
        raise UserError(f"{message}. Give a path (. is the working folder), file://, s3://, gs:// or az://.")
    try:
        return Path(urlsplit(uri).path if scheme else uri)
    except ValueError as error:
        raise UserError(f"{uri} is no URI ({error}). Give a path.") from error


def _scheme(uri: str) -> str:
    """What stands before ://, "" for a plain path."""
    named = _SCHEME.match(uri)
    return named[1].lower() if named else ""


def may_pass(error: BaseException) -> bool:
    """Whether a retry may help: a store did not answer. Decided by the text, since Beam carries nothing else from a worker."""
    return _NO_ANSWER in str(error)


class Store:
    """A folder of objects. Paths use '/', never start with it, and are made by the project, never from user text.

    Every method raises UserError when the store refuses or, after obstore's own ten tries, does not answer (`may_pass`).
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            if is_remote(uri):
                self._objects: Any = from_url(uri, client_options={"allow_http": True}) if _named_http(uri) else from_url(uri)
            else:
                self._objects = LocalStore(local_path(uri).absolute(), mkdir=True)
        except (BaseError, ValueError, OSError) as error:
            advice = "Check the path, the credentials in the environment and the network."
            raise UserError(f"cannot open {uri}: {first_line(error)}. {advice}") from error

    def __reduce__(self) -> tuple[type["Store"], tuple[str]]:
        return type(self), (self.uri,)

    def get(self, path: str) -> bytes:
        """The whole object. Raises FileNotFoundError."""
        with self._explained("read", path):
            return bytes(obstore.get(self._objects, path).bytes())

    def put(self, path: str, data: bytes) -> None:
        """Write or replace an object at once: readers see the old bytes or the new ones. Raises UserError when it cannot be written."""
        try:
            obstore.put(self._objects, path, data, attributes=self._attributes(path))
        except (BaseError, OSError) as error:
            raise self._cannot_write(path, error) from error

    def put_changed(self, path: str, data: bytes) -> bool:
        """Write an object unless it already holds these bytes. Returns whether it was written."""
        try:
            if self.get(path) == data:
                return False
        except FileNotFoundError:
            pass
        self.put(path, data)
        return True

    def create(self, path: str, data: bytes) -> bool:
        """Write an object unless it exists. Returns whether this writer won."""
        try:
            obstore.put(self._objects, path, data, mode="create", use_multipart=False, attributes=self._attributes(path))
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise self._cannot_write(path, error) from error
        return True

    def head(self, path: str) -> Entry | None:
        """Size and stamp of an object, None when it is not there."""
        try:
            with self._explained("read", path):
                return _entry(obstore.head(self._objects, path))
        except FileNotFoundError:
            return None

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """Every object below a prefix (a folder's path), in no order. Raises OddKeyError when one has a name that is no path."""
        with self._explained("list", prefix):
            for chunk in obstore.list(self._objects, prefix or None):
                yield from (_entry(meta) for meta in chunk)

    def folders(self, prefix: str = "") -> list[str]:
        """Names of the folders directly below a prefix, sorted."""
        with self._explained("list", prefix):
            prefixes = obstore.list_with_delimiter(self._objects, prefix or None)["common_prefixes"]
        return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in prefixes)

    def delete(self, path: str) -> None:
        """Remove an object; one that is not there is fine."""
        try:
            with self._explained("delete", path):
                obstore.delete(self._objects, path)
        except FileNotFoundError:
            return

    def reader(self, path: str) -> BinaryIO:
        """A seekable file over the object. Raises FileNotFoundError."""
        with self._explained("read", path):
            reader = obstore.open_reader(self._objects, path)
        return cast(BinaryIO, io.BufferedReader(_RawReader(self, path, reader), 1 << 20))

    def describe(self, path: str) -> str:
        """The object's URI, for messages."""
        return f"{self.uri.rstrip('/')}/{path}".rstrip("/")

    @contextmanager
    def _explained(self, doing: str, path: str) -> Iterator[None]:
        try:
            yield
        except InvalidPathError as error:
            message = f"cannot {doing} {self.describe(path)}: {first_line(error)}. Rename that object."
            raise OddKeyError(message, first_line(error)) from error
        except BaseError as error:
            advice = "Check the address, the credentials in the environment and the network."
            raise UserError(f"cannot {doing} {self.describe(path)}: {self._why(error)}. {advice}") from error

    def _cannot_write(self, path: str, error: Exception) -> UserError:
        return UserError(
            f"cannot write {self.describe(path)}: {self._why(error)}. "
            "What was written before is whole; free space or mend the permissions, then run the same command again."
        )

    def _attributes(self, path: str) -> dict[str, str] | None:
        """The content type, so that a browser shows a page of an object store instead of downloading it. Local files need none."""
        kind = _KINDS.get(path.rpartition(".")[2]) if is_remote(self.uri) else None
        return {"Content-Type": kind} if kind else None

    def _why(self, error: Exception) -> str:
        is_refused = not isinstance(error, GenericError) or _REFUSED.search(str(error))
        why = first_line(error)
        return why if is_refused or not is_remote(self.uri) else f"{_NO_ANSWER} ({why})"


class _RawReader(io.RawIOBase):
    """obstore's reader as a Python raw stream (it lacks readinto)."""

    def __init__(self, store: Store, path: str, reader: Any) -> None:
        self._store = store
        self._path = path
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())

    def readinto(self, buffer: Any, /) -> int:
        with self._store._explained("read", self._path):
            chunk = bytes(self._reader.read(len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _named_http(uri: str) -> bool:
    """Whether the environment names an S3 server by http://. That is permission enough; obstore alone would also ask for AWS_ALLOW_HTTP."""
    return uri.startswith("s3://") and any(os.environ.get(name, "").startswith("http://") for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT"))


def open_store(uri: str) -> Store:
    """A local folder (made when it is missing), or s3://, gs://, az:// with a prefix. Raises UserError."""
    return Store(uri)


def open_existing(uri: str) -> Store:
    """A store that must be there already: a local folder is not made. Raises UserError."""
    if not is_remote(uri) and not local_path(uri).is_dir():
        raise UserError(f"there is no folder {uri}. Check the path; relative paths start at the working folder.")
    return Store(uri)


def read_uri(uri: str) -> bytes:
    """One file, local or remote. Raises UserError when it is not there."""
    try:
        if is_remote(uri):
            folder, name = uri.rsplit("/", 1)
            if not (name and is_remote(folder)):
                raise FileNotFoundError("it names no file in a bucket")
            return Store(folder).get(name)
        path = local_path(uri)
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise OSError("it is no file but a device, pipe or socket, which may never end")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {uri}: {first_line(error)}. Check the path; relative paths start at the working folder.") from error


def object_hash(store: Store, path: str) -> str:
    """SHA-256 of an object as 64 hexadecimal digits, read in blocks. Raises FileNotFoundError."""
    with store.reader(path) as file:
        return file_hash(file)


def hash_uri(uri: str) -> str:
    """SHA-256 of one file, local or remote, as 64 hexadecimal digits. Raises UserError as `read_uri`."""
    return hashlib.sha256(read_uri(uri)).hexdigest()


def _entry(meta: Any) -> Entry:
    return Entry(meta["path"], int(meta["size"]), meta["e_tag"] or meta["last_modified"].isoformat(), meta["last_modified"].timestamp())
