"""Labels a second on one core, and whether each candidate is drawn as often as the closed form says.

    python -m benchmarks.sample [--clips 1000000] [--rows 20000]

Beside it: numpy.random's `choice(p=..., replace=False)` a row, which is what one would write by hand.
"""

import argparse
import time

import numpy as np

from noise2music.core.ids import mix
from noise2music.labeling.retrieval.balance import count_candidates, inclusion_probability, sample_labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--captions", type=int, default=40_000)
    parser.add_argument("--labels-per-clip", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000, help="clips that the loop over numpy's choice is timed on")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    clips, width, labels_per_clip = options.clips, options.candidates, options.labels_per_clip

    rng = np.random.default_rng(0)
    captions = (options.captions * rng.random((clips, width)) ** 3).astype(np.int32)
    scores = np.zeros((clips, width), np.float32)
    clip_ids = mix(np.arange(clips, dtype=np.uint64))
    caption_ids = mix(np.arange(options.captions, dtype=np.uint64) + np.uint64(2**40))
    frequency = count_candidates(captions, options.captions)

    ours, theirs = [], []
    for _ in range(options.repeats):
        start = time.perf_counter()
        sample_labels(clip_ids, captions, scores, frequency, caption_ids, labels_per_clip, 0)
        ours.append(clips / (time.perf_counter() - start))
        start = time.perf_counter()
        choose_by_row(captions[: options.rows], frequency, labels_per_clip, rng)
        theirs.append(min(options.rows, clips) / (time.perf_counter() - start))
    print(
        f"sample {clips:,} clips x {width} candidates -> {labels_per_clip}: {np.median(ours):,.0f} clips/s; "
        f"numpy choice by row {np.median(theirs):,.0f} clips/s; ratio {np.median(ours) / np.median(theirs):.0f}"
    )

    same = np.tile(np.arange(width, dtype=np.int32), (clips, 1))
    skewed = np.unique(np.geomspace(1, 10_000, width).astype(np.int64))
    skewed = np.concatenate([skewed, np.full(width - len(skewed), 3)])
    positions = sample_labels(clip_ids, same, scores, skewed, caption_ids[:width], labels_per_clip, 0).positions
    seen = np.bincount(positions[positions >= 0], minlength=width) / clips
    expected = inclusion_probability(skewed, labels_per_clip)
    error = (seen - expected) / np.sqrt(expected * (1 - expected) / clips)
    print(
        f"inclusion over {clips:,} clips, frequencies 1 to {skewed.max():,}: largest deviation {np.abs(seen - expected).max():.1e}, "
        f"{np.abs(error).max():.2f} standard errors (root mean square {np.sqrt((error**2).mean()):.2f}) from the closed form"
    )


def choose_by_row(captions: np.ndarray, frequency: np.ndarray, labels_per_clip: int, rng: np.random.Generator) -> np.ndarray:
    """The same draw as a loop over clips."""
    labels = np.empty((len(captions), labels_per_clip), np.int64)
    for row, candidates in enumerate(captions):
        weight = 1 / frequency[candidates]
        labels[row] = rng.choice(len(candidates), labels_per_clip, replace=False, p=weight / weight.sum())
    return labels


if __name__ == "__main__":
    main()
