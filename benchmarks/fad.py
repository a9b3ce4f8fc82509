"""What a Frechet distance costs beyond embedding: seconds of a processor and the peak of memory, `python -m benchmarks.fad`.

Embeddings are drawn, so that nothing but the statistics is measured. With --all, also the corrected value with its interval, the null
and the kernel distance, as `n2m evaluate` makes them.
"""

import resource
import time

import click
import numpy as np

from noise2music.evaluation.statistics.clip_rows import ClipRows
from noise2music.evaluation.statistics.frechet import frechet_distance, gaussian_of
from noise2music.evaluation.statistics.jackknife import frechet_estimate
from noise2music.evaluation.statistics.kernel import kernel_distance
from noise2music.evaluation.statistics.permutation import null_of, splits
from noise2music.evaluation.statistics.subsets import part_distances


def drawn(random: np.random.Generator, clips: int, frames: int, dimension: int) -> ClipRows:
    """Rows of the same distribution each time, float32."""
    rows = random.standard_normal((clips * frames, dimension), np.float32)
    rows *= np.linspace(0.2, 2, dimension, dtype=np.float32)
    return ClipRows(tuple(f"{place:06d}" for place in range(clips)), rows, np.full(clips, frames))


@click.command()
@click.option("--clips", default=10_000, show_default=True, help="Of each of the two sets.")
@click.option("--frames", default=1, show_default=True, help="Rows a clip.")
@click.option("--dimension", default=2048, show_default=True, help="Of a row.")
@click.option("--all", "whole", is_flag=True, help="Also error, null and kernel distance.")
@click.option("--draws", default=20, show_default=True, help="Splits of the null.")
def main(clips: int, frames: int, dimension: int, whole: bool, draws: int) -> None:
    """Print processor seconds and memory, step by step."""
    before = _peak()
    random = np.random.default_rng(0)
    first, second = (drawn(random, clips, frames, dimension) for _ in range(2))
    print(f"two sets of {clips:,} clips x {frames} frames, d = {dimension}; {before:,.0f} MiB before, {_peak():,.0f} MiB with them")
    started = time.process_time()
    value = frechet_distance(gaussian_of(first.rows), gaussian_of(second.rows))
    print(f"FAD {value:.4f}: {time.process_time() - started:.1f} s, peak {_peak():,.0f} MiB")
    if whole:
        started = time.process_time()
        found = frechet_estimate(first, second)
        print(f"corrected {found.corrected:.4f}, error {found.error:.4f}: {time.process_time() - started:.1f} s, peak {_peak():,.0f} MiB")
        started = time.process_time()
        null = null_of(value, part_distances(first, second, splits(first.keys, second.keys, draws)))
        assert null is not None
        print(f"null {null.mean:.4f}, p {null.p:.3f}, {draws} draws: {time.process_time() - started:.1f} s, peak {_peak():,.0f} MiB")
        started = time.process_time()
        kernel = kernel_distance(first, second, draws)
        assert kernel is not None
        print(f"KAD {kernel.estimate.value:.4f}: {time.process_time() - started:.1f} s, peak {_peak():,.0f} MiB")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
