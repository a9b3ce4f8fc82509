"""The musicnn tagger in torch: 3 s of log-mel frames in, 50 tag logits out (Pons and Serra 2019, arXiv 1909.06654).

A front end of five groups of filters looks at the spectrogram: two timbral (7 frames by 38 or 67 bands) and three temporal (128, 64
or 32 frames of one band). Each filter's response is rectified, normalised and maximised over frequency. Three convolutions over time
follow, then maximum and mean over time, and two dense layers.

Three changes to the original graph give the same numbers (a test holds them to 1e-5) in half the time:
- Filters that never responded in training (variance below DEAD_VARIANCE) are not run. Their output is a constant, which is folded into the
  biases of the next layers. Of the 408 timbral filters 192 are live in MTT and 37 in MSD.
- Normalisation follows the rectifier, and a negative slope turns the maximum into a minimum. Filters with such a slope are negated, so
  that one maximum serves all, and rectifier and normalisation run on the maxima only.
- The normalisation before the first dense layer is folded into it. The others come before zero padding, where folding is not exact.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from noise2music.core.arrays import Float32s
from noise2music.core.audio.mel import mel_filterbank
from noise2music.labeling.scorers.musicnn_weights import TAGGERS, load_tagger_weights

Weights = Mapping[str, Float32s]

FRAMES = 187
BANDS = 96
TAGS = 50
PENULTIMATE = 200
NORM_EPSILON = 1e-3
DEAD_VARIANCE = 6e-8


class FilterGroup(nn.Module):
    """The live filters of one front-end group: (N, 1, 187, 96) normalised spectrogram -> (N, live, 187)."""

    weight: Tensor
    bias: Tensor
    sign: Tensor
    scale: Tensor
    shift: Tensor

    def __init__(self, kernel: Tensor, bias: Tensor, scale: Tensor, shift: Tensor) -> None:
        """kernel (live, 1, frames, bands), bias, and the slope and offset of the normalisation behind, float64."""
        super().__init__()
        sign = torch.where(scale < 0, -1.0, 1.0).double()
        frames = kernel.shape[2]
        self.padding = (0, 0, (frames - 1) // 2, frames - 1 - (frames - 1) // 2)
        self.register_buffer("weight", (kernel * sign[:, None, None, None]).float())
        self.register_buffer("bias", (bias * sign).float())
        self.register_buffer("sign", sign[:, None].float())
        self.register_buffer("scale", scale[:, None].float())
        self.register_buffer("shift", shift[:, None].float())

    def forward(self, spectrogram: Tensor) -> Tensor:
        response = functional.conv2d(functional.pad(spectrogram, self.padding), self.weight, self.bias)
        return functional.relu(response.amax(3) * self.sign) * self.scale + self.shift


class Tagger(nn.Module):
    """One tagger, ready to run. Input (N, 187, 96) log-mel float32; output logits (N, 50) and penultimate activations (N, 200)."""

    constant_response: Tensor
    dense_max: Tensor
    dense_mean: Tensor
    dense_bias: Tensor
    output_weight: Tensor
    output_bias: Tensor

    def __init__(self, weights: Weights, skip_dead: bool = True) -> None:
        """`weights` are named as in the original graph (musicnn_weights). With `skip_dead` False every filter is run."""
        super().__init__()
        tensors = {name: torch.from_numpy(values).double() for name, values in weights.items()}
        input_scale, input_shift = _normalisation(tensors, 0)
        self.input_scale, self.input_shift = float(input_scale), float(input_shift)

        groups, live, constants = [], [], []
        for layer in range(5):
            kernel, bias = _layer(tensors, "conv2d", layer)
            scale, shift = _normalisation(tensors, layer + 1)
            variance, mean = (tensors[_numbered("batch_normalization", layer + 1) + name] for name in ("/moving_variance", "/moving_mean"))
            alive = variance > DEAD_VARIANCE if skip_dead else torch.ones_like(variance, dtype=torch.bool)
            groups.append(FilterGroup(kernel.permute(3, 2, 0, 1)[alive], bias[alive], scale[alive], shift[alive]))
            live.append(alive)
            constants.append(torch.where(alive, 0.0, scale * mean + shift))
        self.front = nn.ModuleList(groups)
        alive, constant = torch.cat(live), torch.cat(constants)

        self._build_middle(tensors, alive, constant)
        self._build_dense(tensors, alive, constant)

    def _build_middle(self, tensors: Mapping[str, Tensor], alive: Tensor, constant: Tensor) -> None:
        """Convolutions over time. The dead filters' constants add a fixed (64, 187) to the first one, which varies only at the padded
        ends.
        """
        for step in range(3):
            kernel, bias = _layer(tensors, "conv2d", 5 + step)
            kernel = kernel[:, :, 0].permute(2, 1, 0)
            if step == 0:
                field = constant[None, :, None].expand(1, -1, FRAMES)
                response = functional.conv1d(field, kernel, padding=kernel.shape[2] // 2)[0] + bias[:, None]
                self.register_buffer("constant_response", response.float())
                kernel = kernel[:, alive]
            scale, shift = _normalisation(tensors, 6 + step)
            self.register_buffer(f"time_weight_{step}", kernel.float().contiguous())
            self.register_buffer(f"time_bias_{step}", bias.float())
            self.register_buffer(f"time_scale_{step}", scale[:, None].float())
            self.register_buffer(f"time_shift_{step}", shift[:, None].float())

    def _build_dense(self, tensors: Mapping[str, Tensor], alive: Tensor, constant: Tensor) -> None:
        """The first dense layer reads (maximum, mean) pairs, channel by channel; here the two halves have a matrix each."""
        kernel, bias = _layer(tensors, "dense", 0)
        scale, shift = _normalisation(tensors, 9)
        bias = bias + shift @ kernel
        pairs = (scale[:, None] * kernel).reshape(-1, 2, kernel.shape[1])
        filters = len(constant)
        bias = bias + constant @ pairs[:filters].sum(1)
        live_channels = torch.cat([alive, torch.ones(len(pairs) - filters, dtype=torch.bool)])
        scale, shift = _normalisation(tensors, 10)
        output_weight, output_bias = _layer(tensors, "dense", 1)
        self.register_buffer("dense_max", pairs[live_channels, 0].float().contiguous())
        self.register_buffer("dense_mean", pairs[live_channels, 1].float().contiguous())
        self.register_buffer("dense_bias", bias.float())
        self.register_buffer("penultimate_scale", scale.float())
        self.register_buffer("penultimate_shift", shift.float())
        self.register_buffer("output_weight", output_weight.float().contiguous())
        self.register_buffer("output_bias", output_bias.float())

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        spectrogram = windows[:, None] * self.input_scale + self.input_shift
        front = torch.cat([group(spectrogram) for group in self.front], 1)
        first = self._time_step(0, functional.conv1d(front, self.get_buffer("time_weight_0"), padding=3) + self.constant_response)
        second = self._time_step(1, self._time_convolution(1, first)) + first
        third = self._time_step(2, self._time_convolution(2, second)) + second
        features = torch.cat([front, first, second, third], 1)
        hidden = functional.relu(features.amax(2) @ self.dense_max + features.mean(2) @ self.dense_mean + self.dense_bias)
        penultimate = hidden * self.get_buffer("penultimate_scale") + self.get_buffer("penultimate_shift")
        return penultimate @ self.output_weight + self.output_bias, penultimate

    def _time_convolution(self, step: int, values: Tensor) -> Tensor:
        return functional.conv1d(values, self.get_buffer(f"time_weight_{step}"), self.get_buffer(f"time_bias_{step}"), padding=3)

    def _time_step(self, step: int, response: Tensor) -> Tensor:
        return functional.relu(response) * self.get_buffer(f"time_scale_{step}") + self.get_buffer(f"time_shift_{step}")


def load_taggers(device: str = "cpu") -> list[Tagger]:
    """The two taggers in inference mode. Raises UserError as `load_tagger_weights` does."""
    weights = load_tagger_weights()
    return [Tagger(weights[name]).eval().to(device) for name in TAGGERS]


def tag_probabilities(taggers: Sequence[Tagger], windows: Tensor) -> Tensor:
    """(N, 187, 96) on the CPU -> (N, 100) on the CPU: one tagger's probabilities after the other's, named by `TAGS`.

    On a CPU one window at a time: a window fills the convolutions, so this is as fast, and a row has the same bits in any batch.
    """
    device = taggers[0].dense_bias.device
    pieces = windows.unsqueeze(1) if device.type == "cpu" else (windows.to(device),)
    with torch.inference_mode():
        return torch.cat([torch.cat([torch.sigmoid(tagger(piece)[0]) for tagger in taggers], 1) for piece in pieces]).cpu()


def _numbered(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind


def _layer(tensors: Mapping[str, Tensor], kind: str, number: int) -> tuple[Tensor, Tensor]:
    name = _numbered(kind, number)
    return tensors[f"{name}/kernel"], tensors[f"{name}/bias"]


def _normalisation(tensors: Mapping[str, Tensor], number: int) -> tuple[Tensor, Tensor]:
    """Slope and offset of a batch normalisation in inference, float64: some variances are as small as 1e-36."""
    name = _numbered("batch_normalization", number)
    gamma, beta, mean, variance = (tensors[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance"))
    scale = gamma / torch.sqrt(variance + NORM_EPSILON)
    return scale, beta - mean * scale


# The log-mel front end of musicnn, in float32 (the package's own casts to float16 and overflows on loud audio). 16 kHz; Hann window
# of 512 samples every 256, zeros beyond both ends; power; 96 Slaney mel bands of unit area from 0 to 8 kHz; log10(10000 m + 1).


SAMPLE_RATE = 16000
FFT = 512
HOP = 256
WINDOW_SECONDS = FRAMES * HOP / SAMPLE_RATE


def log_mel(audio: Float32s) -> torch.Tensor:
    """(samples,) mono at 16 kHz -> (1 + samples // 256, 96) float32."""
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(audio, np.float32)),
        FFT,
        HOP,
        window=torch.hann_window(FFT),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum.real.square() + spectrum.imag.square()
    return torch.log10(10000.0 * (_FILTERS @ power) + 1.0).T


def windows(audio: Float32s) -> torch.Tensor:
    """(samples,) mono at 16 kHz -> (windows, 187, 96): windows of 3 s without overlap.

    What is left after the last full window is dropped. A clip shorter than one window is repeated, frame by frame from its start,
    until it fills one, as in the taggers' training.
    """
    frames = log_mel(audio)
    if len(frames) < FRAMES:
        frames = frames.repeat(-(-FRAMES // len(frames)), 1)
    count = len(frames) // FRAMES
    return frames[: count * FRAMES].reshape(count, FRAMES, BANDS)


_FILTERS = torch.from_numpy(mel_filterbank(SAMPLE_RATE, FFT, BANDS, 0.0, SAMPLE_RATE / 2).astype(np.float32))
