"""The trained stages of a route: loaded, and checked to fit each other."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from noise2music.core.device import choose_device
from noise2music.core.errors import UserError
from noise2music.models.cascade.stage import Stage, StageName
from noise2music.models.cascade.weights import WeightsHeader, load_network, read_weights_header
from noise2music.models.generation.checkpoints import check_fit, open_checkpoints
from noise2music.models.generation.settings import GenerationSettings, apply_sampling
from noise2music.models.generation.texts import PromptTexts
from noise2music.models.network.unet import UNet

# The networks of a cascade on their device: all at once, or one after the other where its memory is short.


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


@dataclass(frozen=True)
class Cascade:
    """Stages that fit each other, ready for use; loaded once a process and shared by its threads.

    identity: sha256 of each weights file that is used. rate: of what comes out, Hz. stages: those that run, in their order, with the
    sampling that settings say. texts: None where no stage reads text.
    """

    settings: GenerationSettings
    identity: dict[StageName, str]
    headers: dict[StageName, WeightsHeader]
    rate: int
    stages: tuple[Stage, ...]
    networks: Networks
    texts: PromptTexts | None

    @property
    def device(self) -> torch.device:
        """Where the networks compute."""
        return self.networks.device

    @property
    def half(self) -> bool:
        """Whether networks run in bf16 autocast."""
        precision = self.settings.precision
        return precision == "bf16" or (precision == "auto" and self.device.type == "cuda")

    def changed(self, settings: GenerationSettings) -> "Cascade":
        """The same networks under other settings. Raises UserError where these need a stage that was not loaded."""
        if missing := [name for name in settings.chain if name not in self.headers]:
            raise UserError(
                f"the weights of the {', the '.join(missing)} were not loaded: this cascade has {', '.join(self.headers)}. "
                "Load one with a route, start and stop_after that reach it."
            )
        stages = _stages(self.headers, settings)
        headers = {name: self.headers[name] for name in settings.chain}
        identity = {name: self.identity[name] for name in settings.chain}
        texts = self.texts if any(stage.tokens for stage in stages) else None
        return replace(self, settings=settings, stages=stages, headers=headers, identity=identity, rate=stages[-1].signal.rate, texts=texts)


def load_cascade(
    checkpoints: str, settings: GenerationSettings, device: str = "auto", text_model: str | None = None, revision: str | None = None
) -> Cascade:
    """The stages of settings.chain from `checkpoints` (models.generation.checkpoints.open_checkpoints); "tiny": those that ship.

    device: "cpu", "cuda" or "auto". text_model: folder or hub id of the text encoder, where it is not where it was in training.
    revision: of a hub id. Raises UserError that names what is missing, or what does not fit.
    """
    place = torch.device(choose_device(device))
    found = open_checkpoints(checkpoints, settings.chain, revision)
    files = found.files
    headers = {name: read_weights_header(path, name) for name, path in files.items()}
    check_fit([headers[name] for name in settings.chain], checkpoints)
    stages = _stages(headers, settings)
    texts = _texts(list(headers.values()), text_model or found.text_model, place)
    networks = {name: load_network(path, headers[name]) for name, path in files.items()}
    weights_bytes = sum(4 * parameter.numel() for network in networks.values() for parameter in network.parameters())
    return Cascade(
        settings=settings,
        identity=found.identity,
        headers=headers,
        rate=stages[-1].signal.rate,
        stages=stages,
        networks=Networks(networks, place, memory_is_short(place, weights_bytes)),
        texts=texts,
    )


def _stages(headers: dict[StageName, WeightsHeader], settings: GenerationSettings) -> tuple[Stage, ...]:
    return tuple(apply_sampling(headers[name].stage, settings.sampling_of(name)) for name in settings.chain)


def _texts(headers: Sequence[WeightsHeader], model: str | None, device: torch.device) -> PromptTexts | None:
    text = next((header.text for header in headers if header.text is not None), None)
    if text is None:
        return None
    texts = PromptTexts(text, model, device)
    texts.load()
    return texts
