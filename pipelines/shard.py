"""shard: training rows with every text and the place of the audio, part by part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import SHARD
from noise2music.labeling.stages import shard as stage
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    tracks: Dataset
    audio: Dataset
    labels: Mapping[str, Dataset]

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        labels = {name: dataset.read_part(context.part) for name, dataset in self.labels.items()}
        return stage.shard_part(context, self.tracks.read_part(context.part), self.audio.read_part(context.part), labels)


def shard(session: Session, tracks: Dataset, audio: Dataset, labels: Mapping[str, Dataset]) -> Dataset:
    """Tracks, their audio and the labels by vocabulary -> schemas.SHARD."""
    settings = session.settings

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(settings.root, identity, SHARD, stage.ROW_GROUP_ROWS)
        tables = _Tables(tracks, audio, labels)
        spread(settings.run, writer, parts, tables, int(tracks.manifest.stats.get("clips", 0)), settings.max_dead)

    return session.build("shard", stage.VERSION, make_parts, parents=[tracks, audio, *(labels[name] for name in sorted(labels))])
