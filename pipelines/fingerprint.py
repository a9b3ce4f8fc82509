"""fingerprint: decodes every file once, for what its copies are recognised by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import carry_over
from noise2music.labeling.memorization import chains, landmarks
from noise2music.labeling.schemas import FINGERPRINT
from noise2music.labeling.stages import fingerprint as stage
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    identity: Identity
    probed: Dataset
    audio: str
    seconds: float

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        carry = carry_over(self.probed.store, self.identity, stage.CARRY_COLUMNS)
        return stage.fingerprint_part(context, self.probed.read_part(context.part), self.audio, self.seconds, carry)


def fingerprint(session: Session, probed: Dataset) -> Dataset:
    """schemas.PROBE -> schemas.FINGERPRINT, part by part."""
    corpus = session.settings.corpus
    seconds = corpus.fingerprint_seconds if corpus.copies == "near" else 0.0

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, FINGERPRINT, stage.ROW_GROUP_ROWS)
        spread(session.settings.run, writer, parts, _Tables(identity, probed, corpus.audio, seconds), probed.manifest.rows)

    versions = {"landmarks": landmarks.VERSION, "chains": chains.VERSION}
    return session.build("fingerprint", stage.VERSION, make_parts, config={"seconds": seconds, **versions}, parents=[probed])
