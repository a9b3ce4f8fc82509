"""The weights of the two musicnn taggers, from the installed package into safetensors in the user's cache.

The package (musicnn 0.1.0, ISC licence, Pons and Serra 2019) pins an old numpy and imports TensorFlow, so it is installed without its
dependencies and never imported: only its checkpoint files are read.
"""

import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from labeling.cache_folder import cache_folder
from labeling.errors import UserError
from labeling.scorers.base import Float32s
from labeling.scorers.packages import package_folder
from labeling.scorers.tensor_bundle import read_bundle

TAGGERS = ("MTT_musicnn", "MSD_musicnn")
INSTALL = 'pip install --no-deps "musicnn==0.1.0"'


def load_tagger_weights() -> dict[str, dict[str, Float32s]]:
    """Tagger -> variable name of the original graph -> values; optimiser state left out.

    The first call converts the package's checkpoints and leaves them in the cache under the hash of their bytes, so another version of
    the package makes another file. A cached file that cannot be read is made again; a cache that cannot be written is done without.
    Raises UserError when the package is missing or its files are damaged.
    """
    checkpoints = {tagger: _read_checkpoint(tagger) for tagger in TAGGERS}
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for parts in checkpoints.values() for part in parts)).hexdigest()
    cached = cache_folder() / f"musicnn-{digest[:16]}.safetensors"
    tensors = _read_cached(cached)
    if tensors is None:
        tensors = _convert(checkpoints)
        _write_atomically(cached, save(tensors))
    split: dict[str, dict[str, Float32s]] = {tagger: {} for tagger in TAGGERS}
    for key in sorted(tensors):
        tagger, name = key.split("/", 1)
        split[tagger][name] = tensors[key]
    return split


def _read_checkpoint(tagger: str) -> tuple[bytes, bytes]:
    folder = package_folder("musicnn", INSTALL) / tagger
    try:
        return (folder / ".index").read_bytes(), (folder / ".data-00000-of-00001").read_bytes()
    except OSError as error:
        message = f"The package musicnn has no readable checkpoint {tagger} ({error.strerror})."
        raise UserError(f"{message} Install it again with: {INSTALL}") from error


def _convert(checkpoints: dict[str, tuple[bytes, bytes]]) -> dict[str, Float32s]:
    tensors = {}
    for tagger, (index, data) in checkpoints.items():
        try:
            for name, values in read_bundle(index, data, _is_weight).items():
                tensors[f"{tagger}/{name}"] = values
        except ValueError as error:
            message = f"The checkpoint {tagger} of the package musicnn is damaged: {error}."
            raise UserError(f"{message} Install it again with: {INSTALL}") from error
    return tensors


def _is_weight(name: str) -> bool:
    return not name.endswith(("/Adam", "/Adam_1", "_power"))


def _read_cached(path: Path) -> dict[str, Float32s] | None:
    try:
        tensors: dict[str, Float32s] = load(path.read_bytes())
    except (OSError, SafetensorError):
        return None
    return tensors


def _write_atomically(path: Path, content: bytes) -> None:
    """Temporary name, then rename: a reader sees the whole file or none. Where nothing can be written, nothing is."""
    temporary = path.with_name(f"{path.stem}-{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
