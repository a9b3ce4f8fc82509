"""Networks that hear, clip after clip with all that belongs to it, against the bare network on inputs that are ready in memory.

python -m benchmarks.embedding                        # yamnet, musicnn, resemblyzer, starter
python -m benchmarks.embedding --network yamnet --workers 2 --clips 100

A clip is checked, hashed, looked up in an empty cache, heard (front end and network) and kept. Clips are noise, decoded already.
Rates are per second, beside them per CPU second of the whole process, which other programs on the machine change less.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import click
import numpy as np
import torch
from torch import Tensor

from noise2music.core.arrays import Float32s
from noise2music.core.device import one_thread
from noise2music.core.errors import UserError
from noise2music.core.ids import hash_uniform
from noise2music.core.storage import open_store
from noise2music.evaluation.embedders import audioset_mel, resemblyzer, yamnet
from noise2music.evaluation.embedders.base import Embedder, load_embedder
from noise2music.evaluation.embedders.clips import Sound, embed_clips
from noise2music.evaluation.embedders.musicnn_layer import MusicnnLayer
from noise2music.evaluation.embedders.scorer import ScorerEmbedder
from noise2music.labeling.scorers import musicnn

Bare = tuple[Callable[[Float32s], Tensor], Callable[[Tensor], object]]
"""Front end, and network."""


def bare(embedder: Embedder) -> Bare:
    """What `embed` is made of."""
    if isinstance(embedder, yamnet.YamNet):
        return lambda audio: audioset_mel.patches(audio, yamnet.LOG_OFFSET, yamnet.PATCH_HOP), embedder.network
    if isinstance(embedder, resemblyzer.Resemblyzer):
        return (
            lambda audio: resemblyzer.mel_frames(audio).unfold(0, resemblyzer.WINDOW, resemblyzer.WINDOW_HOP).transpose(1, 2).contiguous(),
            embedder.network,
        )
    if isinstance(embedder, MusicnnLayer):
        taggers = embedder.taggers
        return musicnn.windows, lambda windows: [tagger(window) for window in windows.unsqueeze(1) for tagger in taggers]
    if isinstance(embedder, ScorerEmbedder):
        return embedder.scorer.windows, embedder.scorer.network
    raise UserError(f"nothing is known of what {embedder.name} is made of")


Rates = tuple[float, float]
"""Clips a second, and a CPU second."""


def whole_rates(embedder: Embedder, clips: Sequence[Sound], workers: int) -> Rates:
    """With all that belongs to a clip."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        return rates(lambda: sum(1 for _ in embed_clips(clips, embedder, store, workers)), len(clips))


def bare_rates(run: Callable[[Tensor], object], inputs: Sequence[Tensor], workers: int) -> Rates:
    """Of the network alone, on as many threads."""

    def one(values: Tensor) -> None:
        with torch.inference_mode():
            run(values)

    with one_thread(), ThreadPoolExecutor(workers) as pool:
        return rates(lambda: list(pool.map(one, inputs)), len(inputs))


def rates(work: Callable[[], object], clips: int) -> Rates:
    """Of one go at all clips."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return clips / (time.perf_counter() - wall), clips / (time.process_time() - cpu)


def noise(index: int, samples: int) -> Float32s:
    """A clip that no other is equal to."""
    return (0.2 * (hash_uniform(index, np.arange(samples, dtype=np.uint64)) - 0.5)).astype(np.float32)


@click.command()
@click.option("--network", "names", multiple=True, default=("yamnet", "musicnn", "resemblyzer", "starter"), show_default=True)
@click.option("--clips", default=10, show_default=True)
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--workers", default=1, show_default=True)
@click.option("--repeats", default=15, show_default=True)
def main(names: tuple[str, ...], clips: int, seconds: float, workers: int, repeats: int) -> None:
    """Print both rates and their ratio: the median over pairs of runs, one after the other."""
    print(f"{clips} clips of {seconds:g} s, {workers} of {os.cpu_count()} CPUs; goal: 0.95 of the bare network's rate")
    for name in names:
        embedder = load_embedder(name)
        front_end, run = bare(embedder)
        sounds = [Sound(str(index), noise(index, round(seconds * embedder.sample_rate)), embedder.sample_rate) for index in range(clips)]
        with torch.inference_mode():
            inputs = [front_end(sound.audio.astype(np.float32)) for sound in sounds]
        bare_rates(run, inputs[:2], workers)
        pairs = [(whole_rates(embedder, sounds, workers), bare_rates(run, inputs, workers)) for _ in range(repeats)]
        for unit, word in enumerate(("second", "CPU second")):
            ratios = [whole[unit] / alone[unit] for whole, alone in pairs]
            whole, alone = (statistics.median(pair[side][unit] for pair in pairs) for side in (0, 1))
            print(
                f"{name:12} {whole:6.1f} clips a {word}, bare {alone:6.1f}; ratio {statistics.median(ratios):.3f} "
                f"({min(ratios):.3f} to {max(ratios):.3f}); {whole * seconds:.0f} times as fast as it plays"
            )


if __name__ == "__main__":
    main()
