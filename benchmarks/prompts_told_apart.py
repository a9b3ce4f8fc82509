"""Does a cascade follow its prompts?

    python -m benchmarks.prompts_told_apart --checkpoints FOLDER [--prompts examples/held_out_prompts.txt] [--clips 64] [--seconds 5]
    python -m benchmarks.prompts_told_apart --pieces 64      # the same figures of rendered music and its own captions: a ceiling

One clip a prompt and route. Told apart: the share of (clip, its prompt, another prompt) in which the scorer's cosine is higher for the
clip's own, over all other prompts, and with one other a clip, drawn by hash. Equal cosines count half, so chance is 50 %.

Spectral flatness, of the clip at 16 kHz: P = |FFT|^2 of Hann frames of 512 samples (32 ms) every 128; in each frame the geometric over
the arithmetic mean of P over the 257 frequencies; then the mean over frames. White noise is .56 by that (exp of -0.5772), rendered
music about .02.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.core.errors import RowError
from noise2music.core.ids import hash_uniform
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.scorers.load import load_scorer
from noise2music.labeling.settings import ScorerSettings
from noise2music.models.generation.cascade import load_cascade
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.guards import SILENT_DBFS, level_dbfs
from noise2music.models.generation.request import Request
from noise2music.models.generation.settings import GenerationSettings, Route, StageSampling
from noise2music.models.job.make import embed_audio
from noise2music.models.job.prompts import read_prompts
from noise2music.synth.render import render_piece

RATE = 16000
FRAME, HOP = 512, 128
LEAST_POWER = 1e-10
CLIPPED = 0.999
"""A sample at or above this is at full scale; a clip with more than CLIPPED_SHARE of them is clipped."""
CLIPPED_SHARE = 1e-3


@dataclass(frozen=True)
class Clip:
    """A clip's figures. own: cosine to its own prompt; all_others: share of the other prompts that are farther; one_other: of one."""

    prompt: str
    own: float
    all_others: float
    one_other: float
    flatness: float
    rms_dbfs: float
    peak: float
    silent: bool
    clipped: bool


def flatness(audio: Float32s, rate: int) -> float:
    """(samples,) -> spectral flatness in [0, 1], as the head of this file says; 1 for silence."""
    signal = resample(audio, rate, RATE).astype(np.float64)
    signal = np.pad(signal, (0, max(0, FRAME - len(signal))))
    frames = np.lib.stride_tricks.sliding_window_view(signal, FRAME)[::HOP] * np.hanning(FRAME)
    power = np.maximum(np.abs(np.fft.rfft(frames, axis=1)) ** 2, LEAST_POWER)
    return float(np.mean(np.exp(np.log(power).mean(1)) / power.mean(1)))


def told_apart(scores: np.ndarray, number: int) -> tuple[float, float]:
    """scores (prompts,) of clip `number` -> share of all others that are below its own, and whether one other is; equal ones count half."""
    others = np.delete(scores, number)
    below = (others < scores[number]) + 0.5 * (others == scores[number])
    one = int(hash_uniform(0, np.array([number], np.uint64))[0] * len(others))
    return float(below.mean()), float(below[one])


def measure(scorer: Scorer, clips: Sequence[tuple[Float32s, int]], prompts: Sequence[str]) -> list[Clip]:
    """Clips (audio, rate) and the prompt of each -> their figures."""
    texts = scorer.embed_text(list(prompts)).joint_embeddings
    figures = []
    for number, (audio, rate) in enumerate(clips):
        scores = np.round(texts.astype(np.float64) @ embed_audio(scorer, audio, rate), 6)
        all_others, one_other = told_apart(scores, number)
        rms_dbfs = level_dbfs(audio)
        figures.append(
            Clip(
                prompt=prompts[number],
                own=float(scores[number]),
                all_others=all_others,
                one_other=one_other,
                flatness=flatness(audio, rate),
                rms_dbfs=rms_dbfs,
                peak=float(np.abs(audio).max()),
                silent=rms_dbfs < SILENT_DBFS,
                clipped=bool(np.mean(np.abs(audio) >= CLIPPED) > CLIPPED_SHARE),
            )
        )
    return figures


def generated(
    checkpoints: str, settings: GenerationSettings, prompts: Sequence[str], seconds: float, seed: int, best_of: int, scorer: Scorer
) -> list[tuple[Float32s, int]]:
    """A clip for each prompt, of `best_of` the one that the scorer finds nearest. Raises SystemExit where one cannot be made."""
    cascade = load_cascade(checkpoints, settings, "auto")
    asked = [Request(f"{number:05d}", prompt, seconds, seed, n) for number, prompt in enumerate(prompts) for n in range(best_of)]
    clips: list[tuple[Float32s, int]] = []
    for item in generate_requests(cascade, asked):
        if isinstance(item, RowError):
            raise SystemExit(f"a clip could not be made: {item.message}")
        clips.append((item.audio, item.rate))
    if best_of == 1:
        return clips
    texts = np.repeat(scorer.embed_text(list(prompts)).joint_embeddings, best_of, axis=0)
    cosines = np.array([float(embed_audio(scorer, *clip) @ text) for clip, text in zip(clips, texts, strict=True)]).reshape(-1, best_of)
    return [clips[place * best_of + int(best)] for place, best in enumerate(cosines.argmax(1))]


def rendered(pieces: int, seconds: float, seed: int) -> tuple[list[tuple[Float32s, int]], list[str]]:
    """Stretches from the middle of pieces of 30 s, and what is true of each in one sentence: mood, genre and instruments."""
    made = [render_piece(seed, index, max(30.0, seconds)) for index in range(pieces)]
    clips = []
    for piece in made:
        start = int((len(piece.audio) - seconds * piece.sample_rate) / 2)
        clips.append((piece.audio[start : start + round(seconds * piece.sample_rate)], piece.sample_rate))
    return clips, [piece.truth.captions()[0] for piece in made]


def show(title: str, clips: Sequence[Clip]) -> None:
    """One line of the table."""

    def mean(value: Callable[[Clip], float]) -> float:
        return float(np.mean([value(clip) for clip in clips]))

    print(
        f"{title:14} {len(clips):5d} {mean(lambda c: c.all_others):10.1%} {mean(lambda c: c.one_other):10.1%} {mean(lambda c: c.own):8.3f} "
        f"{mean(lambda c: c.flatness):9.3f} {max(c.flatness for c in clips):8.3f} {mean(lambda c: c.rms_dbfs):9.1f} "
        f"{max(c.peak for c in clips):6.3f} {sum(c.silent for c in clips):6d} {sum(c.clipped for c in clips):7d}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", help='folder or URI with the stages\' weights, or "tiny"')
    parser.add_argument("--prompts", default="examples/held_out_prompts.txt")
    parser.add_argument("--clips", type=int, help="the first so many prompts")
    parser.add_argument("--routes", nargs="+", choices=get_args(Route), default=get_args(Route))
    parser.add_argument("--stop-after-16k", action="store_true", help="without super-resolution")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--steps", type=int, help="of every stage, in place of its own")
    parser.add_argument("--guidance", type=float, help="scale of every stage that reads text, in place of its own")
    parser.add_argument(
        "--best-of", type=int, default=1, help="candidates a prompt, of which the scorer keeps the nearest, as `n2m generate`"
    )
    parser.add_argument("--pieces", type=int, default=0, help="also rendered pieces against their own captions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scorer", default="starter")
    parser.add_argument("--json", help="file for the figures of every clip")
    options = parser.parse_args()
    scorer = load_scorer(ScorerSettings(model=options.scorer), "auto")
    prompts = [row.prompt for row in read_prompts(options.prompts, options.seconds, options.seed).wanted][: options.clips]
    print(f"{'':14} {'clips':>5} {'all others':>10} {'one other':>10} {'cosine':>8} {'flatness':>9} {'highest':>8} ", end="")
    print(f"{'rms dBFS':>9} {'peak':>6} {'silent':>6} {'clipped':>7}")
    found: dict[str, list[Clip]] = {}
    if options.pieces:
        clips, captions = rendered(options.pieces, options.seconds, options.seed)
        found["rendered"] = measure(scorer, clips, captions)
        show("rendered", found["rendered"])
    for route in options.routes if options.checkpoints else ():
        last = {"waveform": "waveform-cascader", "spectrogram": "vocoder"}[route] if options.stop_after_16k else None
        sampling = StageSampling(steps=options.steps, guidance=options.guidance)
        settings = GenerationSettings(route=route, stop_after=last, sampling=sampling)
        clips = generated(options.checkpoints, settings, prompts, options.seconds, options.seed, options.best_of, scorer)
        found[route] = measure(scorer, clips, prompts)
        show(route, found[route])
    noise = np.random.default_rng(0).standard_normal(RATE * 5).astype(np.float32) * np.float32(0.1)
    print(f"flatness of white noise: {flatness(noise, RATE):.3f}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({name: [asdict(clip) for clip in clips] for name, clips in found.items()}, file, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
