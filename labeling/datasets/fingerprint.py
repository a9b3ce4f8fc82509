"""The fingerprint of a dataset: a hash of exactly what decides its content."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from noise2music.labeling.schemas import SCHEMA_VERSION


def dataset_title(stage: str, name: str = "") -> str:
    """A dataset's name for people: its stage, and its vocabulary where it has one."""
    return f"{stage} {name}".strip()


def dataset_path(stage: str, fingerprint: str) -> str:
    """A dataset's folder below the root."""
    return f"{stage}/{fingerprint}"


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class Identity:
    """What decides the content of one dataset.

    stage, name: which stage, for which vocabulary ("" where there is none). parts: how many parts.
    version: raised when the stage's code changes its results. config: the stage's own settings, as JSON values.
    inputs: identities of what comes from outside (corpus, metadata, scorer). parents: digest of every dataset that is read.
    attempt: 1, and one more for every replay of the dead rows.
    """

    stage: str
    name: str
    parts: int
    version: int
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1

    def as_json(self) -> dict[str, Any]:
        """All that the fingerprint covers."""
        return {
            "stage": self.stage,
            "name": self.name,
            "parts": self.parts,
            "version": self.version,
            "schema": SCHEMA_VERSION,
            "config": dict(self.config),
            "inputs": dict(self.inputs),
            "parents": dict(self.parents),
            "attempt": self.attempt,
        }

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits, the name of the dataset's folder."""
        return _digest(self.as_json())

    @property
    def row_identity(self) -> str:
        """Equal for two datasets that may share rows: covers all except which rows there are (parents, corpus, parts, attempt)."""
        inputs = {key: value for key, value in self.inputs.items() if key not in ("corpus", "metadata")}
        return _digest(replace(self, parts=0, attempt=0, parents={}, inputs=inputs).as_json())

    @property
    def title(self) -> str:
        """For people and messages."""
        return dataset_title(self.stage, self.name)

    @property
    def path(self) -> str:
        """The dataset's folder below the root."""
        return dataset_path(self.stage, self.fingerprint)


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Dotted names of what differs between two `Identity.as_json`, sorted."""
    flat_before, flat_after = _flatten(before), _flatten(after)
    names = flat_before.keys() | flat_after.keys()
    return sorted(name for name in names if flat_before.get(name) != flat_after.get(name))


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def _flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat.update(_flatten(item, f"{prefix}{key}."))
        else:
            flat[prefix + key] = item
    return flat
