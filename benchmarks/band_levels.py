"""How loud and how lively is what the waveform route makes, beside what is true, for each noise of its ancestral steps?

    python -m benchmarks.band_levels [--checkpoints tiny] [--pieces 16] [--gammas 0 .25 .5]

Rendered pieces of a seed that no training saw, 5 s of each. The generator makes clips from their captions, the cascader from their captions
and their true low band. In sixteen bands of a stage's own (up to 1.6 kHz; from there to 8 kHz) levels are compared in dB, frame by frame of
64 or 160 ms: their mean beside the pieces' (below 0 is too quiet), their spread over time, and how flat a band is inside (0 is noise).
"""

import argparse

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import stft

from benchmarks.prompts_told_apart import rendered
from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.core.errors import RowError
from noise2music.models.cascade.stage import StageName
from noise2music.models.generation.cascade import load_cascade
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.request import AudioPrompt, Request
from noise2music.models.generation.settings import GenerationSettings, StageSampling

SECONDS, BANDS = 5.0, 16
STAGES: dict[StageName, tuple[int, int, float]] = {"waveform-generator": (3_200, 512, 0.0), "waveform-cascader": (16_000, 1_024, 1_600.0)}
"""Rate in Hz, samples of a frame, and where the first band begins."""


def band_figures(audio: Float32s, stage: StageName) -> npt.NDArray[np.float64]:
    """(samples,) -> (3, bands): mean level in dB, its spread over time, flatness inside in dB."""
    rate, frame, lowest = STAGES[stage]
    power = np.abs(stft(audio.astype(np.float64), rate, nperseg=frame, noverlap=frame * 3 // 4)[2]) ** 2 + 1e-10
    power = power[round(lowest * frame / rate) : frame // 2]
    power = power[: len(power) // BANDS * BANDS].reshape(BANDS, -1, power.shape[-1])
    level = 10 * np.log10(power.mean(1))
    return np.stack([level.mean(1), level.std(1), (10 * np.log10(power).mean(1) - level).mean(1)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", default="tiny", help='folder or URI with the stages\' weights, or "tiny"')
    parser.add_argument("--pieces", type=int, default=16)
    parser.add_argument("--gammas", type=float, nargs="+", default=[0.0, 0.25, 0.5])
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pieces, captions = rendered(options.pieces, SECONDS, options.seed)
    print(f"{'stage':18} {'gamma':>6} {'level, dB':>10} {'spread':>7} {'flatness':>9}")
    for stage, (rate, _, lowest) in STAGES.items():
        true = np.mean([band_figures(resample(audio, of, rate).astype(np.float32), stage) for audio, of in pieces], 0)
        print(f"{stage:18} {'true':>6} {0:10.2f} {true[1].mean():7.2f} {true[2].mean():9.2f}", flush=True)
        for gamma in options.gammas:
            settings = GenerationSettings(start=stage, stop_after=stage, stages={stage: StageSampling(sampler="ancestral", gamma=gamma)})
            init = [AudioPrompt(resample(audio, of, 3_200).astype(np.float32), 3_200) if lowest else None for audio, of in pieces]
            asked = [Request(f"{n:05d}", caption, SECONDS, init=init[n]) for n, caption in enumerate(captions)]
            made = [
                clip for clip in generate_requests(load_cascade(options.checkpoints, settings), asked) if not isinstance(clip, RowError)
            ]
            found = np.mean([band_figures(clip.audio, stage) for clip in made], 0)
            print(
                f"{stage:18} {gamma:6.2f} {(found[0] - true[0]).mean():10.2f} {found[1].mean():7.2f} {found[2].mean():9.2f}"
                f"{'' if len(made) == len(asked) else f'  ({len(asked) - len(made)} clips could not be made)'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
