"""retrieve: the top K captions of a vocabulary for every clip. Each worker process builds the index once."""

import threading
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import faiss
import pyarrow as pa

from noise2music.core.device import choose_device
from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.arrow import unit_vectors
from noise2music.labeling.datasets.dataset import Dataset, open_dataset
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.retrieval.index import CaptionIndex, build_index, measure_recall
from noise2music.labeling.retrieval.nearest import Device
from noise2music.labeling.schemas import RETRIEVE
from noise2music.labeling.settings import Retrieval
from noise2music.labeling.stages import retrieve as stage
from noise2music.labeling.stages.vocabulary import allowed_splits
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import part_local

_building = threading.Lock()


@lru_cache(maxsize=2)
def _built_index(root: str, path: str, settings: Retrieval, seed: int, device: Device) -> CaptionIndex:
    captions = open_dataset(open_store(root), path)
    if captions is None:
        raise UserError(f"{root}/{path} is gone; run the same command again")
    faiss.omp_set_num_threads(1)
    table = captions.read(["embedding", "meaning"])
    meaning = unit_vectors(table.column("meaning")) if settings.dedup_threshold is not None else None
    return build_index(unit_vectors(table.column("embedding")), meaning, settings, seed, device)


def _index(root: str, path: str, settings: Retrieval, seed: int, device: Device) -> CaptionIndex:
    with _building:
        return _built_index(root, path, settings, seed, device)


def _retrieve_part(
    context: PartContext,
    clips: pa.Table,
    load: Callable[[], CaptionIndex],
    top_k: int,
    splits: frozenset[str] | None,
    recall_sample: int,
) -> Iterator[pa.Table]:
    """recall_sample: clips of all parts together whose recall is measured."""
    index = load()
    if recall_sample and len(clips):
        some = unit_vectors(clips.column("embedding"))[: -(-recall_sample // context.parts)]
        context.count("recall_clips", len(some))
        context.count("recall_found", round(measure_recall(index, some, top_k) * len(some), 6))
    return stage.retrieve_part(context, clips, index, top_k, splits)


def retrieve(session: Session, vocabulary: str) -> Dataset:
    """Clip embeddings x caption embeddings of one vocabulary -> schemas.RETRIEVE, part by part.

    Raises UserError for a vocabulary without captions.
    """
    clips, captions = session.dataset("embed"), session.dataset("embed_text", vocabulary)
    if not captions.manifest.rows:
        raise UserError(
            f"vocabulary {vocabulary} has no caption, so no clip can be labelled from it: all were lost or excluded "
            f"(`n2m status {session.settings.root}` says why). Mend its source, or take it out of the configuration."
        )
    settings, seed, top_k = session.settings.retrieval, session.settings.seed, session.settings.sampling.top_k
    splits = allowed_splits(session.settings.vocabulary[vocabulary])
    load = partial(_index, captions.store.uri, captions.path, settings, seed, choose_device(session.settings.run.device))
    measured = settings.recall_sample if settings.index == "ivf" else 0
    tables = partial(_retrieve_part, load=load, top_k=top_k, splits=splits, recall_sample=measured)
    # "collapse" is the former name of `dedup_threshold`: under it earlier datasets keep their fingerprints.
    config = {
        "top_k": top_k,
        "splits": None if splits is None else sorted(splits),
        "collapse": settings.dedup_threshold,
        "index": settings.index,
    }
    if settings.index == "ivf":
        config |= {"nlist": settings.nlist, "nprobe": settings.nprobe, "recall_sample": settings.recall_sample, "seed": seed}
    make_parts = part_local(session, RETRIEVE, tables, [clips])
    return session.build("retrieve", stage.VERSION, make_parts, name=vocabulary, config=config, parents=[clips, captions])
