"""How much of the noise does the waveform generator leave, and how much a Wiener filter that learnt nothing?

    python -m benchmarks.noise_left [--checkpoints tiny] [--pieces 24]

Rendered pieces with their own captions, noised to the middle of each eighth of time. Both see the same noisy waveform and are told how
strong the noise is; what they take the data for is turned into the loss of v, ||error of x0||^2 / sigma^2 a sample, which is about 1
where nothing is taken away from weak noise. The filter: Hann frames of 512 samples (160 ms) every 128, each bin times
max(0, 1 - 1.5 N / P), P its power averaged over three frames and N that of the noise.
"""

import argparse

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.prompts_told_apart import rendered
from noise2music.core.audio.resample import resample
from noise2music.core.randomness import normals
from noise2music.models.cascade.stage import CORPUS_RATE, StageName
from noise2music.models.cascade.training_pairs import x0_of
from noise2music.models.cascade.weights import load_network, read_weights_header
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.prediction import x0_of as x0_of_output
from noise2music.models.diffusion.schedule import alpha_sigma, diffuse, per_sample
from noise2music.models.generation.checkpoints import weights_files
from noise2music.models.text.conditioning import encode_prompt, pad_text
from noise2music.models.text.load import TextSettings, load_encoder

FRAME, HOP, BETA, LEVELS = 512, 128, 1.5, 8


def wiener(x: Tensor, sigma: float) -> Tensor:
    """(B, T) with white noise of spread sigma -> what the filter leaves."""
    window = torch.hann_window(FRAME)
    spectrum = torch.stft(x, FRAME, HOP, window=window, return_complex=True)
    power = functional.avg_pool1d(spectrum.abs().square().flatten(0, 1), 3, 1, 1, count_include_pad=False).view(spectrum.shape)
    gain = (1 - BETA * sigma**2 * window.square().sum() / power.clamp_min(1e-9)).clamp_min(0)
    return torch.istft(spectrum * gain, FRAME, HOP, window=window, length=x.shape[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", default="tiny", help='folder or URI with the stages\' weights, or "tiny"')
    parser.add_argument("--pieces", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    name: StageName = "waveform-generator"
    path = weights_files(options.checkpoints, [name])[name]
    header = read_weights_header(path, name)
    stage, network = header.stage, load_network(path, header)
    clips, captions = rendered(options.pieces, stage.seconds, options.seed)
    audio = torch.from_numpy(np.stack([resample(clip, rate, CORPUS_RATE)[: stage.crop_samples] for clip, rate in clips]).astype(np.float32))
    encoder = load_encoder(TextSettings(model=header.text.name if header.text else "minilm"))
    text, mask = pad_text([encode_prompt(caption, encoder, stage.tokens)[0] for caption in captions], stage.tokens, encoder.dim)
    told_each = [Inputs(text=text[[row]], text_mask=mask[[row]]) for row in range(len(text))]
    x0 = x0_of(stage, audio)
    print(f"{'time':>5} {'sigma':>6} {'network':>8} {'filter':>7}")
    for level in range(LEVELS):
        time = (level + 0.5) / LEVELS
        log_snr = stage.schedule(torch.full((len(x0),), time, dtype=torch.float64)).float()
        numbers = [number * LEVELS + level for number in range(len(x0))]
        x = diffuse(x0, normals(options.seed, numbers, "noise", tuple(x0.shape[1:]), x0.device), log_snr)
        alpha, sigma = (value[0].item() for value in alpha_sigma(per_sample(log_snr, x0)))
        with torch.no_grad():
            output = torch.cat([network(x[[row]], log_snr[[row]], told) for row, told in enumerate(told_each)])
        by_network = x0_of_output(stage.prediction, output, x, log_snr)
        by_filter = wiener(x[:, 0], sigma)[:, None] / alpha
        losses = [float((found - x0).square().mean()) / sigma**2 for found in (by_network, by_filter)]
        print(f"{time:5.2f} {sigma:6.3f} {losses[0]:8.3f} {losses[1]:7.3f}", flush=True)


if __name__ == "__main__":
    main()
