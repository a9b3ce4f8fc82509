"""A cascade in a few lines of Python: a prompt in, a clip out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import stable_id
from noise2music.models.cascade.stage import SamplerName, StageName
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.cascade import load_cascade as load
from noise2music.models.generation.clip import GeneratedClip
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.request import Request
from noise2music.models.generation.settings import GenerationSettings, Route, ScheduleName, StageSampling
from noise2music.models.job.prompt import Prompt, content_of
from noise2music.models.job.prompts import LARGEST_SEED


class LoadedCascade:
    """A cascade that is ready to generate; `load_cascade` makes it.

    Args:
        cascade: its networks, settings and text encoder, as the batch job uses them.
    """

    def __init__(self, cascade: Cascade) -> None:
        self.cascade = cascade

    def __repr__(self) -> str:
        return f"LoadedCascade({' -> '.join(self.stages)}, {self.sample_rate} Hz, {self.cascade.device})"

    @property
    def stages(self) -> tuple[StageName, ...]:
        """The stages that run, in their order."""
        return tuple(stage.name for stage in self.cascade.stages)

    @property
    def sample_rate(self) -> int:
        """Of what comes out, in Hz."""
        return self.cascade.rate

    def generate(
        self,
        prompt: str,
        seconds: float = 10.0,
        seed: int = 0,
        *,
        negative: str | None = None,
        sampler: SamplerName | None = None,
        steps: int | None = None,
        schedule: ScheduleName | tuple[tuple[float, int], ...] | None = None,
        guidance: float | None = None,
    ) -> GeneratedClip:
        """Make a clip for a prompt: the one that `n2m generate` makes of a line of text with this seed.

        Args:
            prompt: what is heard, in words.
            seconds: of audio, above 0 and at most 600.
            seed: 0 to 2^63 - 1. On a CPU the same prompt, seconds and seed give the same bits.
            negative: what the clip shall not be like.
            sampler: "ancestral", "ddim", "euler", "dpm_solver_2m" or "heun", of every stage; None is what each was published with.
            steps: how many, of every stage.
            schedule: where the noise levels lie (models.generation.settings.StageSampling).
            guidance: the scale of the guidance by text; 1 is none.

        Returns:
            The clip: audio (samples,) float32, sample_rate in Hz, save, and a player in a notebook.

        Raises:
            UserError: sampling that cannot be, or a seed out of range.
            RowError: this clip cannot be made: `reason` "empty_prompt", "bad_seconds", "silent", "not_finite", ...

        Source: arXiv 2302.03917, sections 3 and 4.
        """
        if not 0 <= seed <= LARGEST_SEED:
            raise UserError(f"seed = {seed}: it is a whole number from 0 to {LARGEST_SEED}.")
        changes = _sampling({"sampler": sampler, "steps": steps, "schedule": schedule, "guidance": guidance})
        settings = self.cascade.settings
        changed = settings.model_copy(
            update={
                "sampling": settings.sampling.changed_by(changes),
                "stages": {name: sampling.changed_by(changes) for name, sampling in settings.stages.items()},
            }
        )
        # The key of a row of a prompt file that says nothing but its text.
        key = stable_id(content_of(Prompt("", prompt, seconds, seed, negative=negative), None, None))
        request = Request(key, prompt, seconds, seed, negative=negative)
        (clip,) = generate_requests(self.cascade.changed(changed), [request])
        if isinstance(clip, RowError):
            raise clip
        return clip


def load_cascade(
    checkpoints: str | Path = "tiny",
    route: Route = "waveform",
    *,
    settings: GenerationSettings | None = None,
    device: str = "auto",
    text_model: str | None = None,
    revision: str | None = None,
) -> LoadedCascade:
    """A trained cascade, loaded: from a prompt to audio at 24 kHz.

    Args:
        checkpoints: "tiny", which ships; a folder or URI with STAGE/weights.safetensors, as training leaves it, or STAGE.safetensors, as
            `n2m export-cascade` writes them; or OWNER/NAME, the id of such a folder on the Hugging Face hub.
        route: "waveform" or "spectrogram", the way from text to audio.
        settings: everything that changes the audio, in place of route.
        device: "cpu", "cuda" or "auto".
        text_model: folder or hub id of the text encoder, where it is not where it was in training.
        revision: branch, tag or commit of a hub id; None is its main branch.

    Returns:
        The cascade, with `generate`.

    Raises:
        UserError: names what is missing, or what does not fit.

    Source: arXiv 2302.03917, section 4; the weights that ship are described in docs/starter_cascade.md.
    """
    return LoadedCascade(load(str(checkpoints), settings or GenerationSettings(route=route), device, text_model, revision))


def _sampling(values: Mapping[str, Any]) -> StageSampling:
    try:
        return StageSampling.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][:1]))
        message = str(first["msg"]).removeprefix("Value error, ")
        raise UserError(f"{where} = {first['input']!r}: {message}." if where else f"{message}.") from None
