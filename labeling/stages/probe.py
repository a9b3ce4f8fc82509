"""probe: the files of a part -> what they are: format, rate, channels, duration, content hash, the tags inside."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from labeling.carry import CarryOver
from labeling.corpus import content_hash, open_audio
from labeling.errors import RowError
from labeling.parts import PartContext
from labeling.probe import probe_file, probe_warnings
from labeling.schemas import PROBE

VERSION = 2
CARRY_COLUMNS = ("track_id", "content")


def probe_part(context: PartContext, files: pa.Table, audio: str, carry: CarryOver) -> Iterator[pa.Table]:
    """Files of one part (schemas.INVENTORY) -> one table of schemas.PROBE in key order (track id). `audio` is the corpus."""
    rows = files.select(["track_id", "key", "bytes", "content"]).to_pylist()
    earlier = carry.take([(row["track_id"], row["content"]) for row in rows])
    context.count("carried", len(earlier))
    tables = []
    for row in sorted(rows, key=lambda row: str(row["track_id"])):
        context.advance()
        known = earlier.get((row["track_id"], row["content"]))
        try:
            made = known if known is not None else pa.Table.from_pylist([_probe(audio, row)], PROBE)
        except RowError as error:
            context.reject(row["key"], error)
            continue
        tables.append(made)
        for reason, message in probe_warnings(made.to_pylist()[0]):
            context.warn(reason, row["key"], message)
    if tables:
        yield pa.concat_tables(tables)


def _probe(audio: str, row: Mapping[str, Any]) -> dict[str, Any]:
    with open_audio(audio, row["key"]) as file:
        sha256 = row["content"] if not row["content"].startswith("etag:") else content_hash(file)
        file.seek(0)
        probed = probe_file(file, row["key"], row["bytes"], sha256)
    return {**probed, "track_id": row["track_id"], "key": row["key"], "content": row["content"]}
