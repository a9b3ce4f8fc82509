"""What finding copies costs: made-up fingerprints of 10,000 and of 100,000 clips, with copies planted among them.

    python -m benchmarks.copies [--clips 10000 100000 --workers 2]

A clip has 360 chains, as 30 s of music. One in eight comes from 20,000 that everybody uses, the commonest a thousand times as often as the
rarest: loops and samples. One clip in fifty is a copy of another: a third of its chains, later by some seconds and a frame at most.
Peak memory is that of the process that runs the stage, with its workers as threads, and beside it what the libraries alone take.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from noise2music.core.storage import open_store
from noise2music.labeling.datasets.arrow import lists_column
from noise2music.labeling.datasets.build import BuildResult, build_dataset
from noise2music.labeling.datasets.dataset import Dataset, list_datasets
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, write_part
from noise2music.labeling.schemas import FINGERPRINT
from noise2music.labeling.stages.fingerprint import ROW_GROUP_ROWS
from noise2music.pipelines.copies import copies
from noise2music.pipelines.session import Session
from noise2music.pipelines.settings import LabelSettings

CHAINS, FRAMES = 360, 1290
COMMON = 20_000
COPY_OF_EVERY, SHARED = 50, 1 / 3
CLIPS_A_PART = 2500


def made_up(number: int) -> tuple[np.ndarray, np.ndarray]:
    """The hashes and times of a clip: a pure function of its number."""
    chance = np.random.default_rng(number)
    hashes = chance.integers(0, 2**32, CHAINS, np.uint32)
    common = chance.random(CHAINS) < 1 / 8
    ranks = (COMMON ** chance.random(common.sum())).astype(np.uint32)
    hashes[common] = ranks * np.uint32(2654435761)
    times = np.sort(chance.integers(0, FRAMES, CHAINS)).astype(np.int32)
    if number % COPY_OF_EVERY == COPY_OF_EVERY - 1:
        theirs, their_times = made_up(number - COPY_OF_EVERY // 2)
        kept = np.sort(chance.permutation(CHAINS)[: int(CHAINS * SHARED)])
        hashes[: len(kept)] = theirs[kept]
        times[: len(kept)] = np.maximum(0, their_times[kept] + 130 + chance.integers(0, 2, len(kept)))
    return hashes, times


def track_id(number: int, clips: int) -> str:
    """Ids in the order of the numbers, spread over all parts."""
    return f"{number * (2**64 // clips):016x}"


def make(root: str, clips: int, parts: int) -> None:
    """The dataset `fingerprint` of so many clips."""
    store = open_store(root)

    def tables(part: int) -> Iterator[pa.Table]:
        numbers = range(-(-part * clips // parts), -(-(part + 1) * clips // parts))
        found = [made_up(number) for number in numbers]
        lengths = np.full(len(found), CHAINS)
        lists = [lists_column(pa.array(np.concatenate([clip[i] for clip in found])), lengths) for i in (0, 1)]
        ids = [track_id(number, clips) for number in numbers]
        nothing = pa.nulls(len(ids), pa.string())
        yield pa.table([ids, ids, ids, nothing, nothing, *lists], schema=FINGERPRINT)

    def make_parts(identity: Identity, missing: Sequence[int]) -> None:
        for part in missing:
            context = PartContext("fingerprint", part, parts)
            context.count("chains", CHAINS * (-(-(part + 1) * clips // parts) - -(-part * clips // parts)))
            write_part(store, identity.path, context, tables(part), FINGERPRINT, ROW_GROUP_ROWS)

    build_dataset(store, Identity("fingerprint", "", parts, 1), make_parts, {})


def peak_mib() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(root: str, parts: int, workers: int, clips: int) -> None:
    """Run the stage in this process and print a line."""
    raw = {"root": root, "parts": parts, "corpus": {"audio": root}, "vocabulary": {"a": {"kind": "builtin"}}, "run": {"workers": workers}}
    session = Session(LabelSettings.model_validate(raw))
    session.built += [BuildResult(dataset, 0) for dataset in list_datasets(session.root, "fingerprint")]
    before, started = peak_mib(), time.monotonic()
    found = copies(session)
    seconds, peak = time.monotonic() - started, peak_mib()
    planted = clips // COPY_OF_EVERY
    numbers = {track_id(number, clips): number for number in range(clips)}
    groups = pairs(found, numbers)
    right = {(number - COPY_OF_EVERY // 2, number) for number in range(COPY_OF_EVERY - 1, clips, COPY_OF_EVERY)}
    print(
        f"{clips:>8,} clips: {seconds:6.0f} s, peak {peak:6.0f} MiB (before: {before:.0f}), "
        f"{len(groups & right):,} of {planted:,} copies found, {len(groups - right)} false pairs",
        flush=True,
    )


def pairs(found: Dataset, numbers: dict[str, int]) -> set[tuple[int, int]]:
    """(first of a group, another of it) of all groups."""
    rows = found.read(["track_id", "group"]).to_pylist()
    return {(numbers[row["group"]], numbers[row["track_id"]]) for row in rows if row["group"] != row["track_id"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for clips in options.clips:
        with tempfile.TemporaryDirectory() as folder:
            root, parts = str(Path(folder) / "root"), max(4, clips // CLIPS_A_PART)
            for work, arguments in ((make, (root, clips, parts)), (measure, (root, parts, options.workers, clips))):
                process = context.Process(target=work, args=arguments)
                process.start()
                process.join()


if __name__ == "__main__":
    main()
