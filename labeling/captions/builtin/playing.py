"""Verb phrases for instruments and voices by their role, in base form, with slots for adjectives (data/playing.toml)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import ConfigDict

from noise2music.core.data_files import Words, read_toml

Role = Literal["leading", "accompanying", "bassing", "drumming", "singing"]
"""Has the melody, carries the harmony, is the bass, keeps the beat, is a voice."""


@dataclass(frozen=True)
class _Rule:
    """Phrases for names that start or end with one of some words, or hold one; without any, for every name."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    phrases: Words
    starts: Words = ()
    ends: Words = ()
    holds: Words = ()

    def fits(self, name: str) -> bool:
        if not (self.starts or self.ends or self.holds):
            return True
        return name.startswith(self.starts) or name.endswith(self.ends) or any(word in name for word in self.holds)


@cache
def _rules() -> Mapping[Role, tuple[_Rule, ...]]:
    return read_toml(__package__, "playing.toml", dict[Role, tuple[_Rule, ...]])


@cache
def verb_phrases(role: Role, name: str) -> tuple[str, ...]:
    """What the instrument or voice `name` can do in a role: the phrases of the first rule that fits."""
    return next(rule.phrases for rule in _rules()[role] if rule.fits(name))
