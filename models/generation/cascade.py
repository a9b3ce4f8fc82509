"""The trained stages of a route, loaded and known to fit each other."""

from dataclasses import dataclass

from models.cascade.stage import StageName
from models.cascade.weights import WeightsHeader
from models.generation.settings import GenerationSettings


@dataclass(frozen=True)
class Cascade:
    """Stages that fit each other, ready for use; loaded once a process and shared by its threads.

    identity: sha256 of each weights file that is used. rate: of what comes out, Hz.
    """

    settings: GenerationSettings
    identity: dict[StageName, str]
    headers: dict[StageName, WeightsHeader]
    rate: int


def load_cascade(checkpoints: str, settings: GenerationSettings, device: str = "auto", text_model: str | None = None) -> Cascade:
    """The stages of settings.chain from a folder or URI with STAGE/weights.safetensors or STAGE.safetensors; "tiny": those that ship.

    device: "cpu", "cuda" or "auto". text_model: folder or hub id of the text encoder, where it is not where it was in training.
    Raises UserError that names what is missing, or what does not fit.
    """
    raise NotImplementedError
