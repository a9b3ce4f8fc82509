"""Stage "fingerprint": decodes each file of a part once -> a hash of its audio, and chains by which copies are recognised."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from noise2music.core.errors import RowError
from noise2music.labeling.corpus.files import open_audio
from noise2music.labeling.datasets.arrow import lists_column
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.memorization.recording import Recognised, recognise
from noise2music.labeling.schemas import FINGERPRINT

VERSION = 1
CARRY_COLUMNS = ("track_id", "content")
ROW_GROUP_ROWS = 256


def fingerprint_part(context: PartContext, probed: pa.Table, audio: str, chain_seconds: float, carry: CarryOver) -> Iterator[pa.Table]:
    """Files of one part (schemas.PROBE) -> one table of schemas.FINGERPRINT in key order (track id). `audio` is the corpus.

    chain_seconds: how much of each file gives chains, 0 for none. No file dies here. One that cannot be decoded gets a warning and no
    fingerprint; the stages that use its audio decide about it.
    """
    rows = probed.select(["track_id", "key", "content", "duration_ms"]).to_pylist()
    earlier = carry.take([(row["track_id"], row["content"]) for row in rows])
    # Files that failed are tried again, since storage may have been the cause.
    earlier = {key: table for key, table in earlier.items() if not table.column("failed")[0].is_valid}
    context.count("carried", len(earlier))
    tables = []
    for row in sorted(rows, key=lambda row: str(row["track_id"])):
        table = earlier.get((row["track_id"], row["content"]))
        if table is None:
            recording = _recognise(audio, row["key"], chain_seconds, row["duration_ms"])
            table = _row(row["track_id"], row["key"], row["content"], recording)
        failed = table.column("failed")[0].as_py()
        if failed is not None:
            context.warn("no_fingerprint", row["key"], f"copies of it may not be found: {failed}")
        context.count("chains", len(table.column("hashes")[0]))
        tables.append(table)
        context.advance()
    if tables:
        yield pa.concat_tables(tables)


def _recognise(audio: str, key: str, chain_seconds: float, duration_ms: int) -> Recognised:
    try:
        with open_audio(audio, key) as file:
            return recognise(file, chain_seconds, duration_ms)
    except RowError as error:
        return Recognised.of_failure(error)


def _row(track_id: str, key: str, content: str, recording: Recognised) -> pa.Table:
    length = np.array([len(recording.chains.hashes)])
    lists = [lists_column(pa.array(values), length) for values in (recording.chains.hashes, recording.chains.times)]
    return pa.table([[track_id], [key], [content], [recording.audio], [recording.failed], *lists], schema=FINGERPRINT)
