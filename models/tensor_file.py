"""One safetensors file with a JSON header of ours: written whole or not at all, and read with one clear error for
each thing that can be wrong.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from labeling.errors import UserError

KEY = "noise2music"
_PICKLES = (b"PK\x03\x04", b"\x80")

Header = TypeVar("Header", bound=BaseModel)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: BaseModel) -> None:
    """Write aside, flush to the disk, rename. Raises UserError where it cannot be written; what was at `path` then stays as it was."""
    aside = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = _usual_mode(aside)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, aside, {KEY: header.model_dump_json()})
        aside.chmod(mode)
        _flush(aside)
        os.replace(aside, path)
        _flush(path.parent)
    except (SafetensorError, OSError) as error:
        aside.unlink(missing_ok=True)
        raise UserError(
            f"cannot write {path}: {error}. What was saved before is whole; free space or mend the permissions, "
            "then run the same command again."
        ) from error


def read_header(path: Path, model: type[Header], newest: int) -> Header:
    """The header, without the tensors. Raises UserError for a file that is missing, truncated, a pickle, of a newer format or not ours."""
    _check_start(path)
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or was cut short ({error}). Copy it again from where it was made.") from None
    if KEY not in metadata:
        raise UserError(f"{path} holds tensors, but was not written by noise2music: its header says nothing of a stage.")
    found = _format(metadata[KEY])
    if found is not None and found > newest:
        raise UserError(f"{path} has format {found}, and this version reads up to {newest}. Update noise2music.")
    try:
        return model.model_validate_json(metadata[KEY])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{path} has a header that is not understood: {where or 'it'}: {first['msg']}. Is it of another kind or version?"
        ) from None


def read_tensors(path: Path, device: str = "cpu") -> dict[str, Tensor]:
    """All tensors. Raises UserError on a damaged file."""
    _check_start(path)
    try:
        tensors: dict[str, Tensor] = load_file(path, device=device)
        return tensors
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or was cut short ({error}). Copy it again from where it was made.") from None


def _check_start(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(8)
        beyond = int.from_bytes(start, "little") > path.stat().st_size
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}. Check the path.") from None
    if beyond and start.startswith(_PICKLES):
        raise UserError(
            f"{path} is a pickle (a torch checkpoint), which could run code of its own. It was not read; weights come as safetensors."
        )


def _format(header: str) -> int | None:
    try:
        found = json.loads(header).get("format")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, int) else None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _usual_mode(path: Path) -> int:
    """The mode that this process gives new files there: safetensors would let nobody else read the weights."""
    with path.open("wb") as file:
        return os.fstat(file.fileno()).st_mode & 0o777
