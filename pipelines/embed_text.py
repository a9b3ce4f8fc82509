"""embed_text: the captions' embeddings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import carry_over
from noise2music.labeling.schemas import embed_text_schema
from noise2music.labeling.stages import embed_text as stage
from noise2music.pipelines.scorer import ScorerHandle
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    identity: Identity
    captions: Dataset
    scorer: ScorerHandle

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        carry = carry_over(self.captions.store, self.identity, stage.CARRY_COLUMNS)
        return stage.embed_text_part(context, self.captions.read_part(context.part), self.scorer.load(), carry)


def embed_text(session: Session, captions: Dataset, scorer: ScorerHandle) -> Dataset:
    """schemas.VOCABULARY -> schemas.embed_text_schema, part by part."""

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, embed_text_schema(scorer.dim, scorer.text_dim))
        tables = _Tables(identity, captions, scorer)
        spread(session.settings.run, writer, parts, tables, captions.manifest.rows, session.settings.max_dead)

    inputs = {"scorer": scorer.identity}
    return session.build("embed_text", stage.VERSION, make_parts, name=captions.name, inputs=inputs, parents=[captions])
