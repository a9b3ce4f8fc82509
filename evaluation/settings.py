"""What an evaluation can be told. Frozen, and an unknown key is an error."""

from typing import Literal

from pydantic import Field

from noise2music.core.settings import Settings
from noise2music.evaluation.statistics.jackknife import GROUPS

DRAWS = 100


class EvaluateRun(Settings):
    """Where an evaluation runs; none of it changes a figure. workers: clips at once. cache: folder or URI of embeddings, the user's by
    default, "" for none.
    """

    workers: int = Field(2, ge=1, le=64)
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    cache: str | None = None


class EvaluateSettings(Settings):
    """Systems' clips against a reference, into `out`; each may be local or in an object store.

    clips: places of `n2m generate` or folders of audio, each alone or as label=PLACE. reference: a folder of audio, the root of a labeling
    run, or statistics (.safetensors of an earlier evaluation, .npz of fadtk, or a folder of such). prompts: a file as `n2m generate` takes
    it, of which every system should have each key. pairs: a table of keys and of files. networks: that hear (evaluation.embedders).
    permutations: splits of the pool for the null, 0 for none. groups: of clips, left out one at a time. reference_clips: of a reference,
    at most. beside: results of earlier evaluations that are shown too. shown: nearest and worst clips of each system on the page.
    """

    clips: tuple[str, ...] = Field(min_length=1)
    reference: str = Field(min_length=1)
    out: str = Field(min_length=1)
    prompts: str | None = None
    pairs: str | None = None
    networks: tuple[str, ...] = Field(("yamnet", "musicnn", "resemblyzer", "starter"), min_length=1)
    protocol: str = "paper"
    permutations: int = Field(DRAWS, ge=0, le=100_000)
    groups: int = Field(GROUPS, ge=3, le=1000)
    seed: int = Field(0, ge=0)
    reference_clips: int | None = Field(None, ge=1)
    beside: tuple[str, ...] = ()
    shown: int = Field(4, ge=0, le=100)
    run: EvaluateRun = EvaluateRun()
