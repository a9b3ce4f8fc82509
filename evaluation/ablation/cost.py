"""What a clip costs on this machine: each stage's steps, the time of one, and the time of all; and what the paper says of its own."""

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from noise2music.core.data_files import read_toml
from noise2music.core.errors import RowError, UserError
from noise2music.models.cascade.stage import StageName
from noise2music.models.generation.cascade import Cascade, Networks
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.request import Request
from noise2music.models.job.make import stage_info
from noise2music.models.network.unet import UNet


@dataclass(frozen=True)
class StageCost:
    """One stage of one clip. ms_step: mean over the steps. seconds: of the whole stage. calls: of the network."""

    stage: StageName
    steps: int
    calls: int
    ms_step: float
    seconds: float

    @property
    def in_steps(self) -> float:
        """Seconds that the steps take."""
        return self.steps * self.ms_step / 1000

    @property
    def beyond(self) -> float:
        """Seconds of the stage outside of its steps: the noise that it starts from, and consistency with its source."""
        return self.seconds - self.in_steps


@dataclass(frozen=True)
class Cost:
    """Of one clip, made alone. seconds: of all stages, without text encoder and files. machine: where."""

    stages: tuple[StageCost, ...]
    machine: str

    @property
    def seconds(self) -> float:
        """A clip."""
        return sum(stage.seconds for stage in self.stages)


def measure_cost(cascade: Cascade, request: Request) -> Cost:
    """Make a clip twice, the first time to warm up, and time the second. Raises UserError where no clip comes."""
    timed = TimedNetworks(cascade.networks)
    watched = replace(cascade, networks=timed)
    for _ in range(2):
        timed.times.clear()
        (clip,) = generate_requests(watched, [request])
        if isinstance(clip, RowError):
            raise UserError(f"the clip {request.key}, by which the cost is measured, cannot be made: {clip.reason}: {clip.message}.")
    infos = {info.stage: info.steps for info in stage_info(cascade)}
    stages = []
    for stage, (calls, loop, whole) in timed.times.items():
        stages.append(StageCost(stage, infos[stage], calls, 1000 * loop / infos[stage], whole))
    return Cost(tuple(stages), machine(cascade.device))


def machine(device: torch.device) -> str:
    """What computes, in words."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    return f"{platform.machine()}, one thread a clip on {os.cpu_count()} CPUs, torch {torch.__version__}"


class TimedNetworks(Networks):
    """The networks of a cascade with a watch. times: stage -> calls, seconds from the first call's start to the last one's end, seconds of
    the whole stage.
    """

    def __init__(self, networks: Networks) -> None:
        self.device, self.one_at_a_time, self.lock = networks.device, networks.one_at_a_time, networks.lock
        self.times: dict[StageName, tuple[int, float, float]] = {}
        self._inner = networks

    @property
    def stages(self) -> frozenset[StageName]:
        """Which stages are loaded."""
        return self._inner.stages

    @contextmanager
    def use(self, stage: StageName) -> Iterator[UNet]:
        """The network, with hooks that note when it is called."""
        starts: list[float] = []
        ends: list[float] = []
        with self._inner.use(stage) as network:
            hooks = [
                network.register_forward_pre_hook(lambda *_: starts.append(self._now())),
                network.register_forward_hook(lambda *_: ends.append(self._now())),
            ]
            began = self._now()
            try:
                yield network
                whole = self._now() - began
            finally:
                for hook in hooks:
                    hook.remove()
        self.times[stage] = (len(starts), ends[-1] - starts[0], whole)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def cost_json(cost: Cost) -> bytes:
    """For the next run, which does not measure it again."""
    return (json.dumps(asdict(cost), indent=1) + "\n").encode()


def parse_cost(data: bytes) -> Cost | None:
    """None where it is not one: then it is measured again."""
    try:
        values: dict[str, Any] = json.loads(data)
        return Cost(tuple(StageCost(**stage) for stage in values["stages"]), str(values["machine"]))
    except (ValueError, TypeError, KeyError):
        return None


@dataclass(frozen=True)
class PaperStage:
    """One line of table 6."""

    stage: str
    ms_step: float
    steps: int
    seconds: float


@dataclass(frozen=True)
class PaperCost:
    """note: what must be known beside the figures."""

    note: str
    stages: tuple[PaperStage, ...]


def paper_cost() -> PaperCost:
    """Table 6 of arXiv 2302.03917v2."""
    return read_toml("noise2music.evaluation", "paper_cost.toml", PaperCost)
