"""All that decides the audio of an output store. A store holds clips of one kind, so that its manifest can be trusted."""

import json
from typing import Any

from pydantic import ValidationError

from noise2music.core.errors import UserError
from noise2music.core.settings import Record
from noise2music.core.storage import Store
from noise2music.labeling.datasets.fingerprint import changed_keys
from noise2music.labeling.memorization.open_training_set import training_set_digest
from noise2music.models.cascade.stage import StageName
from noise2music.models.cascade.weights import software
from noise2music.models.generation.checkpoints import open_checkpoints
from noise2music.models.generation.settings import GenerationSettings
from noise2music.models.job.settings import GenerateSettings

NAME = "_RUN.json"
VERSION = 2
"""Raise it when the bytes of a clip change although nothing else here does."""

_SHOWN = 8


class JobIdentity(Record):
    """weights: SHA-256 of each stage's file. scorer: the model's name and its identity with its weights. training: digest of what clips
    are compared with. Where a job runs is not in it.
    """

    version: int
    software: str
    generation: dict[str, Any]
    seed: int
    seconds: float
    format: str
    best_of: int
    weights: dict[StageName, str]
    scorer: dict[str, str | None]
    training: str | None


def job_identity(settings: GenerateSettings, weights: dict[StageName, str], scorer: str) -> JobIdentity:
    """The identity of a job with these weights and a scorer of this identity."""
    return JobIdentity(
        version=VERSION,
        software=software(),
        generation=_values_of(settings.generation),
        seed=settings.seed,
        seconds=settings.seconds,
        format=settings.format,
        best_of=settings.best_of,
        weights=weights,
        scorer={**settings.scorer.model_dump(), "identity": scorer},
        training=training_set_digest(settings.against, settings.against_split) if settings.against else None,
    )


def weights_identity(settings: GenerateSettings) -> dict[StageName, str]:
    """SHA-256 of the weights that a job uses, without loading a network. Raises UserError where a stage is missing."""
    return open_checkpoints(settings.checkpoints, settings.generation.chain, settings.revision).identity


def read_identity(store: Store) -> JobIdentity | None:
    """The identity of a store, None for a new one. Raises UserError when its file is damaged."""
    try:
        identity = JobIdentity.model_validate_json(store.get(NAME))
        return identity.model_copy(update={"generation": _with_names_of_today(identity.generation)})
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise UserError(f"{store.describe(NAME)} is not what a job writes ({error.errors()[0]['msg']}). Use another --out.") from error


def check_output_store(store: Store, settings: GenerateSettings, weights: dict[StageName, str]) -> None:
    """Raise UserError that names the differences when a store is of another identity, as far as that is known without a scorer."""
    there = read_identity(store)
    if there is not None:
        _compare(store, there, job_identity(settings, weights, there.scorer.get("identity") or ""))


def claim(store: Store, identity: JobIdentity) -> None:
    """Give a new store this identity. Raises UserError when it has another, and when it cannot be written."""
    body = json.dumps(identity.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"
    if not store.create(NAME, body.encode()):
        there = read_identity(store)
        _compare(store, identity if there is None else there, identity)


def _with_names_of_today(generation: dict[str, Any]) -> dict[str, Any]:
    """The settings of a store that an earlier release began, under the names of this one; as they are where they cannot be read."""
    try:
        return _values_of(GenerationSettings.of_record(generation))
    except ValidationError:
        return generation


def _values_of(settings: GenerationSettings) -> dict[str, Any]:
    """Settings as a store's identity holds them: without `batch`, which changes no clip."""
    values: dict[str, Any] = json.loads(settings.model_dump_json(exclude={"batch"}))
    return values


def _compare(store: Store, there: JobIdentity, here: JobIdentity) -> None:
    differs = changed_keys(there.model_dump(mode="json"), here.model_dump(mode="json"))
    if differs:
        raise UserError(
            f"{store.describe('')} is the place of a job that makes clips differently: {', '.join(differs[:_SHOWN])}"
            f"{' and more' if len(differs) > _SHOWN else ''} changed. Use another --out, or the weights and settings that it was made with."
        )
