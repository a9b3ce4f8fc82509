"""vocabulary, of kind "written": replies become sentences, sentences that survive the rules become captions, near duplicates go.

Three steps, so that Beam can group between them: `clean_part` (a part of replies), `merge_part` (a part of captions: those that say the
same words become one), `fallen` (captions that share a band of hashes: those that nearly repeat a better one).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labeling.caption_files import TRAIN, RawCaption
from labeling.cleaning.chain import Chain
from labeling.cleaning.near_duplicates import band_keys, nearly_same
from labeling.cleaning.tally import Tally
from labeling.normalise import key_id
from labeling.parts import PartContext
from labeling.schemas import VOCABULARY
from labeling.songs import read_songs
from labeling.vocabulary import Variant, keyed, merge, statistics

VERSION = 1
DUPLICATE, NEAR_DUPLICATE = "duplicate", "near_duplicate"

SENTENCES = pa.schema(
    [pa.field("caption_id", pa.string(), False), pa.field("caption", pa.string(), False), pa.field("occurrences", pa.int64(), False)]
)
BANDS = pa.schema([pa.field("band", pa.uint64(), False), *SENTENCES])

_BLOCK = 4096


def clean_part(songs: pa.Table, replies: pa.Table, chain: Chain, tally: Tally) -> pa.Table:
    """schemas.SONGS and schemas.WRITE of one part -> SENTENCES in key order, each spelling once. What the rules take goes into `tally`."""
    known = read_songs(songs)
    found: Counter[tuple[str, str]] = Counter()
    for start in range(0, len(replies), _BLOCK):
        block = replies.slice(start, _BLOCK)
        texts = zip(block.column("song_id").to_pylist(), block.column("text").to_pylist(), strict=True)
        kept = chain.clean([(known[song_id], text) for song_id, text in texts], tally)
        captions = (RawCaption(sentence) for sentences in kept for sentence in sentences)
        found.update((key_id(key), variant.text) for key, variant in keyed(captions, tally.lost))
    rows = sorted(found.items())
    columns = [[row[0][0] for row in rows], [row[0][1] for row in rows], [row[1] for row in rows]]
    return pa.table(columns, schema=SENTENCES)


def merge_part(sentences: Iterable[pa.Table], tally: Tally) -> pa.Table:
    """SENTENCES of one part of captions, from any number of parts of replies in any order -> schemas.VOCABULARY in key order."""
    table = pa.concat_tables([SENTENCES.empty_table(), *sentences])
    spellings: dict[str, list[Variant]] = {}
    for caption_id, text, occurrences in zip(*(table.column(name).to_pylist() for name in SENTENCES.names), strict=True):
        spellings.setdefault(caption_id, []).append(Variant(text, TRAIN, occurrences))
    rows = [merge(caption_id, spellings[caption_id]) for caption_id in sorted(spellings)]
    for row in rows:
        if row["occurrences"] > 1:
            tally.lose(DUPLICATE, row["caption"], row["occurrences"] - 1)
    return pa.Table.from_pylist(rows, VOCABULARY)


def bands(captions: pa.Table) -> pa.Table:
    """schemas.VOCABULARY -> BANDS: a row for each band of each caption. Captions that share a band may be near duplicates."""
    keys = band_keys(captions.column("caption").to_pylist())
    rows = np.repeat(np.arange(len(keys)), keys.shape[1])
    columns = [captions.column(name).take(pa.array(rows)) for name in SENTENCES.names]
    return pa.table([pa.array(keys.reshape(-1), pa.uint64()), *columns], schema=BANDS)


def fallen(tables: Iterable[pa.Table], threshold: float) -> list[str]:
    """BANDS of some bands, whole -> ids of captions that a better one (labeling.cleaning.near_duplicates) nearly repeats."""
    table = pa.concat_tables([BANDS.empty_table(), *tables]).sort_by([("band", "ascending"), ("caption_id", "ascending")])
    keys = table.column("band").to_numpy()
    edges = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]])) if len(keys) else np.zeros(1, np.int64)
    shared = np.repeat(np.diff(edges) > 1, np.diff(edges))
    columns = (table.column(name).filter(pa.array(shared)).to_pylist() for name in ("caption_id", "occurrences", "caption"))
    captions = list(zip(*columns, strict=True))
    ids: set[str] = set()
    place = 0
    for size in np.diff(edges).tolist():
        if size > 1:
            ids.update(nearly_same(captions[place : place + size], threshold))
            place += size
    return sorted(ids)


def written_part(context: PartContext, captions: pa.Table, near: Collection[str], tally: Tally, replies: int) -> Iterator[pa.Table]:
    """schemas.VOCABULARY of one part without the ids in `near`, with all that was lost on the way counted and shown."""
    repeats = pc.is_in(captions.column("caption_id"), pa.array(sorted(near), pa.string()))
    for caption in captions.filter(repeats).column("caption").to_pylist():
        tally.lose(NEAR_DUPLICATE, caption)
    kept = captions.filter(pc.invert(repeats))
    for figure, amount in statistics(len(kept), +tally.lost).items():
        context.count(figure, amount)
    if replies:
        context.count("replies", replies)
    context.show(tally.examples)
    context.advance(len(kept))
    if len(kept):
        yield kept


def split_by(table: pa.Table, numbers: Sequence[int]) -> Iterator[tuple[int, pa.Table]]:
    """Rows by the number given for each, numbers ascending, rows in their order."""
    order = np.argsort(np.asarray(numbers, np.int64), kind="stable")
    ordered = np.asarray(numbers, np.int64)[order]
    edges = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])) if len(ordered) else np.zeros(1, np.int64)
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield int(ordered[start]), table.take(pa.array(order[start:end]))
