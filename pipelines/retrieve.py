"""retrieve: the top K captions of a vocabulary for every clip. Each worker process builds the index once."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import faiss
import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.arrow import unit_vectors
from noise2music.labeling.datasets.dataset import Dataset, open_dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.retrieval.index import CaptionIndex, build_index, measure_recall
from noise2music.labeling.retrieval.nearest import Device
from noise2music.labeling.schemas import RETRIEVE
from noise2music.labeling.settings import Retrieval
from noise2music.labeling.stages import retrieve as stage
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, spread

_building = threading.Lock()


@lru_cache(maxsize=2)
def _index(root: str, path: str, settings: Retrieval, seed: int, device: Device) -> CaptionIndex:
    captions = open_dataset(open_store(root), path)
    if captions is None:
        raise UserError(f"{root}/{path} is gone; run the same command again")
    faiss.omp_set_num_threads(1)
    table = captions.read(["embedding", "meaning"])
    meaning = unit_vectors(table.column("meaning")) if settings.dedup_threshold is not None else None
    return build_index(unit_vectors(table.column("embedding")), meaning, settings, seed, device)


@dataclass(frozen=True)
class _Tables:
    clips: Dataset
    captions: Dataset
    settings: Retrieval
    seed: int
    top_k: int
    splits: frozenset[str] | None
    device: Device

    def index(self) -> CaptionIndex:
        with _building:
            return _index(self.captions.store.uri, self.captions.path, self.settings, self.seed, self.device)

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        clips = self.clips.read_part(context.part, ["clip_id", "split", "embedding"])
        index = self.index()
        if self.settings.index == "ivf" and len(clips):
            sample = unit_vectors(clips.column("embedding"))[: -(-self.settings.recall_sample // context.parts)]
            context.count("recall_clips", len(sample))
            context.count("recall_found", round(measure_recall(index, sample, self.top_k) * len(sample), 6))
        return stage.retrieve_part(context, clips, index, self.top_k, self.splits)


def retrieve(session: Session, clips: Dataset, captions: Dataset, splits: frozenset[str] | None, device: Device) -> Dataset:
    """Clip embeddings x caption embeddings -> schemas.RETRIEVE, part by part. `splits`: whose clips may get captions of this vocabulary.

    Raises UserError for a vocabulary without captions.
    """
    if not captions.manifest.rows:
        raise UserError(
            f"vocabulary {captions.name} has no caption, so no clip can be labelled from it: all were lost or excluded "
            f"(`n2m status {session.settings.root}` says why). Mend its source, or take it out of the configuration."
        )
    settings, top_k = session.settings.retrieval, session.settings.sampling.top_k

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, RETRIEVE)
        tables = _Tables(clips, captions, settings, session.settings.seed, top_k, splits, device)
        spread(session.settings.run, writer, parts, tables, clips.manifest.rows)

    config = {
        "top_k": top_k,
        "splits": None if splits is None else sorted(splits),
        "collapse": settings.dedup_threshold,
        "index": settings.index,
    }
    if settings.index == "ivf":
        config |= {
            "nlist": settings.nlist,
            "nprobe": settings.nprobe,
            "recall_sample": settings.recall_sample,
            "seed": session.settings.seed,
        }
    return session.build("retrieve", stage.VERSION, make_parts, name=captions.name, config=config, parents=[clips, captions])
