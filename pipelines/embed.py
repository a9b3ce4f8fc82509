"""embed: the clips' embeddings. Each worker process loads the scorer once; its threads share it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from labeling.carry import carry_over
from labeling.dataset import Dataset
from labeling.fingerprint import Identity
from labeling.parts import PartContext
from labeling.schemas import embed_schema
from labeling.stages import embed as stage
from pipelines.scorer import ScorerHandle
from pipelines.session import Session
from pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    identity: Identity
    tracks: Dataset
    audio: str
    scorer: ScorerHandle
    batch: int

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        carry = carry_over(self.tracks.store, self.identity, stage.CARRY_COLUMNS)
        tracks = self.tracks.read_part(context.part)
        return stage.embed_part(context, tracks, self.audio, self.scorer.load(), self.batch, carry)


def embed(session: Session, tracks: Dataset, scorer: ScorerHandle) -> Dataset:
    """schemas.INGEST -> schemas.embed_schema, part by part."""

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, embed_schema(scorer.dim))
        tables = _Tables(identity, tracks, session.settings.corpus.audio, scorer, session.settings.run.batch)
        spread(session.settings.run, writer, parts, tables, int(tracks.manifest.stats.get("clips", 0)))

    return session.build("embed", stage.VERSION, make_parts, inputs={"scorer": scorer.identity}, parents=[tracks])
