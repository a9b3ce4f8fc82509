"""The request cache of one part: an append-only file of checksummed lines, so that no answered request is sent and paid again.

On a local disk it is `PREFIX.jsonl`, appended to in single writes. An object store cannot append: there it is `PREFIX.00001.jsonl`,
`PREFIX.00002.jsonl` and so on, each claimed by one writer with a create-only put and rewritten until it is full.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from noise2music.core.errors import RowError, UserError, first_line
from noise2music.core.storage import Store, is_remote, local_path
from noise2music.labeling.datasets.fingerprint import canonical_json
from noise2music.labeling.writer.base import Answer, Reply

SEGMENT_BYTES = 256 * 1024
_CHECKSUM = 16


@dataclass(frozen=True)
class Entry:
    """The answer to the request with this key. reused: copied from another dataset, which has paid for it.

    again: no answer, but a mark that earlier replies to this key do not count: the stage was stopped, and the request will be sent again.
    """

    key: str
    answer: Answer
    reused: bool = False
    again: bool = False

    @classmethod
    def ask_again(cls, key: str) -> "Entry":
        """The entry that cancels the earlier replies to a request."""
        return cls(key, RowError("stopped", "the stage was stopped"), again=True)


@dataclass(frozen=True)
class Contents:
    """What a request cache holds, in the order of writing. damaged: lines that are torn or not what their checksum says."""

    entries: tuple[Entry, ...]
    damaged: int

    @property
    def replies(self) -> dict[str, Reply]:
        """The valid replies, by key."""
        replies: dict[str, Reply] = {}
        for entry in self.entries:
            if isinstance(entry.answer, Reply):
                replies[entry.key] = entry.answer
            elif entry.again:
                replies.pop(entry.key, None)
        return replies


class RequestCache:
    """The request cache at `prefix` of a store. In a process one thread appends; any number of processes may."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._segment = 0
        self._content = b""

    def read(self) -> Contents:
        """Every whole line. Raises UserError when the store does not answer."""
        entries: list[Entry] = []
        damaged = 0
        for path in self._paths():
            for line in self._store.get(path).split(b"\n"):
                if line:
                    entry = _read_line(line)
                    entries += [entry] if entry is not None else []
                    damaged += entry is None
        return Contents(tuple(entries), damaged)

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries; once it returns they outlive the process. Raises UserError when they cannot be written."""
        lines = b"".join(_line(entry) for entry in entries)
        if is_remote(self._store.uri):
            self._put(lines)
        else:
            self._append(local_path(self._store.uri) / f"{self._prefix}.jsonl", lines)

    def _paths(self) -> list[str]:
        folder, _, name = self._prefix.rpartition("/")
        paths = (entry.path for entry in self._store.entries(folder))
        return sorted(path for path in paths if path.startswith(f"{folder}/{name}." if folder else f"{name}.") and path.endswith(".jsonl"))

    def _append(self, path: Path, lines: bytes) -> None:
        """Write whole lines at once. After a torn line it starts a new one, so only the torn line is lost."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "ab+", buffering=0) as file:
                end = file.seek(0, os.SEEK_END)
                if end:
                    file.seek(end - 1)
                    lines = lines if file.read(1) == b"\n" else b"\n" + lines
                written = file.write(lines)
                if written != len(lines):
                    raise OSError(f"{written} of {len(lines)} bytes were written: the disk may be full")
        except OSError as error:
            raise UserError(f"cannot write {path}: {first_line(error)}. Free space or mend the permissions, then run again.") from error

    def _put(self, lines: bytes) -> None:
        if self._segment and len(self._content) + len(lines) <= SEGMENT_BYTES:
            self._content += lines
            self._store.put(self._path(self._segment), self._content)
            return
        self._segment += 1
        while not self._store.create(self._path(self._segment), lines):
            self._segment += 1
        self._content = lines

    def _path(self, segment: int) -> str:
        return f"{self._prefix}.{segment:05d}.jsonl"


def _line(entry: Entry) -> bytes:
    answer = entry.answer
    if isinstance(answer, Reply):
        outcome = {"reply": {name: value for name, value in asdict(answer).items() if value is not None}}
    else:
        outcome = {"error": {"reason": answer.reason, "message": str(answer)}}
    marks = {name: True for name, is_set in (("reused", entry.reused), ("again", entry.again)) if is_set}
    value: dict[str, Any] = {"key": entry.key, **outcome, **marks}
    payload = canonical_json(value).encode("utf-8", "surrogatepass")
    return _checksum(payload) + b" " + payload + b"\n"


def _read_line(line: bytes) -> Entry | None:
    checksum, payload = line[:_CHECKSUM], line[_CHECKSUM + 1 :]
    if checksum != _checksum(payload):
        return None
    value = json.loads(payload.decode("utf-8", "surrogatepass"))
    answer: Answer = Reply(**value["reply"]) if "reply" in value else RowError(value["error"]["reason"], value["error"]["message"])
    return Entry(value["key"], answer, value.get("reused", False), value.get("again", False))


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(payload).hexdigest()[:_CHECKSUM].encode()
