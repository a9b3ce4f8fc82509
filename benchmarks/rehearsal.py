"""Made-up clip embeddings and captions through retrieve, count, sample and report, at two sizes: cost a clip and peak memory.

    python -m benchmarks.rehearsal            # 20 k and 200 k clips x 40 k captions

Each size runs in a process of its own, so that the peak is its own. Parts hold as many clips at either size.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from noise2music.core.ids import stable_id
from noise2music.flows.config import make_settings
from noise2music.flows.datasets import LabelDatasets, VocabularyDatasets
from noise2music.flows.pages.label.stage import report
from noise2music.labeling.datasets.arrow import vectors_column
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.retrieval.cosine import normalise
from noise2music.labeling.schemas import VOCABULARY, embed_schema, embed_text_schema
from noise2music.pipelines.count import count
from noise2music.pipelines.null import null
from noise2music.pipelines.retrieve import retrieve
from noise2music.pipelines.sample import sample
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter

CLIPS_A_PART = 2500
TOPICS = 200


def rehearse(root: str, clips: int, captions: int, dim: int) -> dict[str, float]:
    """One size: seconds a stage, and the peak memory of this process in MiB."""
    parts = max(1, clips // CLIPS_A_PART)
    raw = {
        "root": root,
        "parts": parts,
        "corpus": {"audio": "made-up"},
        "vocabulary": {"made_up": {"kind": "builtin-tags"}},
        "sampling": {"labels_per_clip": {"made_up": 3}},
        "run": {"workers": 1, "check": "size"},
    }
    session = Session(make_settings(raw, (), "rehearsal"))
    topics = normalise(np.random.default_rng(0).standard_normal((TOPICS, dim)))
    _clips(session, clips, topics)
    _captions(session, captions, topics)
    seconds: dict[str, float] = {}
    started = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal started
        now = time.perf_counter()
        seconds[stage], started = now - started, now

    retrieve(session, "made_up")
    lap("retrieve")
    count(session, "made_up")
    lap("count")
    null(session, "made_up")
    sample(session, "made_up")
    lap("sample")
    names = ("vocabulary", "embed_text", "retrieve", "null", "count", "sample")
    group = VocabularyDatasets(*(session.dataset(name, "made_up") for name in names))
    report(session, LabelDatasets(None, None, None, session.dataset("embed"), None, {"made_up": group}), "made-up")
    lap("report")
    return seconds | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _clips(session: Session, clips: int, topics: np.ndarray) -> Dataset:
    per_part = clips // session.settings.parts

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, embed_schema(topics.shape[1]))
        for part in parts:
            writer.write(part, lambda context: iter([_clip_table(context, per_part, topics)]))

    return session.build("embed", 0, make_parts, config={"made_up": clips})


def _clip_table(context: PartContext, rows: int, topics: np.ndarray) -> pa.Table:
    rng = np.random.default_rng(context.part)
    noisy = topics[rng.integers(0, TOPICS, rows)] + rng.standard_normal((rows, topics.shape[1])) * 0.05
    ids = [f"{context.part << 40 | row:016x}" for row in range(rows)]
    fixed = {"sha256": "", "start_ms": 0, "length_ms": 30000, "split": "train", "windows": 3, "odd": []}
    constant = {name: [value] * rows for name, value in fixed.items()}
    columns = {"clip_id": ids, "track_id": ids, **constant, "embedding": vectors_column(normalise(noisy))}
    return pa.table(columns, embed_schema(topics.shape[1]))


def _captions(session: Session, captions: int, topics: np.ndarray) -> tuple[Dataset, Dataset]:
    rng = np.random.default_rng(1)
    vectors = vectors_column(normalise(topics[rng.integers(0, TOPICS, captions)] + rng.standard_normal((captions, topics.shape[1])) * 0.05))
    ids = sorted(stable_id("caption", str(number)) for number in range(captions))
    texts = [f"caption {identifier}" for identifier in ids]
    plain = pa.table({"caption_id": ids, "caption": texts, "occurrences": [1] * captions, "split": ["train"] * captions}, VOCABULARY)
    schema = embed_text_schema(topics.shape[1], topics.shape[1])
    embedded = pa.table({"caption_id": ids, "caption": texts, "embedding": vectors, "meaning": vectors}, schema)

    def make(schema: pa.Schema, table: pa.Table) -> object:
        def make_parts(identity: Identity, _parts: Sequence[int]) -> None:
            def tables(_context: PartContext) -> Iterator[pa.Table]:
                yield table

            PartWriter(session.settings.root, identity, schema).write(0, tables)

        return make_parts

    made = [
        session.build(stage, 0, make(schema, table), name="made_up", parts=1)  # type: ignore[arg-type]
        for stage, schema, table in (("vocabulary", VOCABULARY, plain), ("embed_text", schema, embedded))
    ]
    return made[0], made[1]


def main() -> None:
    """Print seconds and microseconds a clip of every stage at both sizes, the ratio of the sums, and both peaks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs=2, default=[20_000, 200_000])
    parser.add_argument("--captions", type=int, default=40_000)
    parser.add_argument("--dim", type=int, default=128)
    arguments = parser.parse_args()
    results = []
    for clips in arguments.clips:
        with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(rehearse, (str(Path(folder) / "root"), clips, arguments.captions, arguments.dim))
        print(json.dumps({"clips": clips, **{name: round(value, 2) for name, value in found.items()}}), flush=True)
        results.append(found)
    costs = [
        sum(value for name, value in found.items() if name != "peak_mib") / clips
        for found, clips in zip(results, arguments.clips, strict=True)
    ]
    print(f"cost a clip: {costs[0] * 1e6:.0f} us and {costs[1] * 1e6:.0f} us, ratio {costs[1] / costs[0]:.3f}")
    print(f"peak memory: {results[0]['peak_mib']:.0f} MiB and {results[1]['peak_mib']:.0f} MiB")


if __name__ == "__main__":
    main()
