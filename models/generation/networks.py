"""The networks of a cascade on their device: all at once, or one after the other where its memory is short."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from labeling.errors import UserError
from models.cascade.stage import StageName
from models.network.unet import UNet


class Networks:
    """Loaded networks by stage, on the CPU. On a GPU they are moved there for good unless `one_at_a_time`."""

    def __init__(self, networks: Mapping[StageName, UNet], device: torch.device, one_at_a_time: bool) -> None:
        self.device = device
        self.one_at_a_time = one_at_a_time
        self.lock = threading.Lock()
        """Held by who uses a GPU, so that threads take turns."""
        self._networks = dict(networks)
        if not one_at_a_time:
            for network in self._networks.values():
                network.to(device)

    @property
    def stages(self) -> frozenset[StageName]:
        """Which stages are loaded."""
        return frozenset(self._networks)

    @contextmanager
    def use(self, stage: StageName) -> Iterator[UNet]:
        """The network of a stage, on the device. Raises UserError where its weights were not loaded: none is ever made up."""
        if stage not in self._networks:
            raise UserError(
                f"the weights of the {stage} were not loaded, so it cannot be used: those of {', '.join(sorted(self._networks))} were. "
                "Load a cascade whose route, start and stop_after reach it."
            )
        network = self._networks[stage]
        if not self.one_at_a_time:
            yield network
            return
        _move(network, self.device)
        try:
            yield network
        finally:
            _move(network, torch.device("cpu"))
            torch.cuda.empty_cache()


def _move(network: UNet, device: torch.device) -> None:
    """Outside of inference mode, whose tensors a parameter cannot hold."""
    with torch.inference_mode(False):
        network.to(device)


def memory_is_short(device: torch.device, network_bytes: int) -> bool:
    """Whether networks of so many bytes leave a GPU less than half of its free memory for what they compute."""
    return device.type == "cuda" and network_bytes > torch.cuda.mem_get_info(device)[0] / 2
