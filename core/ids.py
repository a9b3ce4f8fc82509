"""Identifiers, and randomness as a pure function of (seed, key).

An id is 16 hexadecimal digits (64 bits of SHA-256), so it is a string in a table and a uint64 in numpy.
"""

import base64
import hashlib
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Uint64s = npt.NDArray[np.uint64]

_NIBBLE = np.full(256, 255, np.uint8)
for _digit in range(16):
    _NIBBLE[ord(f"{_digit:x}")] = _digit


def stable_id(*fields: str | int) -> str:
    """16 hexadecimal digits: a hash of the fields and of where each ends, so ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for field in fields:
        encoded = str(field).encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:16]


def file_hash(file: BinaryIO) -> str:
    """SHA-256 of the rest of a file as 64 hexadecimal digits, read in blocks of 4 MiB."""
    digest = hashlib.sha256()
    while block := file.read(1 << 22):
        digest.update(block)
    return digest.hexdigest()


def id_to_int(identifier: str) -> int:
    """The id as the integer that `ids_to_uint64` gives."""
    return int(identifier, 16)


def purpose_key(*purpose: str | int) -> Uint64s:
    """(1,) key of `hash_uniform` for what the random numbers are for, so that one seed serves several purposes."""
    return np.array([id_to_int(stable_id(*purpose))], np.uint64)


def ids_to_uint64(ids: pa.Array | pa.ChunkedArray) -> Uint64s:
    """Arrow strings of 16 hexadecimal digits -> (N,) uint64. Raises ValueError on anything else."""
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    if len(ids) == 0:
        return np.zeros(0, np.uint64)
    joined = "".join(ids.to_pylist()).encode("ascii")
    if len(joined) != 16 * len(ids):
        raise ValueError("an id is not 16 characters long")
    nibbles = _NIBBLE[np.frombuffer(joined, np.uint8)].reshape(-1, 16)
    if (nibbles > 15).any():
        raise ValueError("an id is not hexadecimal")
    packed = (nibbles[:, ::2] << 4) | nibbles[:, 1::2]
    return np.ascontiguousarray(packed).view(">u8").astype(np.uint64).reshape(-1)


def mix(values: Uint64s) -> Uint64s:
    """The finaliser of SplitMix64: a bijection of uint64 whose output bits look random."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hash_uniform(seed: int, *keys: Uint64s) -> npt.NDArray[np.float64]:
    """Uniform numbers in (0, 1), one for each broadcast combination of keys: a pure function of (seed, keys)."""
    state = mix(np.array([seed & (2**64 - 1)], np.uint64))
    for key in keys:
        state = mix(state ^ mix(key))
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def integrity(text: str) -> str:
    """The hash by which a page's Content-Security-Policy admits an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
