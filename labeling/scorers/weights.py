"""Weight files: found, read without running anything they contain, and hashed."""

import hashlib
import json
import pickle
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from labeling.errors import UserError

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
        seen = str(error).replace("\n", " ").split("GLOBAL ")[-1].split(" ")[0] if "GLOBAL " in str(error) else "an unreadable pickle"
        raise UserError(
            f"{file} is not a plain checkpoint: it holds {seen}, which only running code from the file could load. It was not run. "
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
