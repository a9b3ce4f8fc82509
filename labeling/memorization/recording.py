"""The fingerprint of one file: a hash of its decoded audio, and the chains of its first minutes."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.decode import SILENT_PEAK
from noise2music.core.audio.open_reader import open_reader
from noise2music.core.audio.reader import Reader
from noise2music.core.errors import RowError
from noise2music.labeling.memorization.chains import Chains, find_chains
from noise2music.labeling.memorization.landmarks import find_landmarks

BLOCK_SECONDS = 30
MOST_HASHED_SECONDS = 600
"""For longer files the hash covers this much audio and the stated length: an hour need not be decoded for it."""

_FULL = 32767
_NOTHING = Chains(np.zeros(0, np.uint32), np.zeros(0, np.int32))


@dataclass(frozen=True)
class Recognised:
    """audio: 64 hexadecimal digits, equal for files with equal decoded audio; None for silence and where decoding fails.

    chains: of the first minutes, none for silence and tones. failed: why there is no hash although there may be music.
    """

    audio: str | None
    chains: Chains
    failed: str | None = None

    @classmethod
    def of_failure(cls, error: RowError, chains: Chains = _NOTHING) -> "Recognised":
        """The result for a file that failed: the chains of the audio before the failure."""
        return cls(None, chains, f"{error.reason}: {error.message}")


def recognise(file: BinaryIO, chain_seconds: float, duration_ms: int) -> Recognised:
    """Fingerprint a seekable file. chain_seconds: how much of it gives chains (0: none). duration_ms: its length by probing.

    The hash is SHA-256 over the rate and the mean of the channels in 16 bits, so tags, container and lossless codec do not change it.
    Nothing is raised; `failed` says what could not be read.
    """
    digest, first_seconds = hashlib.sha256(), _FirstSeconds(chain_seconds)
    try:
        reader = open_reader(file)
        digest.update(f"{reader.rate} ".encode())
        loud, ended = _listen(reader, digest, first_seconds)
    except RowError as error:
        return Recognised.of_failure(error, first_seconds.chains())
    if not loud:
        return Recognised(None, _NOTHING)
    if not ended:
        digest.update(f"{duration_ms} ms".encode())
    return Recognised(digest.hexdigest(), first_seconds.chains())


def _listen(reader: Reader, digest: "hashlib._Hash", first_seconds: "_FirstSeconds") -> tuple[bool, bool]:
    """Whether anything is louder than silence, and whether the file ended before MOST_HASHED_SECONDS."""
    loud, position = False, 0
    while position < MOST_HASHED_SECONDS * reader.rate:
        block = BLOCK_SECONDS * reader.rate
        audio = reader.read(position, position + block).audio
        if not np.isfinite(audio).all():
            raise RowError("not_finite", "the samples hold NaN or infinity")
        digest.update(np.rint(np.clip(audio, -1, 1) * _FULL).astype("<i2").tobytes())
        loud |= bool(len(audio)) and bool(np.abs(audio).max() >= SILENT_PEAK)
        first_seconds.add(audio, reader.rate)
        position += len(audio)
        if len(audio) < block:
            return loud, True
    return loud, False


class _FirstSeconds:
    """Collects the first seconds of a recording for its chains."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._blocks: list[Float32s] = []
        self._rate = 0
        self._rest = 0

    def add(self, audio: Float32s, rate: int) -> None:
        """The next block."""
        if not self._rate:
            self._rate, self._rest = rate, int(self._seconds * rate)
        if self._rest:
            self._blocks.append(audio[: self._rest])
            self._rest -= len(self._blocks[-1])

    def chains(self) -> Chains:
        """Of what was added."""
        if not self._blocks:
            return _NOTHING
        audio = np.concatenate(self._blocks)
        if not len(audio) or np.abs(audio).max() < SILENT_PEAK:
            return _NOTHING
        return find_chains(find_landmarks(audio, self._rate))
