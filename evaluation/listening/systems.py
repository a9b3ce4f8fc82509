"""The systems of a listening test: which keys they share, and the prompt of each."""

from collections.abc import Sequence

from noise2music.core.errors import UserError
from noise2music.evaluation.sources import SAME_KEY, Source, open_clips, split_labels
from noise2music.models.job.prompts import read_prompts

_NAMED = 5


def read_systems(texts: Sequence[str]) -> tuple[Source, ...]:
    """Two systems or more (`PATH` or `LABEL=PATH`), each with a label of its own. Raises UserError."""
    if len(texts) < 2:
        raise UserError("a listening test compares: give two places with clips or more.")
    systems = tuple(open_clips(label, uri) for label, uri in split_labels(texts))
    for system in systems:
        for error in system.lost.values():
            if error.reason == SAME_KEY:
                raise UserError(f"{system.uri} holds two clips of one key: {error.message}.")
    return systems


def prompt_texts(systems: Sequence[Source], file: str | None) -> dict[str, str]:
    """Key -> prompt: those of a prompt file, and of the places that tell. Raises UserError where two of them disagree."""
    texts: dict[str, str] = {}
    source: dict[str, str] = {}
    told = [(system.uri, system.prompts) for system in systems]
    if file is not None:
        told.insert(0, (file, {prompt.key: prompt.prompt for prompt in read_prompts(file, 10.0, 0).prompts}))
    for uri, prompts in told:
        for key, text in prompts.items():
            if texts.setdefault(key, text) != text:
                raise UserError(
                    f"{source[key]} and {uri} have different prompts under the key {key}: {texts[key][:60]!r} and {text[:60]!r}. "
                    "Systems are compared on the same prompts: give these clips other keys."
                )
            source.setdefault(key, uri)
    return texts


def common_keys(systems: Sequence[Source]) -> tuple[list[str], dict[str, list[str]]]:
    """Keys of which every system has a clip, sorted; and for each system's label those that others have and it has not.

    Raises UserError when there is none in common.
    """
    every = sorted(set().union(*(system.files for system in systems)))
    common = [key for key in every if all(key in system.files for system in systems)]
    if not common:
        shown = "; ".join(f"{system.label} has {', '.join(sorted(system.files)[:3])}, ..." for system in systems)
        raise UserError(f"no key has a clip of every system: {shown} Name the files of one prompt alike in all folders.")
    return common, {system.label: [key for key in every if key not in system.files] for system in systems}


def named(keys: Sequence[str]) -> str:
    """Some keys in words."""
    return ", ".join(keys[:_NAMED]) + (f" and {len(keys) - _NAMED:,} more" if len(keys) > _NAMED else "")
