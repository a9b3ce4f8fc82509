"""What the scorer `starter` costs: `python -m benchmarks.starter`. CPU milliseconds for 10 s of audio on one thread.

Beside each tagger stands the same network with every filter run; and beside one window at a time, as `starter` does it, all at once.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from noise2music.core.ids import hash_uniform
from noise2music.labeling.scorers import musicnn as musicnn_mel
from noise2music.labeling.scorers.musicnn import Tagger
from noise2music.labeling.scorers.musicnn_weights import load_tagger_weights


def cpu_milliseconds(work: Callable[[], object], repeats: int) -> float:
    """The least of some runs: what disturbs a run on a shared machine only ever adds."""
    work()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(1000.0 * (time.process_time() - start))
    return min(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU cost of the scorer starter.")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    samples = options.seconds * musicnn_mel.SAMPLE_RATE
    noise = hash_uniform(0, np.arange(samples, dtype=np.uint64)) - 0.5
    audio = (0.2 * np.sin(np.arange(samples) * 0.1) + 0.1 * noise).astype(np.float32)
    windows = musicnn_mel.windows(audio)
    per_10_s = 10.0 / (len(windows) * musicnn_mel.WINDOW_SECONDS)

    with torch.inference_mode():
        total = mel = cpu_milliseconds(lambda: musicnn_mel.windows(audio), options.repeats) * 10.0 / options.seconds
        print(f"mel: {mel:.1f} ms")
        for name, weights in load_tagger_weights().items():
            live, every = Tagger(weights).eval(), Tagger(weights, skip_dead=False).eval()
            one, batch, full = (
                per_10_s * cpu_milliseconds(work, options.repeats)
                for work in (
                    lambda live=live: [live(window[None]) for window in windows],
                    lambda live=live: live(windows),
                    lambda every=every: [every(window[None]) for window in windows],
                )
            )
            total += one
            print(f"{name}: {one:.1f} ms; every filter run {full:.1f} ms ({full / one:.1f} x); all windows at once {batch:.1f} ms")
    print(f"starter, audio side: {total:.1f} CPU-ms for 10 s")


if __name__ == "__main__":
    main()
