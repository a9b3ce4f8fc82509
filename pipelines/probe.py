"""probe: opens every file once to see what it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import carry_over
from noise2music.labeling.schemas import PROBE
from noise2music.labeling.stages import probe as stage
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    identity: Identity
    files: Dataset
    audio: str

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        carry = carry_over(self.files.store, self.identity, stage.CARRY_COLUMNS)
        return stage.probe_part(context, self.files.read_part(context.part), self.audio, carry)


def probe(session: Session, files: Dataset) -> Dataset:
    """Inventory -> schemas.PROBE, part by part."""

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, PROBE)
        tables = _Tables(identity, files, session.settings.corpus.audio)
        spread(session.settings.run, writer, parts, tables, files.manifest.rows, session.settings.max_dead)

    return session.build("probe", stage.VERSION, make_parts, parents=[files])
