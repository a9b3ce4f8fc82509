"""The scorer of `import noise2music`: audio and text in, vectors and scores out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.core.device import one_thread
from noise2music.core.errors import RowError, UserError
from noise2music.labeling.retrieval.cosine import MILLION, millionths, normalise
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.scorers.load import load_scorer as load
from noise2music.labeling.settings import ScorerSettings

Audio = npt.NDArray[np.floating]
_WINDOWS = 16
"""A network call, as in labeling."""


class LoadedScorer:
    """A scorer that is ready: `load_scorer` makes it.

    name: for people. sample_rate: Hz that it hears; audio of other rates is resampled. dim: of its vectors. scorer: what labeling uses.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.name, self.sample_rate, self.dim = scorer.name, scorer.sample_rate, scorer.dim

    def __repr__(self) -> str:
        return f"LoadedScorer({self.name!r}, {self.sample_rate} Hz, {self.dim} dimensions, {self.scorer.device})"

    def embed_audio(self, audio: Audio | Sequence[Audio], sample_rate: int) -> Float32s:
        """Audio as unit vectors: the mean over the windows of each clip (paper section 2.3).

        Args:
            audio: (samples,) mono floats, full scale 1; or a list of N of them, of any lengths.
            sample_rate: of the audio, in Hz.

        Returns:
            (dim,) float32 of unit length; (N, dim) for a list.

        Raises:
            UserError: an array is not (samples,), is empty, or holds no floats.
            RowError: the network gave NaN or infinity.
        """
        if isinstance(audio, np.ndarray):
            return self._embed(audio, sample_rate)
        return np.stack([self._embed(clip, sample_rate) for clip in audio]) if len(audio) else np.zeros((0, self.dim), np.float32)

    def embed_text(self, captions: str | Sequence[str]) -> Float32s:
        """Captions as unit vectors in the space of the audio.

        Args:
            captions: a caption, or a list of N.

        Returns:
            (dim,) float32 of unit length; (N, dim) for a list.
        """
        one = isinstance(captions, str)
        texts = [captions] if isinstance(captions, str) else list(captions)
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        with one_thread():
            joint = np.asarray(self.scorer.embed_text(texts).joint_embeddings, np.float32)
        return np.asarray(joint[0]) if one else joint

    def similarity(self, audio: Float32s, text: Float32s) -> Float32s:
        """Cosines of audio and text, exactly as labels have them as scores: of vectors rounded to float16, in whole millionths.

        Args:
            audio: (dim,) or (N, dim), of embed_audio.
            text: (dim,) or (M, dim), of embed_text. Any two sets of vectors of this scorer can be compared.

        Returns:
            (N, M) float32 in [-1, 1], without the axis of what was given as a single vector.

        Raises:
            ValueError: a vector is zero or no number, or the dimensions differ.
        """
        audio_vectors, text_vectors = _as_stored(audio), _as_stored(text)
        if audio_vectors.shape[1] != text_vectors.shape[1]:
            raise ValueError(f"vectors of {audio_vectors.shape[1]} and of {text_vectors.shape[1]} dimensions are not of one scorer")
        rows, columns = (
            np.arange(len(audio_vectors))[:, None],
            np.broadcast_to(np.arange(len(text_vectors)), (len(audio_vectors), len(text_vectors))),
        )
        scores = (millionths(audio_vectors, rows, text_vectors, columns)[:, 0] / MILLION).astype(np.float32)
        return scores.reshape(np.shape(audio)[:-1] + np.shape(text)[:-1])

    def _embed(self, audio: Audio, sample_rate: int) -> Float32s:
        array = np.asarray(audio)
        if array.ndim != 1 or not len(array) or not np.issubdtype(array.dtype, np.floating):
            raise UserError(
                f"audio is {array.dtype} of shape {array.shape}; a scorer takes (samples,) floats of full scale 1. "
                "Take the mean of the channels, and divide whole numbers by their full scale."
            )
        with one_thread():
            windows = self.scorer.preprocess(resample(array.astype(np.float32), sample_rate, self.sample_rate))
            outputs = [self.scorer.encode_audio(windows[start : start + _WINDOWS]) for start in range(0, len(windows), _WINDOWS)]
            embedding = self.scorer.pool(torch.cat(outputs).numpy().astype(np.float32))
        if not np.isfinite(embedding).all():
            raise RowError("not_finite", "the scorer gave NaN or infinity for this clip")
        return embedding


def load_scorer(name: str = "starter", revision: str | None = None, device: str = "auto") -> LoadedScorer:
    """A scorer by its name: audio and text into one space, in which the cosine says how well they fit.

    Args:
        name: "starter", which ships; a hub id or a folder of a transformers ClapModel; or a LAION .pt file.
        revision: of a hub id.
        device: "cpu", "cuda" or "auto".

    Returns:
        The scorer, loaded.

    Raises:
        UserError: there is no such model, or it cannot be had.

    Source: MuLan in the paper (arXiv 2302.03917, section 2.3); what ships is described in docs/starter.md.
    """
    threads = torch.get_num_threads()
    try:
        return LoadedScorer(load(ScorerSettings(model=name, revision=revision), device))
    finally:
        torch.set_num_threads(threads)


def _as_stored(vectors: Float32s) -> Float32s:
    """(d,) or (N, d) -> (N, d) unit vectors, as labeling reads them from its datasets."""
    return normalise(np.atleast_2d(np.asarray(vectors, np.float32)).astype(np.float16).astype(np.float32))
