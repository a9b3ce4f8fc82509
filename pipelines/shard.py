"""shard: training rows with audio and every text, part by part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from labeling.dataset import Dataset
from labeling.fingerprint import Identity
from labeling.parts import PartContext
from labeling.schemas import SHARD
from labeling.settings import Shards
from labeling.stages import shard as stage
from pipelines.session import Session
from pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    tracks: Dataset
    labels: Mapping[str, Dataset]
    audio: str
    settings: Shards

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        labels = {name: dataset.read_part(context.part) for name, dataset in self.labels.items()}
        return stage.shard_part(context, self.tracks.read_part(context.part), labels, self.audio, self.settings)


def shard(session: Session, tracks: Dataset, labels: Mapping[str, Dataset]) -> Dataset:
    """Tracks and the labels by vocabulary -> schemas.SHARD."""
    settings = session.settings

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(settings.root, identity, SHARD, stage.ROW_GROUP_ROWS)
        tables = _Tables(tracks, labels, settings.corpus.audio, settings.shards)
        spread(settings.run, writer, parts, tables, int(tracks.manifest.stats.get("clips", 0)), settings.max_dead)

    config = settings.shards.model_dump(mode="json")
    return session.build("shard", stage.VERSION, make_parts, config=config, parents=[tracks, *(labels[name] for name in sorted(labels))])
