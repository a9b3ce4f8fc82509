"""A dataset's records: one for each part, and one manifest over all parts, written last.

A part is finished once its record exists, a dataset once its manifest exists. Readers read these and never list files.
"""

import builtins
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, ValidationError

from noise2music.core.errors import UserError, first_line
from noise2music.core.settings import Record
from noise2music.core.tally import merge_examples, most_common_first
from noise2music.labeling.datasets.fingerprint import canonical_json

MANIFEST_NAME = "_MANIFEST.json"


class PartFile(Record):
    """One Parquet file of a part, by its path below the dataset's folder."""

    path: str
    rows: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: str, data: builtins.bytes, rows: int) -> Self:
        """What is said of a file by its content."""
        return cls(path=path, rows=rows, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


class PartRecord(Record):
    """One part: its files, its dead rows and its statistics.

    examples: a few lost texts, by reason. warnings: how many living rows are not as declared, by reason; warned: a few of them in words.
    shared: files that its rows refer to and other datasets may refer to too, by their path below the root (datasets.audio_files).
    """

    part: int
    files: tuple[PartFile, ...]
    dead: PartFile | None = None
    dead_reasons: dict[str, int] = Field(default_factory=dict)
    stats: dict[str, float] = Field(default_factory=dict)
    examples: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    warnings: dict[str, int] = Field(default_factory=dict)
    warned: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    shared: tuple[PartFile, ...] = ()
    seconds: float = 0.0
    device: str = "cpu"

    @property
    def rows(self) -> int:
        """Living rows."""
        return sum(file.rows for file in self.files)

    def all_files(self) -> tuple[PartFile, ...]:
        """Living and dead rows' files."""
        return self.files if self.dead is None else (*self.files, self.dead)


class Manifest(Record):
    """One finished dataset. `identity` is `Identity.as_json`; `config` is the whole resolved configuration of the run that finished it."""

    format: int = 1
    stage: str
    name: str
    fingerprint: str
    row_identity: str
    identity: dict[str, Any]
    parents: dict[str, str]
    parts: tuple[PartRecord, ...]
    config: dict[str, Any]
    changed: tuple[str, ...] = ()
    software: str

    @property
    def rows(self) -> int:
        """Living rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def dead_rows(self) -> int:
        """Dead rows of all parts."""
        return sum(self.dead_reasons.values())

    @property
    def dead_reasons(self) -> dict[str, int]:
        """Dead rows by reason, commonest first."""
        return _summed([part.dead_reasons for part in self.parts])

    @property
    def warnings(self) -> dict[str, int]:
        """Rows that were not as declared, by reason, commonest first."""
        return _summed([part.warnings for part in self.parts])

    @property
    def warned(self) -> dict[str, tuple[str, ...]]:
        """A few of those rows in words, by reason."""
        return merge_examples([part.warned for part in self.parts])

    @property
    def dead_share(self) -> float:
        """Dead rows over all rows, 0 for an empty dataset."""
        return self.dead_rows / max(1, self.rows + self.dead_rows)

    @property
    def stats(self) -> dict[str, float]:
        """What the parts counted, summed."""
        total: dict[str, float] = {}
        for part in self.parts:
            for key, value in part.stats.items():
                total[key] = total.get(key, 0) + value
        return dict(sorted(total.items()))

    @property
    def examples(self) -> dict[str, tuple[str, ...]]:
        """A few texts that were lost, by reason."""
        return merge_examples([part.examples for part in self.parts])

    @property
    def excluded(self) -> dict[str, int]:
        """Living rows that were left out on purpose, by reason (statistics "excluded:REASON"), commonest first."""
        return most_common_first(self.counted("excluded:"))

    def counted(self, prefix: str) -> dict[str, int]:
        """The statistics whose name begins with `prefix`, by the rest of it."""
        return {key.removeprefix(prefix): int(value) for key, value in self.stats.items() if key.startswith(prefix)}

    @property
    def seconds(self) -> float:
        """Working time of all parts; more than wall time when they were made side by side."""
        return sum(part.seconds for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of all its files, and of the audio that the stage "audio" made; other stages only refer to that."""
        own = sum(file.bytes for part in self.parts for file in part.all_files())
        return own + (sum(file.bytes for file in self.shared) if self.stage == "audio" else 0)

    @property
    def shared(self) -> tuple[PartFile, ...]:
        """Files that it refers to and may share with others, each once, by path."""
        files = {file.path: file for part in self.parts for file in part.shared}
        return tuple(files[path] for path in sorted(files))

    @property
    def device(self) -> str:
        """Where the parts were computed, "cpu", "cuda" or both."""
        return "+".join(sorted({part.device for part in self.parts})) or "cpu"

    @property
    def digest(self) -> str:
        """Hash of the content: the living rows' files, in part order."""
        return files_digest([file for part in self.parts for file in part.files])

    def to_bytes(self) -> bytes:
        """Indented JSON with a checksum over the rest."""
        body = self.model_dump(mode="json")
        return (json.dumps({**body, "checksum": _checksum(body)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def files_digest(files: Sequence[PartFile]) -> str:
    """Hash over the files' names and hashes."""
    return hashlib.sha256(canonical_json([[file.path, file.sha256] for file in files]).encode()).hexdigest()


def parse_manifest(data: bytes, where: str) -> Manifest:
    """The manifest in `data`. Raises UserError when it was torn or edited after it was written."""
    try:
        body = json.loads(data)
        checksum = body.pop("checksum", None)
        manifest = Manifest.model_validate(body)
    except (ValueError, AttributeError, TypeError, ValidationError) as error:
        raise UserError(f"{where} is not a manifest ({first_line(error)}). {_MEND}") from error
    if checksum != _checksum(body):
        raise UserError(f"{where} was changed after it was written: its checksum does not match. {_MEND}")
    return manifest


def parse_record(data: bytes) -> PartRecord | None:
    """The part record in `data`, None when it is not one: then the part counts as missing."""
    try:
        return PartRecord.model_validate_json(data)
    except ValidationError:
        return None


def _summed(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return most_common_first(total)


_MEND = "Delete that one file and run the same command again: the parts are kept and the manifest is written anew."


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()
