"""inventory, probe and fingerprint: the files of the corpus, as they are listed and as they are opened.

inventory: which files there are and what the metadata table says of them, listed and joined where the run is started. probe and fingerprint
open each file once.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from noise2music.core.errors import RowError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store
from noise2music.core.tally import Tally
from noise2music.labeling.corpus.describe import Oddity, describe, oddities, quote
from noise2music.labeling.corpus.facts import NO_FACTS
from noise2music.labeling.corpus.files import AudioFile, Inventory, identify, list_corpus
from noise2music.labeling.corpus.metadata import Metadata, MetadataMatch, TrackMetadata
from noise2music.labeling.corpus.opt_out import read_opt_outs
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity, canonical_json
from noise2music.labeling.datasets.parts import PartContext, advance, part_of
from noise2music.labeling.memorization import chains, landmarks
from noise2music.labeling.schemas import FINGERPRINT, INVENTORY, PROBE
from noise2music.labeling.stages import fingerprint as fingerprint_stage
from noise2music.labeling.stages import probe as probe_stage
from noise2music.pipelines.progress import show_progress
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, part_local

VERSION = 2
_HASHES = "cache/content.parquet"


@dataclass(frozen=True)
class _Listed:
    rows: list[dict[str, Any]]
    dead: list[tuple[str, RowError]]
    odd: list[Oddity]
    counts: dict[str, int]


def inventory(session: Session) -> Dataset:
    """The corpus as it is now, in parts by track id. A changed, added or removed file, or changed metadata, gives a new dataset.

    Raises UserError, before a file is opened, when the metadata table and the corpus do not belong together (labeling.corpus.describe).
    """
    corpus = session.settings.corpus
    listing = list_corpus(corpus.audio)
    notes = Tally()
    if corpus.opt_out:
        read_opt_outs(corpus.opt_out, notes)  # So that a list that cannot be read is said before any file is.
    metadata, described = describe(corpus, [file.key for file in listing.files], notes)
    contents = _contents(session.root, corpus.audio, listing)
    listed = _join(listing, contents, described, metadata if corpus.metadata else None)
    seen = [sorted((key, content) for key, content in contents.items()), sorted((key, error.reason) for key, error in listed.dead)]
    inputs = {"corpus": hashlib.sha256(canonical_json(seen).encode("utf-8", "backslashreplace")).hexdigest()}
    if corpus.metadata:
        inputs["metadata"] = metadata.digest()

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, INVENTORY)
        odd: defaultdict[int, list[Oddity]] = defaultdict(list)
        for item in listed.odd:
            odd[part_of(stable_id("track", item.key), identity.parts) if item.about_file else 0].append(item)
        for part in parts:
            writer.write(part, lambda context: iter(_part_tables(context, listed, odd[context.part], notes)))

    return session.build("inventory", VERSION, make_parts, inputs=inputs)


def _part_tables(context: PartContext, listed: _Listed, odd: Sequence[Oddity], notes: Tally) -> list[pa.Table]:
    for key, error in listed.dead:
        if part_of(stable_id("track", key), context.parts) == context.part:
            context.reject(key, error)
    if context.part == 0:
        context.warnings.add(notes)
        for name, amount in listed.counts.items():
            context.count(name, amount)
    for item in odd:
        context.warn(item.reason, item.key, item.message)
    rows = [row for row in listed.rows if part_of(row["track_id"], context.parts) == context.part]
    context.advance(len(rows))
    return [pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["track_id"])), INVENTORY)]


def _join(listing: Inventory, contents: dict[str, str], described: MetadataMatch, metadata: Metadata | None) -> _Listed:
    dead = list(listing.refused)
    rows = []
    for file in listing.files:
        if file.key in described.ambiguous_files:
            names = ", ".join(map(quote, described.ambiguous_files[file.key]))
            message = f"the metadata table has more than one row for it, with different values: {names}. Keep one."
            dead.append((file.key, RowError("ambiguous_metadata", message)))
            continue
        rows.append(_row(file, contents[file.key], described.tracks.get(file.key)))
    counts = {f"ignored:{suffix or 'no suffix'}": amount for suffix, amount in listing.ignored.items()}
    if metadata is None:
        return _Listed(rows, dead, [], counts)
    counts |= {f"matched_by:{step}": len(met) for step, met in sorted(described.by_step.items())}
    counts |= {
        "metadata_rows": len(metadata.rows) + metadata.keyless + metadata.repeated,
        "metadata_rows_used": described.used,
        "metadata_rows_repeated": metadata.repeated,
        "metadata_rows_ambiguous": sum(map(len, described.ambiguous_files.values())),
        "files_without_metadata": sum(not row["described"] for row in rows),
        "metadata_without_file": len(described.without_file),
    }
    return _Listed(rows, dead, list(oddities(described)), counts)


def _row(file: AudioFile, content: str, known: TrackMetadata | None) -> dict[str, Any]:
    return {
        "track_id": stable_id("track", file.key),
        "key": file.key,
        "bytes": file.bytes,
        "content": content,
        "described": known is not None,
        "title": known.title if known else None,
        "artist": known.artist if known else None,
        "licence": known.licence if known else None,
        "split": known.split if known else None,
        **asdict(known.facts if known else NO_FACTS),
    }


def _contents(root: Store, audio: str, listing: Inventory) -> dict[str, str]:
    """Content identity by key. Hashes of local files are kept below the root, so that a repeated run reads only what changed."""
    before = root.head(_HASHES)
    cache = pq.read_table(pa.BufferReader(root.get(_HASHES))) if before else None
    with show_progress("inventory", len(listing.files)):
        contents, after = identify(audio, listing.files, cache, lambda files: advance("inventory", files))
    if after is not None and (cache is None or not after.equals(cache)):
        sink = io.BytesIO()
        pq.write_table(after, sink, compression="zstd")
        root.put(_HASHES, sink.getvalue())
    return contents


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
