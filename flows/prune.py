"""Old versions out of a root: what would go and why, and deleting it in an order that a kill cannot turn into a half dataset that counts.

A dataset's manifest goes first and its records next, so that what a kill leaves counts as unfinished and its parts as missing. Audio
that no dataset refers to goes after the datasets that did.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from noise2music.core.errors import UserError
from noise2music.core.storage import Entry, Store, is_remote, local_path
from noise2music.flows.prune_keep import datasets_to_keep, training_uses
from noise2music.labeling.datasets.audio_files import FOLDER
from noise2music.labeling.datasets.current import CURRENT, VIEWS, open_current
from noise2music.labeling.datasets.dataset import LATEST, open_dataset
from noise2music.labeling.datasets.manifest import MANIFEST_NAME, parse_record
from noise2music.labeling.datasets.uses import RUNNING, USES, marks
from noise2music.labeling.stages.order import STAGE_NAMES

_MADE = re.compile(
    r"_MANIFEST\.json|(dead/)?part-\d{5}-of-\d{5}(\.\d+)?\.parquet|stats/part-\d{5}-of-\d{5}\.json|report\.(html|json)|halted/[^/]+\.txt"
)
_REQUESTS = "requests/"
_FLAC = re.compile(rf"{FOLDER}/[0-9a-f]{{64}}\.parquet")
_LAST = {MANIFEST_NAME: 0, "stats/": 1}
_KNOWN = (LATEST, f"{CURRENT}/", "cache/", f"{RUNNING}/", f"{USES}/")


@dataclass(frozen=True)
class Item:
    """A dataset or a group of files: where it is, its bytes, and why it goes or stays. files: in the order in which they are deleted."""

    path: str
    bytes: int
    why: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pruning:
    """What would go (in this order), what stays, and files that are none of ours, which are left alone."""

    gone: tuple[Item, ...]
    kept: tuple[Item, ...]
    strange: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Of what would go."""
        return sum(item.bytes for item in self.gone)


def plan_pruning(
    root: Store, versions: int = 1, training: Sequence[Path] = (), forget: Sequence[str] = (), replies: bool = False
) -> Pruning:
    """What a root can do without. versions, training, forget: flows.prune_keep. replies: the LLM's paid answers of old datasets go, too.

    Deletes nothing. Raises UserError where no run is finished, one is at work, or the latest lacks a dataset.
    """
    at_work = [mark for mark in marks(root, RUNNING) if not mark.over]
    if at_work:
        raise UserError(
            f"a run may be at work in {root.uri}: {at_work[0].what}. Wait for its end; if it is gone, "
            f"delete {root.describe(at_work[0].path)}."
        )
    keep = datasets_to_keep(root, versions, training, forget)
    finished_at = (root.head(LATEST) or Entry("", 0, "", 0.0)).modified
    folders, others = _sorted_entries(root)
    gone, kept, referred = [], [], set[str]()
    strange: list[str] = []
    for path, entries in sorted(folders.items(), key=lambda item: (STAGE_NAMES.index(item[0].split("/")[0]), item[0])):
        why = keep.get(path) or _started_since(path, entries, finished_at)
        if why:
            kept.append(Item(path, sum(entry.bytes for entry in entries), why))
            referred |= _referred(root, path, entries)
            continue
        made, paid, unknown = _split(path, entries)
        strange += [entry.path for entry in unknown]
        if paid and not replies:
            kept.append(
                Item(f"{path}/{_REQUESTS.rstrip('/')}", sum(entry.bytes for entry in paid), "replies that were paid for (--replies)")
            )
        made += paid if replies else []
        if made:
            files = tuple(entry.path for entry in sorted(made, key=lambda entry: _order(path, entry.path)))
            gone.append(Item(path, sum(entry.bytes for entry in made), "old", files))
    loose = _loose(root, others, referred, forget)
    strange += [entry.path for entry in others if not _FLAC.fullmatch(entry.path) and not entry.path.startswith((*_KNOWN, f"{VIEWS}/"))]
    kept += [item for item in loose if not item.files]
    return Pruning((*gone, *(item for item in loose if item.files)), tuple(kept), tuple(sorted(strange)))


def prune(root: Store, plan: Pruning) -> None:
    """Delete what the plan says, in its order, and the folders that are empty then. Raises UserError when the store refuses."""
    for item in plan.gone:
        for path in item.files:
            root.delete(path)
    if not is_remote(root.uri):
        for item in plan.gone:
            _remove_empty(local_path(root.uri).absolute(), item.files)


def _sorted_entries(root: Store) -> tuple[dict[str, list[Entry]], list[Entry]]:
    """Everything below a root: by dataset, and the rest."""
    folders: dict[str, list[Entry]] = {}
    others = []
    for entry in root.entries():
        stage, _, rest = entry.path.partition("/")
        if stage in STAGE_NAMES and "/" in rest:
            folders.setdefault(f"{stage}/{rest.split('/')[0]}", []).append(entry)
        else:
            others.append(entry)
    return folders, sorted(others, key=lambda entry: entry.path)


def _started_since(path: str, entries: Sequence[Entry], finished_at: float) -> str:
    """A dataset that a killed run began after the latest finished one is gone on with by the same command."""
    finished = any(entry.path == f"{path}/{MANIFEST_NAME}" for entry in entries)
    begun = any(entry.modified > finished_at for entry in entries if not entry.path.startswith(f"{path}/{_REQUESTS}"))
    return "" if finished or not begun else "begun after the latest finished run"


def _referred(root: Store, path: str, entries: Sequence[Entry]) -> set[str]:
    """Files of audio that a dataset that stays refers to, finished or not."""
    dataset = open_dataset(root, path)
    if dataset is not None:
        return {file.path for file in dataset.manifest.shared}
    records = (parse_record(root.get(entry.path)) for entry in entries if entry.path.startswith(f"{path}/stats/"))
    return {file.path for record in records if record for file in record.shared}


def _split(path: str, entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """Files of a dataset: what the stage made, what was paid for, and what is not known."""
    made: list[Entry] = []
    paid: list[Entry] = []
    unknown: list[Entry] = []
    for entry in entries:
        name = entry.path.removeprefix(f"{path}/")
        if path.startswith("write/") and name.startswith(_REQUESTS):
            paid.append(entry)
        else:
            (made if _MADE.fullmatch(name) else unknown).append(entry)
    return made, paid, unknown


def _order(path: str, file: str) -> tuple[int, str]:
    name = file.removeprefix(f"{path}/")
    return next((place for start, place in _LAST.items() if name.startswith(start)), 2), name


def _loose(root: Store, others: Sequence[Entry], referred: set[str], forget: Sequence[str]) -> list[Item]:
    """Audio that nothing refers to, views of older sets, and marks of runs that are over; those that stay have no files."""
    audio = [entry for entry in others if _FLAC.fullmatch(entry.path)]
    here = f"{VIEWS}/{open_current(root).fingerprint}/"
    lives = {mark.path for mark in training_uses(root, forget)}
    groups: list[tuple[str, str, Mapping[str, Entry]]] = [
        (FOLDER, "audio that nothing refers to", {entry.path: entry for entry in audio if entry.path not in referred}),
        (VIEWS, "older sets", {e.path: e for e in others if e.path.startswith(f"{VIEWS}/") and not e.path.startswith(here)}),
        (RUNNING, "left by runs that were killed", {e.path: e for e in others if e.path.startswith(f"{RUNNING}/")}),
        (USES, "training that is over", {e.path: e for e in others if e.path.startswith(f"{USES}/") and e.path not in lives}),
    ]
    items = [Item(path, sum(e.bytes for e in files.values()), why, tuple(sorted(files))) for path, why, files in groups if files]
    held = sum(entry.bytes for entry in audio if entry.path in referred)
    return [*items, Item(FOLDER, held, "audio of what stays")]


def _remove_empty(base: Path, files: Sequence[str]) -> None:
    """Folders that nothing is left in, up to the stage's."""
    for folder in sorted({parent for file in files for parent in (base / file).parents if base in parent.parents}, reverse=True):
        with suppress(OSError):
            folder.rmdir()
