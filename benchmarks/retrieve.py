"""Our exact search against bare FAISS IndexFlatIP.search on the same arrays with the same threads, taken in turn; medians.

python -m benchmarks.retrieve [--clips 20000 --captions 40000 --threads 1] [--ivf] [--collapse 0.8]
"""

import argparse
import time
from collections.abc import Callable

import faiss
import numpy as np

from noise2music.labeling.retrieval.cosine import normalise
from noise2music.labeling.retrieval.index import build_index, measure_recall
from noise2music.labeling.settings import Retrieval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--captions", type=int, default=40_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--top-k", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ivf", action="store_true", help="measure the inverted file too")
    parser.add_argument("--nprobe", type=int, default=32)
    parser.add_argument("--collapse", type=float, default=None, help="measure search with this text cosine too")
    options = parser.parse_args()
    faiss.omp_set_num_threads(options.threads)
    k = options.top_k

    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(1, options.captions // 20), options.dim), dtype=np.float32)
    captions, clips = around(rng, centres, options.captions), around(rng, centres, options.clips)
    flat = faiss.IndexFlatIP(options.dim)
    flat.add(captions)
    ours = build_index(captions, None, Retrieval(), 0)
    runs: dict[str, Callable[[], object]] = {"ours": lambda: ours.search(clips, k), "IndexFlatIP": lambda: flat.search(clips, k)}
    if options.collapse is not None:
        collapsing = build_index(captions, captions, Retrieval(dedup_threshold=options.collapse), 0)
        runs["ours, collapse"] = lambda: collapsing.search(clips, k)
    if options.ivf:
        start = time.perf_counter()
        inverted = build_index(captions, None, Retrieval(index="ivf", nprobe=options.nprobe), 0)
        built = time.perf_counter() - start
        runs["ours, ivf"] = lambda: inverted.search(clips, k)

    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            rates[name].append(options.clips / (time.perf_counter() - start))
    bare = float(np.median(rates["IndexFlatIP"]))
    print(f"{options.clips:,} clips x {options.captions:,} captions x {options.dim}, top {k}, {options.threads} threads")
    for name, measured in rates.items():
        print(f"{name}: {np.median(measured):,.0f} clips/s, {np.median(measured) / bare:.2f} of IndexFlatIP")
    if options.ivf:
        recall = measure_recall(inverted, clips[:1000], k)
        print(f"ivf: recall@{k} {recall:.4f}, {len(inverted.inverted.centroids):,} groups, nprobe {options.nprobe}, built in {built:.1f} s")


def around(rng: np.random.Generator, centres: np.ndarray, count: int) -> np.ndarray:
    """Unit vectors scattered around shared centres, as captions and clips are around what they are about."""
    noise = rng.standard_normal((count, centres.shape[1]), dtype=np.float32)
    return normalise(centres[rng.integers(0, len(centres), count)] + noise)


if __name__ == "__main__":
    main()
