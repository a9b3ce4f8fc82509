"""sample: the labels of every clip, part by part."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.dataset import Dataset, open_dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import SAMPLE
from noise2music.labeling.stages import sample as stage
from noise2music.labeling.stages.null import floor_of
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, spread

_reading = threading.Lock()


@lru_cache(maxsize=2)
def _frequencies(root: str, vocabulary: str, counts: str) -> stage.Frequencies:
    store = open_store(root)
    captions, counted = open_dataset(store, vocabulary), open_dataset(store, counts)
    if captions is None or counted is None:
        raise UserError(f"{root}: {vocabulary} or {counts} is gone; run the same command again")
    texts = captions.read(["caption_id", "caption"])
    return stage.Frequencies(
        texts.column("caption_id").combine_chunks(),
        texts.column("caption").combine_chunks(),
        counted.read(["frequency"]).column("frequency").to_numpy().astype(np.int64),
    )


@dataclass(frozen=True)
class _Tables:
    candidates: Dataset
    vocabulary: Dataset
    counts: Dataset
    labels_per_clip: int
    top_k: int
    seed: int
    floor: float | None

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        with _reading:
            frequencies = _frequencies(self.counts.store.uri, self.vocabulary.path, self.counts.path)
        candidates = self.candidates.read_part(context.part)
        return stage.sample_part(context, candidates, frequencies, self.labels_per_clip, self.top_k, self.seed, self.floor)


def sample(session: Session, candidates: Dataset, vocabulary: Dataset, counts: Dataset, null: Dataset) -> Dataset:
    """Candidates, counts and the null of one vocabulary -> schemas.SAMPLE. `vocabulary`: the captions, in the order of the counts."""
    sampling = session.settings.sampling
    labels_per_clip = session.settings.labels_per_clip(vocabulary.name)
    floor = floor_of(null.read(["score"]), sampling.min_score_quantile)

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, SAMPLE)
        tables = _Tables(candidates, vocabulary, counts, labels_per_clip, sampling.top_k, session.settings.seed, floor)
        spread(session.settings.run, writer, parts, tables, candidates.manifest.rows)

    config = {"draw": labels_per_clip, "top_k": sampling.top_k, "seed": session.settings.seed, "floor": floor}
    return session.build("sample", stage.VERSION, make_parts, name=vocabulary.name, config=config, parents=[candidates, vocabulary, counts])
