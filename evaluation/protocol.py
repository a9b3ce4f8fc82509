"""What is heard of each clip: the rate, which seconds, how loud. Data, printed and hashed with every figure.

Figures of unlike protocols are not comparable: level alone moves a distance by as much as noise at 20 dB does (docs/evaluation.md).
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.core.data_files import content_hash
from noise2music.core.errors import RowError, UserError
from noise2music.core.settings import Settings
from noise2music.models.generation.guards import level_dbfs

VERSION = 1
"""Raise it when the samples that a protocol gives change although its file does not."""
_FOLDER = "protocols"


class Protocol(Settings):
    """sample_rate: Hz, to which every clip is brought before any network resamples it (soxr HQ, after the mean of the channels).

    part: of a clip, "middle" and "start" with `seconds`, or "whole". Shorter clips are heard whole. min_seconds: below which a clip is
    dead. loudness: "as it is", or "rms": every part is brought to `rms_dbfs`.
    """

    name: str = Field(min_length=1)
    sample_rate: int = Field(ge=8000, le=192_000)
    part: Literal["whole", "middle", "start"]
    seconds: float | None = Field(None, gt=0, le=3600)
    min_seconds: float = Field(1.0, gt=0)
    loudness: Literal["as it is", "rms"] = "as it is"
    rms_dbfs: float | None = Field(None, ge=-60, le=0)

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> "Protocol":
        if (self.part == "whole") != (self.seconds is None):
            raise ValueError('part = "whole" goes without seconds, and "middle" and "start" need them')
        if (self.loudness == "rms") != (self.rms_dbfs is not None):
            raise ValueError('loudness = "rms" needs rms_dbfs, and "as it is" goes without it')
        return self

    @property
    def digest(self) -> str:
        """16 hexadecimal digits over all that changes a sample; the name is not in it."""
        return content_hash(VERSION, self.model_dump(exclude={"name"}))[:16]

    @property
    def said(self) -> str:
        """In a few words, for pages."""
        part = "all of each clip" if self.seconds is None else f"the {self.part} {self.seconds:g} s of each clip"
        level = "level as it is" if self.rms_dbfs is None else f"level brought to {self.rms_dbfs:g} dBFS"
        return f"{part} at {self.sample_rate:,} Hz, {level}"

    def as_record(self) -> dict[str, str | float | None]:
        """All of it, with its version."""
        return {"version": VERSION, **self.model_dump()}


def read_protocol(name: str) -> Protocol:
    """ "paper", "whole", or a TOML file. Raises UserError."""
    built_in = sorted(entry.name.removesuffix(".toml") for entry in files("noise2music.evaluation").joinpath(_FOLDER).iterdir())
    try:
        if name in built_in:
            text = files("noise2music.evaluation").joinpath(_FOLDER, f"{name}.toml").read_text("utf-8")
        else:
            text = Path(name).read_text("utf-8")
        return Protocol.model_validate(tomllib.loads(text))
    except OSError as error:
        known = " and ".join(built_in)
        raise UserError(f"there is no protocol {name!r}: built in are {known}; or give a TOML file ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is not valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{name}: {where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}.") from None


def differences(here: Protocol, there: Mapping[str, str | float | None]) -> list[str]:
    """What differs between a protocol and the record of another, in words; names do not count."""
    ours = here.as_record()
    names = [name for name in {**ours, **there} if name != "name" and ours.get(name) != there.get(name)]
    return [f"{name} is {_shown(there.get(name))} there and {_shown(ours.get(name))} here" for name in names]


def scored_part(audio: Float32s, rate: int, protocol: Protocol) -> Float32s:
    """(n,) mono at `rate` Hz -> what is heard of it, at the protocol's rate. Raises RowError "too_short" and, under "rms", "silent".

    The part is cut from the audio at the protocol's rate. Equal samples give equal samples, whatever file they came in.
    """
    if len(audio) < protocol.min_seconds * rate:
        raise RowError("too_short", f"the clip has {len(audio) / rate:.2f} s; the protocol wants {protocol.min_seconds:g} s or more")
    heard = resample(audio, rate, protocol.sample_rate)
    if protocol.seconds is not None:
        wanted = round(protocol.seconds * protocol.sample_rate)
        start = max(0, len(heard) - wanted) // 2 if protocol.part == "middle" else 0
        heard = heard[start : start + wanted]
    if protocol.rms_dbfs is not None:
        level = level_dbfs(heard)
        if level <= -100:
            raise RowError("silent", "the part that is heard is silent, so it cannot be brought to a level")
        heard = (heard * np.float32(10 ** ((protocol.rms_dbfs - level) / 20))).astype(np.float32)
    return np.ascontiguousarray(heard, np.float32)


def _shown(value: str | float | None) -> str:
    return "not set" if value is None else f"{value:g}" if isinstance(value, int | float) else value
