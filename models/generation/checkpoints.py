"""Where the published weights of stages are: a folder, an object store, or the package itself."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from labeling.cache_folder import cache_folder
from labeling.download import download
from labeling.errors import UserError
from labeling.ids import stable_id
from labeling.storage import Entry, Store, is_remote, local_path, open_existing
from models.cascade.stage import StageName

SHIPPED = "tiny"
STARTER = Path(__file__).parents[1] / "starter"


def weights_files(checkpoints: str, stages: Sequence[StageName]) -> dict[StageName, Path]:
    """A file on this machine for each stage. Raises UserError that names every stage that is missing and where it was looked for."""
    if checkpoints == SHIPPED:
        return _here(STARTER, stages, "the weights that ship (models/starter)")
    if is_remote(checkpoints):
        return _fetched(checkpoints, stages)
    if not local_path(checkpoints).is_dir():
        raise UserError(f'there is no folder {checkpoints} with weights. Give a folder or URI, or "{SHIPPED}" for the weights that ship.')
    return _here(local_path(checkpoints), stages, checkpoints)


def file_identity(path: Path) -> str:
    """SHA-256 of a weights file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _names(stage: StageName) -> tuple[str, str]:
    """As training leaves a stage, and as `n2m weights` writes one."""
    return f"{stage}/weights.safetensors", f"{stage}.safetensors"


def _here(folder: Path, stages: Sequence[StageName], called: str) -> dict[StageName, Path]:
    found = {stage: next((path for name in _names(stage) if (path := folder / name).is_file()), None) for stage in stages}
    _all_there(called, found)
    return {stage: path for stage, path in found.items() if path is not None}


def _fetched(uri: str, stages: Sequence[StageName]) -> dict[StageName, Path]:
    store = open_existing(uri)
    found = {stage: next((entry for name in _names(stage) if (entry := store.head(name)) is not None), None) for stage in stages}
    _all_there(uri, found)
    return {stage: _fetch(store, entry) for stage, entry in found.items() if entry is not None}


def _all_there(called: str, found: dict[StageName, Path | None] | dict[StageName, Entry | None]) -> None:
    if missing := [stage for stage, place in found.items() if place is None]:
        looked = " or ".join(_names(missing[0]))
        raise UserError(
            f"{called} holds no weights of the {', the '.join(missing)}: {looked} is not there. Train what is missing (`n2m train STAGE`), "
            "or choose a route, start and stop_after that do without."
        )


def _fetch(store: Store, entry: Entry) -> Path:
    """Downloaded once for each version of the object, whole or not at all."""
    folder = cache_folder() / "weights"
    path = folder / f"{stable_id(store.uri, entry.path, entry.stamp, entry.bytes)}.safetensors"
    if path.is_file() and path.stat().st_size == entry.bytes:
        return path

    def check(aside: Path) -> None:
        if aside.stat().st_size != entry.bytes:
            raise UserError(f"{store.describe(entry.path)} changed while it was read. Run the same command again.")

    try:
        download(store, entry.path, path, check)
    except FileNotFoundError:
        raise UserError(f"{store.describe(entry.path)} is gone. Run the same command again.") from None
    except OSError as error:
        raise UserError(f"cannot keep weights in {folder}: {error.strerror}. Free space, or set N2M_CACHE.") from None
    return path
