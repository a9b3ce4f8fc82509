"""Few steps against the paper's: network calls, and what the scorer thinks of the clips.

    python -m benchmarks.fast_against_paper --checkpoints FOLDER [--route spectrogram] [--clips 8] [--seconds 3]

The same prompts, seeds and networks twice, up to 16 kHz without super-resolution, as the paper measures. "paper": the step schedules of
table 7 with the ancestral sampler (1,000 and 800 steps, or 1,000 and 100 of the spectrogram route). "fast": 20 steps of DPM-Solver++(2M),
or what --steps, --sampler and --schedule say; --own is what each stage was published with. Guidance is the stages' own on both sides.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from benchmarks.prompts_told_apart import flatness, told_apart
from noise2music.core.errors import RowError
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.scorers.load import load_scorer
from noise2music.labeling.settings import ScorerSettings
from noise2music.models.cascade.stage import SamplerName, StageName
from noise2music.models.generation.cascade import Cascade, load_cascade
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.request import Made, Request
from noise2music.models.generation.settings import GenerationSettings, Route, StageSampling
from noise2music.models.job.make import embed_audio
from noise2music.models.job.prompts import read_prompts

LAST: dict[Route, StageName] = {"waveform": "waveform-cascader", "spectrogram": "vocoder"}


@dataclass(frozen=True)
class Side:
    """What one schedule gave. calls: of networks a clip. cosines (clips,): to the clip's prompt. apart: share of other prompts farther."""

    calls: float
    seconds: float
    cosines: np.ndarray
    apart: float
    flatness: float


def run(cascade: Cascade, settings: GenerationSettings, prompts: Sequence[str], seconds: float, seed: int, scorer: Scorer) -> Side:
    """A clip for each prompt. Raises SystemExit where one cannot be made."""
    started = time.perf_counter()
    requests = [Request(f"{number:05d}", prompt, seconds, seed) for number, prompt in enumerate(prompts)]
    clips: list[Made] = []
    for item in generate_requests(cascade.changed(settings), requests):
        if isinstance(item, RowError):
            raise SystemExit(f"a clip could not be made: {item.message}")
        clips.append(item)
    spent = time.perf_counter() - started
    texts = scorer.embed_text(list(prompts)).joint_embeddings.astype(np.float64)
    scores = np.stack([texts @ embed_audio(scorer, clip.audio, clip.rate) for clip in clips])
    return Side(
        calls=float(np.mean([clip.calls for clip in clips])),
        seconds=spent / len(clips),
        cosines=np.diag(scores),
        apart=float(np.mean([told_apart(row, number)[0] for number, row in enumerate(scores)])) if len(clips) > 1 else float("nan"),
        flatness=float(np.mean([flatness(clip.audio, clip.rate) for clip in clips])),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", required=True, help='folder or URI with the stages\' weights, or "tiny"')
    parser.add_argument("--route", choices=get_args(Route), default="waveform")
    parser.add_argument("--prompts", default="examples/held_out_prompts.txt")
    parser.add_argument("--clips", type=int, default=8, help="the first so many prompts")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sampler", choices=get_args(SamplerName), default="dpm_solver_2m")
    parser.add_argument("--schedule", choices=("uniform", "lambda", "karras"), default="uniform")
    parser.add_argument("--own", action="store_true", help="the stages' own sampling in place of these three")
    parser.add_argument("--scorer", default="starter")
    options = parser.parse_args()
    few = StageSampling() if options.own else StageSampling(sampler=options.sampler, schedule=options.schedule, steps=options.steps)
    base = GenerationSettings(route=options.route, stop_after=LAST[options.route])
    sides = {
        "paper": base.model_copy(update={"sampling": StageSampling(schedule="paper")}),
        "fast": base.model_copy(update={"sampling": few}),
    }
    scorer = load_scorer(ScorerSettings(model=options.scorer), "auto")
    prompts = [row.prompt for row in read_prompts(options.prompts, options.seconds, options.seed).wanted][: options.clips]
    cascade = load_cascade(options.checkpoints, base)
    print(f"{options.route} route, {len(prompts)} prompts, {options.seconds:g} s at 16 kHz, one clip at a time on {cascade.device.type}")
    print(f"{'':8} {'calls a clip':>12} {'s a clip':>9} {'cosine':>8} {'told apart':>10} {'flatness':>9}")
    found = {}
    for name, settings in sides.items():
        side = found[name] = run(cascade, settings, prompts, options.seconds, options.seed, scorer)
        print(
            f"{name:8} {side.calls:12.0f} {side.seconds:9.2f} {side.cosines.mean():8.4f} {side.apart:10.1%} {side.flatness:9.3f}",
            flush=True,
        )
    paper, fast = found["paper"], found["fast"]
    error = (fast.cosines - paper.cosines).std(ddof=1) / len(prompts) ** 0.5 if len(prompts) > 1 else float("nan")
    print(f"calls: 1/{paper.calls / fast.calls:.1f} (goal: at most 1/25)")
    print(
        f"cosine: {fast.cosines.mean() / paper.cosines.mean() - 1:+.1%} of the paper's (goal: within 5 %), "
        f"difference {(fast.cosines - paper.cosines).mean():+.4f} with a standard error of {error:.4f}"
    )


if __name__ == "__main__":
    main()
