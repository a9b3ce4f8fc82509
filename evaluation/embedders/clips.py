"""Clips to embeddings: checked, heard by one network, and kept, so that the same audio is heard once.

An embedding is kept as one object a clip, named by the identity of the network and the hash of the audio, and not in parts with a manifest
as labels are. The unit that is used again is the clip: one reference serves many systems, systems share clips, checkpoints add some. A
dataset is made again, or carried over row by row, when its set of clips changes; here what is missing is made. Workers and machines that
share a cache only ever add to it, and two that hear the same clip write the same bytes.
"""

import hashlib
import logging
import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from noise2music.core.arrays import Float32s
from noise2music.core.audio.encode import peak_of
from noise2music.core.audio.resample import resample
from noise2music.core.device import one_thread
from noise2music.core.errors import RowError, UserError
from noise2music.core.local_cache import cache_folder
from noise2music.core.storage import Store, open_store
from noise2music.evaluation.embedders.base import Embedder

VERSION = 1
"""Raise it when what is kept changes although no network does: another resampler, another format."""

MOST = 64.0
"""36 dB beyond full scale: no decoder goes there, so such numbers are not of full scale 1."""

log = logging.getLogger("n2m")


@dataclass(frozen=True)
class Sound:
    """A clip as the protocol cut it: `audio` (samples,) mono floats of full scale 1 at `sample_rate`. key: names it."""

    key: str
    audio: npt.NDArray[np.generic]
    sample_rate: int

    @cached_property
    def content(self) -> str:
        """Hash of the audio as float32, taken once however many networks hear it."""
        return content_hash(np.asarray(self.audio, np.float32), self.sample_rate)


@dataclass(frozen=True)
class ClipEmbedding:
    """rows (n, dimension) float32, n at least 1. content: hash of the audio, the same for the same samples. kept: whether it was there."""

    key: str
    content: str
    rows: Float32s
    kept: bool = False


@dataclass(frozen=True)
class DeadClip:
    """A clip that has no embedding, and why."""

    key: str
    error: RowError


def default_cache() -> Store:
    """The folder `embeddings` of the user's cache."""
    return open_store(str(cache_folder() / "embeddings"))


def embed_clips(
    clips: Iterable[Sound | DeadClip], embedder: Embedder, cache: Store | None, workers: int = 1
) -> Iterator[ClipEmbedding | DeadClip]:
    """Embed clips in their order; a clip that fails is named in its place, and the others go on.

    Args:
        clips: read as they are needed, a few ahead. What is dead already is passed on.
        embedder: of `load_embedder`.
        cache: where embeddings are kept; None keeps none.
        workers: clips that are heard at once, each on one thread. It changes no byte.

    Yields:
        One item a clip. DeadClip's reasons: "not_float", "not_mono", "not_finite", "not_full_scale", "too_short".

    Raises:
        UserError: the network ended. A cache that cannot be read or written is said once and done without.
    """
    hearing: deque[Future[ClipEmbedding | DeadClip]] = deque()
    keeper = _Keeper(cache, embedder.identity)
    with one_thread(), ThreadPoolExecutor(workers, thread_name_prefix="embed") as pool:
        try:
            for clip in clips:
                # What needs no network is done in this thread, while the workers hear.
                hearing.append(_begin(clip, embedder, keeper, pool))
                if len(hearing) > 2 * workers:
                    yield _end(hearing.popleft(), keeper)
            while hearing:
                yield _end(hearing.popleft(), keeper)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def check_audio(audio: npt.NDArray[np.generic], sample_rate: int, min_seconds: float) -> Float32s:
    """The audio as float32. Raises RowError where it is not what a network can hear."""
    if audio.ndim != 1:
        raise RowError("not_mono", f"the audio has the shape {audio.shape}; a network hears (samples,)")
    if not np.issubdtype(audio.dtype, np.floating):
        raise RowError("not_float", f"the audio is {audio.dtype}; a network hears floats of full scale 1")
    seconds = len(audio) / sample_rate
    if seconds < min_seconds or not seconds:
        raise RowError("too_short", f"the clip has {seconds:.3f} s, and the network hears no less than {min_seconds:g} s")
    samples = np.ascontiguousarray(audio, np.float32)
    if not math.isfinite(peak := peak_of(samples)):  # Largest and smallest sample pass NaN on, and one of them is an infinity.
        raise RowError("not_finite", "the samples hold NaN or infinity")
    check_scale(peak)
    return samples


def check_scale(peak: float) -> None:
    """Raise RowError where the largest sample is far beyond full scale."""
    if peak > MOST:
        raise RowError("not_full_scale", f"the peak is {peak:g}, and full scale is 1: are these whole numbers as floats?")


def is_kept(clip: Sound, embedder: Embedder, cache: Store | None) -> bool:
    """Whether `embed_clips` would find what the network said of the clip."""
    try:
        check_audio(clip.audio, clip.sample_rate, embedder.min_seconds)
    except RowError:
        return False
    return _Keeper(cache, embedder.identity).read(clip.content, embedder.dimension) is not None


def content_hash(audio: Float32s, sample_rate: int) -> str:
    """SHA-256 over rate and samples: 64 hexadecimal digits."""
    digest = hashlib.sha256(f"{sample_rate} ".encode())
    digest.update(np.ascontiguousarray(audio, "<f4").data)
    return digest.hexdigest()


def _begin(clip: Sound | DeadClip, embedder: Embedder, keeper: "_Keeper", pool: ThreadPoolExecutor) -> Future[ClipEmbedding | DeadClip]:
    """A clip that is done at once, or one that a worker hears."""
    done: Future[ClipEmbedding | DeadClip] = Future()
    if isinstance(clip, DeadClip):
        done.set_result(clip)
        return done
    try:
        audio = check_audio(clip.audio, clip.sample_rate, embedder.min_seconds)
    except RowError as error:
        done.set_result(DeadClip(clip.key, error))
        return done
    rows = keeper.read(clip.content, embedder.dimension)
    if rows is None:
        return pool.submit(_embed, clip.key, clip.content, audio, clip.sample_rate, embedder)
    done.set_result(ClipEmbedding(clip.key, clip.content, rows, kept=True))
    return done


def _embed(key: str, content: str, audio: Float32s, sample_rate: int, embedder: Embedder) -> ClipEmbedding | DeadClip:
    try:
        rows = embedder.embed(resample(audio, sample_rate, embedder.sample_rate))
        if not len(rows):
            raise RowError("too_short", f"the network gave no row for {len(audio) / sample_rate:.3f} s")
        if not np.isfinite(rows).all():
            raise RowError("not_finite", f"{embedder.name} gave NaN or infinity for this clip")
    except RowError as error:
        return DeadClip(key, error)
    return ClipEmbedding(key, content, rows)


def _end(hearing: Future[ClipEmbedding | DeadClip], keeper: "_Keeper") -> ClipEmbedding | DeadClip:
    done = hearing.result()
    if isinstance(done, ClipEmbedding) and not done.kept:
        keeper.write(done.content, done.rows)
    return done


class _Keeper:
    """The embeddings of one network in a store. A store that fails is said once and asked no more."""

    def __init__(self, store: Store | None, identity: str) -> None:
        self._store = store
        self._folder = hashlib.sha256(f"{VERSION} {identity}".encode()).hexdigest()[:32]

    def read(self, content: str, dimension: int) -> Float32s | None:
        """None where there is none, or a damaged one."""
        if self._store is None:
            return None
        try:
            arrays = load(self._store.get(self._path(content)))
            rows, digest = np.asarray(arrays["rows"], np.float32), arrays["sha256"].tobytes()
        except UserError as error:
            self._give_up(error)
            return None
        except (FileNotFoundError, SafetensorError, KeyError, ValueError):
            return None
        is_whole = rows.ndim == 2 and rows.shape[1] == dimension and _digest(rows) == digest
        return rows if is_whole else None

    def write(self, content: str, rows: Float32s) -> None:
        """One object, whole."""
        if self._store is None:
            return
        arrays = {"rows": rows, "sha256": np.frombuffer(_digest(rows), np.uint8)}
        try:
            self._store.put(self._path(content), save(arrays))
        except UserError as error:
            self._give_up(error)

    def _give_up(self, error: UserError) -> None:
        if self._store is not None:
            self._store = None
            log.warning("Embeddings are not kept: %s", error)

    def _path(self, content: str) -> str:
        return f"{self._folder}/{content[:2]}/{content}.safetensors"


def _digest(rows: Float32s) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(rows, "<f4").data).digest()
