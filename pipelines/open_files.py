"""probe and fingerprint: the two stages that open the files of the corpus, each one once."""

from functools import partial

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.memorization import chains, landmarks
from noise2music.labeling.schemas import FINGERPRINT, PROBE
from noise2music.labeling.stages import fingerprint as fingerprint_stage
from noise2music.labeling.stages import probe as probe_stage
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import part_local


def probe(session: Session) -> Dataset:
    """schemas.INVENTORY -> schemas.PROBE, part by part: what each file is."""
    files = session.dataset("inventory")
    tables = partial(probe_stage.probe_part, audio=session.settings.corpus.audio)
    make_parts = part_local(session, PROBE, tables, [files], carry=probe_stage.CARRY_COLUMNS)
    return session.build("probe", probe_stage.VERSION, make_parts, parents=[files])


def fingerprint(session: Session) -> Dataset:
    """schemas.PROBE -> schemas.FINGERPRINT, part by part: decodes each file for what its copies are recognised by."""
    probed, corpus = session.dataset("probe"), session.settings.corpus
    seconds = corpus.fingerprint_seconds if corpus.copies == "near" else 0.0
    tables = partial(fingerprint_stage.fingerprint_part, audio=corpus.audio, chain_seconds=seconds)
    make_parts = part_local(
        session, FINGERPRINT, tables, [probed], carry=fingerprint_stage.CARRY_COLUMNS, row_group_rows=fingerprint_stage.ROW_GROUP_ROWS
    )
    config = {"seconds": seconds, "landmarks": landmarks.VERSION, "chains": chains.VERSION}
    return session.build("fingerprint", fingerprint_stage.VERSION, make_parts, config=config, parents=[probed])
