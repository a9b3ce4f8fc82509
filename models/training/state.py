"""The training state on disk: all that a run needs to go on as if it had never stopped, bit for bit on a CPU."""

import logging
from collections.abc import Iterator
from pathlib import Path

import torch
from pydantic import ConfigDict, Field
from torch import Tensor

from noise2music.core.errors import UserError
from noise2music.core.settings import Record
from noise2music.core.tensors import read_header, read_tensors, write_tensors
from noise2music.models.cascade.stage import Stage
from noise2music.models.cascade.weights import DataFacts, TextIdentity
from noise2music.models.network.unet import UNet
from noise2music.models.training.ema import Average
from noise2music.models.training.parallel import full_tensor, shard_like

FORMAT = 1
log = logging.getLogger("n2m")


class StateHeader(Record):
    """Where a run stands. clips: seen, which is the position in the data. updates: optimizer steps done; skipped: left out for a
    loss that was no finite number.
    """

    # Aliases are the names in files of states, which stay as they are.
    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    format: int = FORMAT
    stage: Stage
    text: TextIdentity | None
    data: DataFacts
    seed: int
    global_batch_size: int = Field(alias="clips_a_step")
    clips: int = 0
    updates: int = 0
    skipped: int = 0


class State:
    """Network, optimizer and averages by name, as tensors to save and to load; `averages` has one entry a kind, for example "ema"."""

    def __init__(self, network: UNet, optimizer: torch.optim.Optimizer, averages: dict[str, Average]) -> None:
        self._parameters = dict(network.named_parameters())
        self._optimizer = optimizer
        self._averages = averages

    def tensors(self) -> dict[str, Tensor]:
        """Everything, whole and on the CPU; every rank has to call it."""
        return {name: full_tensor(tensor) for name, tensor in self._named()}

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor], updates: int, path: Path) -> None:
        """Put saved tensors back. Raises UserError where something is missing or of another shape."""
        self._make_moments(updates)
        for name, tensor in self._named():
            if name not in tensors or tensors[name].shape != tensor.shape:
                raise UserError(f"{path} lacks {name}, or has it in another shape. It is of a run with other settings: set another `out`.")
            tensor.copy_(shard_like(tensors[name], tensor))

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self._parameters.items():
            yield f"network.{name}", parameter
            for moment, value in self._optimizer.state[parameter].items():
                if moment != "step":
                    yield f"optimizer.{moment}.{name}", value
        for kind, average in self._averages.items():
            for name, value in zip(self._parameters, average.values, strict=True):
                yield f"{kind}.{name}", value

    def _make_moments(self, updates: int) -> None:
        """Adam makes its moments at the first step; a loaded state needs them before."""
        fused = bool(self._optimizer.param_groups[0].get("fused"))
        for parameter in self._parameters.values() if updates else ():
            device = parameter.device if fused else torch.device("cpu")
            moments = {moment: torch.zeros_like(parameter) for moment in ("exp_avg", "exp_avg_sq")}
            self._optimizer.state[parameter] = {"step": torch.tensor(float(updates), device=device), **moments}


def state_path(folder: Path, clips: int) -> Path:
    """The file of the state after so many clips; names sort by it."""
    return folder / f"clips-{clips:012d}.safetensors"


def save_state(folder: Path, header: StateHeader, tensors: dict[str, Tensor], keep: int) -> Path:
    """Write a state, then remove all but the newest `keep`. Raises UserError where it cannot be written; the last good one then stays."""
    path = state_path(folder, header.clips)
    write_tensors(path, tensors, header)
    for old in saved_states(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def saved_states(folder: Path) -> list[Path]:
    """The states in a folder, oldest first."""
    return sorted(folder.glob("clips-*.safetensors"))


def newest_state(folder: Path) -> tuple[StateHeader, dict[str, Tensor], Path] | None:
    """The newest state that can be read, None where there is none. A damaged one is logged, and the one before it is taken."""
    damage = None
    for path in reversed(saved_states(folder)):
        try:
            return read_header(path, StateHeader, FORMAT), read_tensors(path), path
        except UserError as error:
            damage = error
            log.warning("%s The state before it is taken.", error)
    if damage is not None:
        raise UserError(f"no saved state in {folder} can be read. Remove that folder to start the stage anew.") from damage
    return None
