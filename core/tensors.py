"""Weight files: written whole, read without running anything in them, and hashed."""

import hashlib
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from noise2music.core.errors import UserError

# One safetensors file with a JSON header of ours: written whole or not at all, and read with one clear error for each thing that
# can be wrong.


KEY = "noise2music"
_PICKLES = (b"PK\x03\x04", b"\x80")

Header = TypeVar("Header", bound=BaseModel)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: BaseModel) -> None:
    """Write a temporary file, flush it to the disk, rename it. Raises UserError where that fails; an earlier file at `path` then stays."""
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
    version = _format(metadata[KEY])
    if version is not None and version > newest:
        raise UserError(f"{path} has format {version}, and this version reads up to {newest}. Update noise2music.")
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
        version = json.loads(header).get("format")
    except (ValueError, AttributeError):
        return None
    return version if isinstance(version, int) else None


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


Tensors = dict[str, torch.Tensor]

_BLOCK = 1 << 20


def read_safetensors(files: Sequence[Path]) -> Tensors:
    """All tensors of some safetensors files, on the CPU. Raises UserError on a damaged file."""
    tensors: Tensors = {}
    for file in files:
        try:
            tensors.update(load_file(file))
        except (SafetensorError, OSError) as error:
            raise UserError(f"{file} cannot be read as safetensors ({error}). Download it again.") from None
    return tensors


def read_pickled(file: Path) -> object:
    """What torch.save wrote, with weights_only=True: tensors, plain containers and numpy numbers, never code. Raises UserError.

    LAION's checkpoints hold numpy scalars beside the weights; these are rebuilt by `_number`, which takes numbers only.
    """
    if not file.is_file():
        raise UserError(f"there is no file {file}")
    try:
        with _numpy_numbers():
            return torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except pickle.UnpicklingError as error:
        content = str(error).replace("\n", " ").split("GLOBAL ")[-1].split(" ")[0] if "GLOBAL " in str(error) else "an unreadable pickle"
        raise UserError(
            f"{file} is not a plain checkpoint: it holds {content}, which only running code from the file could load. It was not run. "
            "Use a checkpoint from its original source, or convert this one to safetensors where it was made."
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, OSError, AttributeError, TypeError) as error:
        raise UserError(f"{file} cannot be read as a torch checkpoint ({type(error).__name__}: {error}). Download it again.") from None


def sharded_files(index: Path) -> list[Path]:
    """The files that a transformers index (model.safetensors.index.json) lists, in name order. Raises UserError where one is missing."""
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{index} is not an index of weight files ({error!r})") from None
    missing = [name for name in names if Path(name).name != name or not (index.parent / name).is_file()]
    if missing:
        raise UserError(f"{index.parent} lacks weight files that its index lists: {', '.join(map(str, missing))}")
    return [index.parent / name for name in names]


def hash_files(files: Iterable[Path], *constants: str) -> str:
    """SHA-256 over the constants and the bytes of the files, in the order given; names and places do not enter. 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for constant in constants:
        digest.update(len(constant.encode()).to_bytes(8, "big") + constant.encode())
    for file in files:
        digest.update(file.stat().st_size.to_bytes(8, "big"))
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def _number(dtype: np.dtype[np.generic], data: bytes) -> object:
    """A numpy scalar from its bytes; stands in for numpy's own function, which would also take objects."""
    if dtype.kind not in "biuf" or not isinstance(data, bytes):
        raise pickle.UnpicklingError("GLOBAL numpy-object was seen")
    return np.frombuffer(data, dtype, count=1)[0]


def _numpy_numbers() -> AbstractContextManager[None]:
    kinds = {type(np.dtype(code)) for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")}
    allowed: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (_number, "numpy.core.multiarray.scalar"),
        (_number, "numpy._core.multiarray.scalar"),
        np.dtype,
        *kinds,
    ]
    context: AbstractContextManager[None] = torch.serialization.safe_globals(allowed)
    return context
