"""Resemblyzer: a network that tells voices apart (Wan et al. 2018, arXiv 1710.10467), by Resemble AI.

Three LSTM layers hear 1.6 s of mel frames (power, no logarithm) and give 256 non-negative numbers of unit length. The package turns quiet
audio up and cuts what holds no voice before it; here neither is done, for level and silence belong to what is evaluated.
"""

import hashlib
import io
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from noise2music.core.arrays import Float32s
from noise2music.core.audio.mel import mel_filterbank
from noise2music.core.device import one_thread
from noise2music.core.errors import UserError
from noise2music.core.kept_weights import Arrays, PackagedWeights
from noise2music.core.package_files import Package

VERSION = 1
"""Raise it when an embedding changes although no weight does."""

SAMPLE_RATE = 16000
FFT, HOP, BANDS = 400, 160, 40
WINDOW, WINDOW_HOP = 160, 77
"""Frames: 1.6 s, 1.3 windows a second as in the package."""
DIMENSION, LAYERS = 256, 3


def mel_frames(audio: Float32s) -> Tensor:
    """(samples,) mono at 16 kHz -> (1 + samples // 160, 40): frames of 400 samples, centred, zeros beyond both ends; Slaney's mel bands."""
    waveform = torch.from_numpy(audio).clone()
    spectrum = torch.stft(waveform, FFT, HOP, window=torch.hann_window(FFT), center=True, pad_mode="constant", return_complex=True)
    return (_FILTERS @ (spectrum.real.square() + spectrum.imag.square())).T


class VoiceNetwork(nn.Module):
    """(N, 160, 40) -> (N, 256) of unit length; zeros where nothing answers."""

    def __init__(self, weights: Arrays) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, DIMENSION, LAYERS, batch_first=True)
        self.linear = nn.Linear(DIMENSION, DIMENSION)
        self.load_state_dict({name: torch.from_numpy(values).clone() for name, values in weights.items()})

    def forward(self, windows: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(windows)
        return functional.normalize(functional.relu(self.linear(hidden[-1])), eps=1e-12)


class Resemblyzer:
    """Implements evaluation.embedders.base.Embedder: a row every 0.77 s."""

    name = "resemblyzer"
    sample_rate = SAMPLE_RATE
    dimension = DIMENSION
    unit: Literal["frame", "clip"] = "frame"
    min_seconds = (WINDOW - 1) * HOP / SAMPLE_RATE

    def __init__(self, network: VoiceNetwork, identity: str) -> None:
        self.network = network
        self.identity = identity

    def embed(self, audio: Float32s) -> Float32s:
        """(samples,) mono at 16 kHz in [-1, 1] -> (full windows, 256); no rows below `min_seconds`."""
        if len(audio) < self.min_seconds * SAMPLE_RATE:
            return np.zeros((0, DIMENSION), np.float32)
        with one_thread(), torch.inference_mode():
            windows = mel_frames(audio).unfold(0, WINDOW, WINDOW_HOP).transpose(1, 2).contiguous()
            return np.asarray(self.network(windows).numpy(), np.float32)


def load_resemblyzer() -> Resemblyzer:
    """From the cache, or out of the package. Raises UserError where the weights cannot be had."""
    constants = f"resemblyzer {VERSION} {WINDOW_HOP} {WEIGHTS.sha256}"
    return Resemblyzer(VoiceNetwork(WEIGHTS.load()).eval(), hashlib.sha256(constants.encode()).hexdigest())


def _convert(checkpoint: bytes) -> Arrays:
    """A checkpoint of torch -> the tensors of `VoiceNetwork`. Nothing else of it is read."""
    try:
        state = torch.load(io.BytesIO(checkpoint), map_location="cpu", weights_only=True)["model_state"]
        names = [name for name in state if name.startswith(("lstm.", "linear."))]
        return {name: np.asarray(state[name].numpy(), np.float32) for name in names}
    except Exception as error:
        raise UserError(f"the checkpoint in {PACKAGE.requirement} is not as expected: {error}") from error


_FILTERS = torch.from_numpy(mel_filterbank(SAMPLE_RATE, FFT, BANDS, 0.0, SAMPLE_RATE / 2).astype(np.float32))

PACKAGE = Package(
    "resemblyzer==0.1.4",
    "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    "the weights of Resemblyzer 0.1.4 (by Resemble AI, github.com/resemble-ai/Resemblyzer, Apache-2.0; 16 MB)",
)
WEIGHTS = PackagedWeights(
    "The network `resemblyzer`",
    PACKAGE,
    {"resemblyzer/pretrained.pt": "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"},
    "7fca33b52153d764a5cade9ae1569cfa966df28eb5684aa1ccb0b07b08cb76ea",
    _convert,
)
