"""Clips from `generate_requests` against a bare loop over the same networks: the same calls on the same shapes, and nothing else.

python -m benchmarks.generate [--checkpoints FOLDER --route waveform --clips 4 --seconds 5 --steps 4 --workers 2]

Without checkpoints the networks are those of the tiny preset with random weights. The two take turns, clip by clip, so that what else
the machine does falls on both. Then the same clips are made with more workers, and must have the same bits.
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from noise2music.core.device import one_thread
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import FRAME_SAMPLES, STAGES, Stage
from noise2music.models.cascade.weights import DataFacts, Level, TextIdentity, WeightsHeader, software, write_weights
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.steps import log_snrs
from noise2music.models.generation.cascade import Cascade, load_cascade
from noise2music.models.generation.clip import GeneratedClip
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.lengths import frames_of, pieces, stage_frames
from noise2music.models.generation.request import Request
from noise2music.models.generation.settings import GenerationSettings, StageSampling
from noise2music.models.network.unet import UNet
from noise2music.models.text.load import MiniLMEncoder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", help='folder or URI of a trained cascade, or "tiny"')
    parser.add_argument("--route", default="waveform", choices=("waveform", "spectrogram"))
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--long", type=float, help="also makes one clip of so many seconds in one step, and prints the peak of memory")
    options = parser.parse_args()
    settings = GenerationSettings(route=options.route, sampling=StageSampling(steps=options.steps))
    with tempfile.TemporaryDirectory() as folder:
        cascade = load_cascade(options.checkpoints or write_random(Path(folder)), settings, options.device)
    requests = [Request(f"clip {number}", "calm piano over slow drums", options.seconds) for number in range(options.clips)]
    generate_requests(cascade, requests[:1])
    compare(cascade, requests)
    if options.workers > 1:
        spread(cascade, requests, options.workers)
    if options.long:
        lengthen(cascade, options.long)


def compare(cascade: Cascade, requests: list[Request]) -> None:
    """Turns of one clip each, and the median of their ratios."""
    made, bare = [], []
    for request in requests:
        started = time.perf_counter()
        (clip,) = generate_requests(cascade, [request])
        made.append(time.perf_counter() - started)
        assert isinstance(clip, GeneratedClip), clip
        started = time.perf_counter()
        calls = bare_loop(cascade, request)
        bare.append(time.perf_counter() - started)
        assert calls == clip.calls, (calls, clip.calls)
    ratio = statistics.median(loop / whole for loop, whole in zip(bare, made, strict=True))
    print(f"generate_requests {statistics.median(made):6.2f} s a clip of {requests[0].seconds:g} s, {clip.calls} calls of networks")
    print(f"bare loop         {statistics.median(bare):6.2f} s")
    print(f"throughput against the bare loop: {ratio:.2f}")


def spread(cascade: Cascade, requests: list[Request], workers: int) -> None:
    """The same clips by one thread and by several."""
    seconds, cores, clips = [], [], []
    for number in (1, workers):
        started, used = time.perf_counter(), time.process_time()
        clips.append(generate_requests(cascade, requests, number))
        seconds.append(time.perf_counter() - started)
        cores.append((time.process_time() - used) / seconds[-1])
    same = all(np.array_equal(one.audio, two.audio) for one, two in zip(*clips, strict=True))  # type: ignore[union-attr]
    print(f"{workers} workers: {seconds[0] / seconds[1]:.2f} times the rate of one; the same bits: {same}")
    print(f"cores that the process had: {cores[0]:.2f} and {cores[1]:.2f}")


def lengthen(cascade: Cascade, seconds: float) -> None:
    """The peak of the process's memory before and after a long clip."""
    settings = cascade.settings.model_copy(update={"sampling": StageSampling(steps=1)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (clip,) = generate_requests(cascade.changed(settings), [Request("long", "calm piano", seconds)])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = clip.warnings if isinstance(clip, GeneratedClip) else clip
    arrays = (after - before) / 1024 / (seconds * cascade.rate * 4 / 2**20)
    print(f"{seconds:g} s: peak {before / 2**20:.2f} -> {after / 2**20:.2f} GiB, {arrays:.1f} arrays of the clip's length ({said})")


@torch.inference_mode()
def bare_loop(cascade: Cascade, request: Request) -> int:
    """Every call of every network that the clip takes, on random numbers; how many there were."""
    calls = 0
    with one_thread():
        for stage, frames in zip(cascade.stages, stage_frames(cascade.stages, frames_of(request.seconds)), strict=True):
            positions = stage.positions(frames * FRAME_SAMPLES)
            windows = [(window.start, window.end) for window in pieces(stage, positions, cascade.settings)]
            guided = bool(stage.tokens) and stage.sampling.guidance != 1.0
            with cascade.networks.use(stage.name) as network:
                parts = [inputs(stage, end - start, cascade.device) for start, end in windows]
                for log_snr in log_snrs(stage.sampling.step_schedule, stage.schedule)[:-1]:
                    for x, told in parts:
                        level = log_snr.float().expand(1).to(cascade.device)
                        network(x, level, told)
                        if guided:
                            network(x, level, told.without_text())
                        calls += 2 if guided else 1
    return calls


def inputs(stage: Stage, positions: int, device: torch.device) -> tuple[Tensor, Inputs]:
    """Random x and conditions of one window."""
    text = torch.randn(1, stage.tokens, stage.unet.text_width, device=device) if stage.tokens else None
    mask = torch.ones(1, stage.tokens, dtype=torch.bool, device=device) if stage.tokens else None
    x = torch.randn(1, stage.channels, positions, device=device)
    level = torch.full((1,), 9.0, device=device) if stage.unet.noise_level_cond else None
    if stage.unet.local_cond_channels:
        frames = -(-positions // stage.unet.stride)
        return x, Inputs(local_cond=torch.randn(1, stage.unet.local_cond_channels, frames, device=device), aug_log_snr=level)
    concat_cond = torch.randn(1, 1, positions, device=device) if stage.source is not None else None
    return x, Inputs(concat_cond=concat_cond, text=text, text_mask=mask, aug_log_snr=level)


def write_random(folder: Path) -> str:
    """A tiny cascade that has learnt nothing."""
    encoder = MiniLMEncoder()
    text = TextIdentity(name=encoder.name, identity=encoder.identity, dim=encoder.dim)
    data = DataFacts(digest="", clips=0, licences=(), vocabularies=(), level=Level(rms_dbfs=-20.0, std=0.5))
    torch.manual_seed(0)
    for name in STAGES:
        stage = stage_of("tiny", name)
        header = WeightsHeader(
            preset="tiny", stage=stage, text=text if stage.tokens else None, data=data, clips=0, seed=0, average="none", software=software()
        )
        write_weights(folder / f"{name}.safetensors", UNet(stage.unet).state_dict(), header)
    return str(folder)


if __name__ == "__main__":
    main()
