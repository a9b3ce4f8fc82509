"""Where the clips of a system lie and what each is of: a place that `n2m generate` wrote, or a folder or URI of audio files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from noise2music.core.errors import UserError
from noise2music.core.storage import open_existing
from noise2music.labeling.corpus.files import list_corpus, open_audio
from noise2music.models.job.identity import NAME
from noise2music.models.job.output_store import read_records
from noise2music.models.job.prompts import read_prompts

_NAMED = 5


@dataclass(frozen=True)
class System:
    """files: key of each clip -> its file below `uri`. prompts: key -> text, where the place tells. unusable: key -> why."""

    label: str
    uri: str
    files: Mapping[str, str]
    prompts: Mapping[str, str]
    unusable: Mapping[str, str]

    def open(self, key: str) -> BinaryIO:
        """The file of a clip. Raises RowError where it cannot be opened."""
        return open_audio(self.uri, self.files[key])


def read_system(said: str) -> System:
    """`PATH` or `LABEL=PATH` -> the system. Without a label it is called as its folder is.

    A clip's key is that of its record, or the path of its file without the suffix. Raises UserError when there is no audio.
    """
    label, equals, uri = said.partition("=")
    if not equals or "/" in label:
        label, uri = "", said
    label = label.strip() or uri.rstrip("/").rsplit("/", 1)[-1]
    if not uri or not label:
        raise UserError(f"{said!r} names no system. Write PATH or LABEL=PATH.")
    store = open_existing(uri)
    if store.head(NAME) is not None:
        records = read_records(store)
        files = {key: record.audio for key, record in records.items() if record.audio}
        unusable = {key: "no_audio: its cascade stopped at a spectrogram" for key, record in records.items() if not record.audio}
        if not files:
            raise UserError(f"{uri} holds no clip with audio. Run `n2m generate` on it to the end, or give another place.")
        return System(label, uri, files, {key: record.prompt for key, record in records.items()}, unusable)
    return _folder(label, uri)


def _folder(label: str, uri: str) -> System:
    inventory = list_corpus(uri)
    files: dict[str, str] = {}
    unusable = {_stem(key): f"{error.reason}: {error.message}" for key, error in inventory.refused}
    for file in inventory.files:
        key = _stem(file.key)
        if key in files:
            raise UserError(f"{uri} holds {files[key]} and {file.key}: two clips of one key. Keep one of them.")
        files[key] = file.key
    return System(label, uri, files, {}, {key: why for key, why in unusable.items() if key not in files})


def read_systems(said: Sequence[str]) -> tuple[System, ...]:
    """Two systems or more, each with a label of its own. Raises UserError."""
    if len(said) < 2:
        raise UserError("a listening test compares: give two places with clips or more.")
    systems = tuple(read_system(item) for item in said)
    labels = [system.label for system in systems]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise UserError(f"two systems are called {twice[0]!r}. Tell them apart: LABEL=PATH.")
    return systems


def prompt_texts(systems: Sequence[System], file: str | None) -> dict[str, str]:
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


def common_keys(systems: Sequence[System]) -> tuple[list[str], dict[str, list[str]]]:
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


def _stem(key: str) -> str:
    folder, slash, name = key.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"
