"""The trained stages of a route, loaded and known to fit each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from labeling.errors import UserError
from labeling.scorers.load import choose_device
from models.cascade.stage import Stage, StageName
from models.cascade.weights import WeightsHeader, load_network, read_weights_header
from models.generation.checkpoints import file_identity, weights_files
from models.generation.fit import check_fit
from models.generation.networks import Networks, memory_is_short
from models.generation.sampling import sampled
from models.generation.settings import GenerationSettings
from models.generation.texts import PromptTexts


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
        wanted = self.settings.precision
        return wanted == "bf16" or (wanted == "auto" and self.device.type == "cuda")

    def changed(self, settings: GenerationSettings) -> "Cascade":
        """The same networks under other settings. Raises UserError where these need a stage that was not loaded."""
        if lacking := [name for name in settings.chain if name not in self.headers]:
            raise UserError(
                f"the weights of the {', the '.join(lacking)} were not loaded: this cascade has {', '.join(self.headers)}. "
                "Load one with a route, start and stop_after that reach it."
            )
        stages = _stages(self.headers, settings)
        headers = {name: self.headers[name] for name in settings.chain}
        identity = {name: self.identity[name] for name in settings.chain}
        texts = self.texts if any(stage.tokens for stage in stages) else None
        return replace(self, settings=settings, stages=stages, headers=headers, identity=identity, rate=stages[-1].signal.rate, texts=texts)


def load_cascade(checkpoints: str, settings: GenerationSettings, device: str = "auto", text_model: str | None = None) -> Cascade:
    """The stages of settings.chain from a folder or URI with STAGE/weights.safetensors or STAGE.safetensors; "tiny": those that ship.

    device: "cpu", "cuda" or "auto". text_model: folder or hub id of the text encoder, where it is not where it was in training.
    Raises UserError that names what is missing, or what does not fit.
    """
    place = torch.device(choose_device(device))
    files = weights_files(checkpoints, settings.chain)
    headers = {name: read_weights_header(path, name) for name, path in files.items()}
    check_fit([headers[name] for name in settings.chain], checkpoints)
    stages = _stages(headers, settings)
    texts = _texts(list(headers.values()), text_model, place)
    networks = {name: load_network(path, headers[name]) for name, path in files.items()}
    weights_bytes = sum(4 * parameter.numel() for network in networks.values() for parameter in network.parameters())
    return Cascade(
        settings=settings,
        identity={name: file_identity(path) for name, path in files.items()},
        headers=headers,
        rate=stages[-1].signal.rate,
        stages=stages,
        networks=Networks(networks, place, memory_is_short(place, weights_bytes)),
        texts=texts,
    )


def _stages(headers: dict[StageName, WeightsHeader], settings: GenerationSettings) -> tuple[Stage, ...]:
    return tuple(sampled(headers[name].stage, settings.sampling_of(name)) for name in settings.chain)


def _texts(headers: Sequence[WeightsHeader], model: str | None, device: torch.device) -> PromptTexts | None:
    trained = next((header.text for header in headers if header.text is not None), None)
    if trained is None:
        return None
    texts = PromptTexts(trained, model, device)
    texts.load()
    return texts
