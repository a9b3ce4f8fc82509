"""sample: the labels of every clip, part by part."""

import threading
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.dataset import Dataset, open_dataset
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import SAMPLE
from noise2music.labeling.stages import sample as stage
from noise2music.labeling.stages.null import floor_of
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import part_local

_reading = threading.Lock()


@lru_cache(maxsize=2)
def _read_frequencies(root: str, vocabulary: str, counts: str) -> stage.Frequencies:
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


def _frequencies(*places: str) -> stage.Frequencies:
    with _reading:
        return _read_frequencies(*places)


def _sample_part(
    context: PartContext,
    candidates: pa.Table,
    load: Callable[[], stage.Frequencies],
    labels_per_clip: int,
    top_k: int,
    seed: int,
    floor: float | None,
) -> Iterator[pa.Table]:
    return stage.sample_part(context, candidates, load(), labels_per_clip, top_k, seed, floor)


def sample(session: Session, vocabulary: str) -> Dataset:
    """schemas.RETRIEVE, COUNT and NULL of one vocabulary -> schemas.SAMPLE, part by part."""
    candidates, captions, counts = (session.dataset(name, vocabulary) for name in ("retrieve", "vocabulary", "count"))
    sampling = session.settings.sampling
    floor = floor_of(session.dataset("null", vocabulary).read(["score"]), sampling.min_score_quantile)
    labels_per_clip, top_k, seed = session.settings.labels_per_clip(vocabulary), sampling.top_k, session.settings.seed
    load = partial(_frequencies, counts.store.uri, captions.path, counts.path)
    tables = partial(_sample_part, load=load, labels_per_clip=labels_per_clip, top_k=top_k, seed=seed, floor=floor)
    make_parts = part_local(session, SAMPLE, tables, [candidates])
    # "draw" is the former name of `labels_per_clip`: under it earlier datasets keep their fingerprints.
    config = {"draw": labels_per_clip, "top_k": top_k, "seed": seed, "floor": floor}
    return session.build("sample", stage.VERSION, make_parts, name=vocabulary, config=config, parents=[candidates, captions, counts])
