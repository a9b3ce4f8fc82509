"""The published weights of a stage: one safetensors file that holds all that using them needs, and says where they came from."""

from importlib.metadata import version
from pathlib import Path
from typing import Literal

import torch
from pydantic import ConfigDict, Field
from torch import Tensor

from noise2music.core.errors import UserError
from noise2music.core.settings import Record
from noise2music.core.tensors import read_header, read_tensors, write_tensors
from noise2music.models.cascade.presets import Preset
from noise2music.models.cascade.stage import Stage, StageName
from noise2music.models.network.unet import UNet
from noise2music.models.signal.log_mel import LOG_MEL, LogMelScale

FORMAT = 1


class _Frozen(Record):
    # Aliases are the names in files of weights, which stay as they are; the names of the code are read as well.
    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)


class TextIdentity(_Frozen):
    """The text encoder of a stage in training: its name in the configuration, a hash of all of it, and the size of its embeddings."""

    name: str
    identity: str
    dim: int


class Level(_Frozen):
    """How loud the training audio is: root mean square in dB below full scale, and the standard deviation of x0 in network units."""

    rms_dbfs: float
    std: float = Field(alias="spread")


class DataFacts(_Frozen):
    """The training data of a stage: content digest of the shards' manifest, licences of their tracks, sources of their captions."""

    digest: str
    clips: int
    licences: tuple[str, ...]
    vocabularies: tuple[str, ...]
    level: Level


class WeightsHeader(_Frozen):
    """The header of published weights. average: which average over training they are. clips: seen in training."""

    format: int = FORMAT
    preset: Preset
    stage: Stage
    log_mel: LogMelScale = LOG_MEL
    text: TextIdentity | None
    data: DataFacts
    clips: int
    seed: int
    average: str
    software: str


def software() -> str:
    """The version of this code, for the header of weights."""
    return f"noise2music {version('noise2music')}"


def write_weights(path: Path, network: dict[str, Tensor], header: WeightsHeader, precision: Literal["fp32", "fp16"] = "fp32") -> None:
    """Publish weights by parameter name. Raises UserError where they cannot be written; what was there stays."""
    dtype = torch.float32 if precision == "fp32" else torch.float16
    write_tensors(path, {name: tensor.detach().to("cpu", dtype) for name, tensor in sorted(network.items())}, header)


def read_weights_header(path: Path, stage: StageName | None = None) -> WeightsHeader:
    """The header of a file. Raises UserError where it is no whole file of ours, is newer than this code, or of another stage."""
    header = read_header(path, WeightsHeader, FORMAT)
    if stage is not None and header.stage.name != stage:
        raise UserError(
            f"{path} holds the weights of the {header.stage.name}, not of the {stage}. Check which file is given for which stage."
        )
    if header.log_mel != LOG_MEL:
        raise UserError(f"{path} was trained on spectrograms of other constants ({header.log_mel}) than this version makes ({LOG_MEL}).")
    return header


def load_network(path: Path, header: WeightsHeader, device: str = "cpu") -> UNet:
    """The network with its weights, in fp32 and ready for use. Raises UserError where names or shapes are not those of the stage.

    Weights are copied out of the file: results would depend on their place in it, and change with what overwrites it.
    """
    with torch.device("meta"):
        network = UNet(header.stage.unet)
    tensors = {name: tensor.to(torch.float32, copy=True) for name, tensor in read_tensors(path, device).items()}
    load_parameters(network, tensors, path)
    return network.eval().requires_grad_(False)


def load_parameters(network: UNet, tensors: dict[str, Tensor], path: Path) -> None:
    """Give a network its parameters by name, in place of those it has. Raises UserError where names or shapes differ."""
    expected = {name: parameter.shape for name, parameter in network.named_parameters()}
    wrong = sorted(expected.keys() ^ tensors.keys()) or [name for name, shape in expected.items() if tensors[name].shape != shape]
    if wrong:
        raise UserError(f"{path} does not fit the network that its header describes: {', '.join(wrong[:3])} ({len(wrong)} in all).")
    network.load_state_dict(tensors, assign=True)
