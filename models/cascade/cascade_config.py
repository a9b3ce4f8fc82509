"""config.json of an exported cascade: what its weights files are, and what they were trained on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from noise2music.core.errors import UserError
from noise2music.core.settings import Record
from noise2music.models.cascade.presets import Preset
from noise2music.models.cascade.stage import Signal, StageName
from noise2music.models.cascade.weights import DataFacts, TextIdentity

NAME = "config.json"
FORMAT = 1
LIBRARY = "noise2music"


class ValidationFigures(Record):
    """The loss on a training run's fixed grid of clips and noise levels, with averaged weights, at the last moment before publication.

    clips: seen by then. loss: the mean over the grid; first_loss: the same at the run's first measurement. by_level: from nearly clean
    to nearly noise.
    """

    clips: int
    loss: float
    first_loss: float
    by_level: tuple[float, ...]


class StageConfig(Record):
    """One weights file. precision: "F32" or "F16". seconds: length of a training crop. validation: None where no log lay beside it."""

    file: str
    sha256: str
    bytes: int
    parameters: int
    precision: str
    preset: Preset
    makes: Signal
    source: Signal | None
    reads_text: bool
    seconds: float
    clips: int
    seed: int
    average: str
    data: DataFacts
    validation: ValidationFigures | None
    software: str


class TextConfig(TextIdentity):
    """The text encoder of all stages that read text. model: what loads it, "minilm" or a hub id."""

    model: str


class CascadeConfig(Record):
    """What an exported folder holds. hub_id: where it is to lie. licence: of the weights, as the hub spells licences. routes: the ways
    from text to audio whose stages are all there, with their names in order.
    """

    format: int = FORMAT
    library_name: Literal["noise2music"] = "noise2music"
    software: str
    hub_id: str | None
    licence: str
    sample_rate: int
    routes: Mapping[str, tuple[StageName, ...]]
    text_encoder: TextConfig | None
    stages: Mapping[StageName, StageConfig]

    def to_bytes(self) -> bytes:
        """The file: indented JSON, the same bytes for the same values."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()


def parse_config(data: bytes, where: str) -> CascadeConfig | None:
    """The config of an exported cascade; None for a config.json of something else.

    Raises UserError, which names the file as `where`, where it is of a newer format or damaged.
    """
    try:
        raw = json.loads(data)
    except ValueError as error:
        raise UserError(f"{where} is damaged ({error}). Export or fetch the cascade again.") from None
    if not isinstance(raw, dict) or raw.get("library_name") != LIBRARY:
        return None
    if isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
        raise UserError(f"{where} has format {raw['format']}, and this version reads up to {FORMAT}. Update noise2music.")
    try:
        return CascadeConfig.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"{where} is not understood: {'.'.join(map(str, first['loc']))}: {first['msg']}. Export the cascade again."
        ) from None


def read_config(folder: Path) -> CascadeConfig | None:
    """The config of the exported cascade in a folder of this machine; None where there is none. Raises UserError where it is damaged."""
    path = folder / NAME
    try:
        return parse_config(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}. Check its permissions.") from None
