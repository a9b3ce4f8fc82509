"""Labeling and training from Python: the same runs as `n2m label` and `n2m train`, told by settings and keywords."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from noise2music.core.errors import UserError
from noise2music.flows.config import audio_settings, read_settings, validate_settings
from noise2music.flows.labels import Labels
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.settings import LabelSettings

if TYPE_CHECKING:
    from noise2music.models.training.trainer import TrainingResult

Model = TypeVar("Model", bound=BaseModel)


def label(
    settings: LabelSettings | Mapping[str, Any] | str | Path | None = None,
    *,
    audio: str | Path | None = None,
    root: str | Path | None = None,
    replay: bool = False,
    **overrides: Any,
) -> Labels:
    """Turn a folder of music into balanced, text-labelled training shards and a report, as `n2m label` does.

    What is there already is not made again: the same call goes on where a run was stopped.

    Args:
        settings: LabelSettings, their content as nested dicts, or the path of a TOML file. Or, in its place:
        audio: folder or URI of music, labelled with the scorer and the words that are built in.
        root: where everything is written (with audio: runs/NAME).
        replay: try rows again that failed before.
        **overrides: keys of the settings, two underscores for a dot: `sampling__top_k=20` is `--set sampling.top_k=20`.

    Returns:
        The labels of the run: one row a clip, and where the report is.

    Raises:
        UserError: what is wrong, where, and what to do.

    Source: arXiv 2302.03917, section 2.
    """
    if (settings is None) == (audio is None):
        raise UserError("give either settings or audio: label(audio=FOLDER), or label(settings) with LabelSettings or a TOML file.")
    if root is not None:
        overrides["root"] = root
    if audio is not None:
        made = audio_settings(str(audio), _assignments(overrides))
    else:
        made = _settings(LabelSettings, settings, overrides)
    with _quiet_beam():
        from noise2music.flows.run import run_label  # Beam and all stages, which a call with a mistake in it does without.

        run_label(made, replay)
    return Labels(made.root)


def train(
    settings: TrainSettings | Mapping[str, Any] | str | Path, stages: str | Sequence[str] = "all", **overrides: Any
) -> "list[TrainingResult]":
    """Train stages of the cascade on labelled shards, or go on where a run was stopped, as `n2m train` does.

    Args:
        settings: TrainSettings, their content as nested dicts, or the path of a TOML file.
        stages: "all", or one or more of waveform-generator, waveform-cascader, spectrogram-generator, vocoder, super-resolution.
        **overrides: keys of the settings, two underscores for a dot: `recipe__clips=1000` is `--set recipe.clips=1000`.

    Returns:
        One for each stage, in their order: `weights` (path of the published weights), `clips` seen, `finished`.

    Raises:
        UserError: what is wrong, where, and what to do.

    Source: arXiv 2302.03917, sections 3 and 4.
    """
    with _quiet_beam():
        from noise2music.flows.run import train_stages
        from noise2music.flows.train import stages_of

        wanted = stages_of([stages] if isinstance(stages, str) else stages)
        return train_stages(_settings(TrainSettings, settings, overrides), wanted)


@contextmanager
def _quiet_beam() -> Iterator[None]:
    """Beam warns about packages that it does without when it is imported, and about its workers whenever it runs."""
    root, beam = logging.getLogger(), logging.getLogger("apache_beam")
    before, beam_before = root.level, beam.level
    root.setLevel(logging.ERROR)
    try:
        import apache_beam  # noqa: F401
    finally:
        root.setLevel(before)
    beam.setLevel(beam_before or logging.CRITICAL)
    try:
        yield
    finally:
        beam.setLevel(beam_before)


def _settings(model: type[Model], settings: Model | Mapping[str, Any] | str | Path | None, overrides: Mapping[str, Any]) -> Model:
    said = _assignments(overrides)
    if isinstance(settings, str | Path):
        return read_settings(model, Path(settings), said)
    raw = json.loads(settings.model_dump_json()) if isinstance(settings, BaseModel) else settings
    if not isinstance(raw, Mapping):
        raise UserError(f"settings are {model.__name__}, nested dicts or the path of a TOML file, not {type(settings).__name__}.")
    return validate_settings(model, raw, said, model.__name__)


def _assignments(overrides: Mapping[str, Any]) -> list[str]:
    """Keywords as the command line says them: A.B=VALUE."""
    return [f"{name.replace('__', '.')}={_toml(value, name)}" for name, value in overrides.items()]


def _toml(value: Any, name: str) -> str:
    """A value as TOML on one line. Raises UserError for what a configuration file cannot hold."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(str(key), name)} = {_toml(inner, name)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_toml(inner, name) for inner in (sorted(value) if isinstance(value, set | frozenset) else value)) + "]"
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, BaseModel):
        return _toml(value.model_dump(mode="json", exclude_none=True), name)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise UserError(f"{name} = {value!r} is nothing that a configuration can hold: give text, a number, True or False, a list or a dict.")
