"""Stage "vocabulary" of kind "written": replies -> sentences -> captions that pass the rules, without near duplicates.

The steps are separate so that Beam can group between them. `clean_part` cleans a part of replies, `merge_part` merges captions with the
same words, `written_part` gives the captions that stay. Near duplicates are found in between, by bands of hashes: `sketches` gives short
forms of a part's captions, `near` which captions of some bands have to be compared, `bands` the texts of these, and `fallen` the captions
that nearly repeat a better one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from noise2music.core.tally import Tally
from noise2music.labeling.captions.cleaning.chain import Chain
from noise2music.labeling.captions.cleaning.near_duplicates import BANDS as BANDS_OF_EACH
from noise2music.labeling.captions.cleaning.near_duplicates import Members, candidates, nearly_same, sketch
from noise2music.labeling.captions.readers import TRAIN, RawCaption
from noise2music.labeling.captions.text import key_id
from noise2music.labeling.captions.vocabulary import Variant, keyed, merge, statistics
from noise2music.labeling.corpus.songs import read_songs
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import VOCABULARY

VERSION = 2
DUPLICATE, NEAR_DUPLICATE = "duplicate", "near_duplicate"

SENTENCES = pa.schema(
    [pa.field("caption_id", pa.string(), False), pa.field("caption", pa.string(), False), pa.field("occurrences", pa.int64(), False)]
)
MEMBERS = pa.schema([pa.field("band", pa.uint64(), False), pa.field("row", pa.uint32(), False)])
SKETCHES = pa.schema(
    [
        *MEMBERS,
        pa.field("word_pairs", pa.uint16(), False),
        pa.field("parity", pa.uint32(), False),
        pa.field("occurrences", pa.int64(), False),
        pa.field("characters", pa.uint16(), False),
    ]
)
BANDS = pa.schema([pa.field("band", pa.uint64(), False), *SENTENCES])

_BLOCK = 4096


def clean_part(songs: pa.Table, replies: pa.Table, chain: Chain, tally: Tally) -> pa.Table:
    """schemas.SONGS and schemas.WRITE of one part -> SENTENCES in key order, each spelling once. `tally` counts what the rules remove."""
    song_of = read_songs(songs)
    spellings: Counter[tuple[str, str]] = Counter()
    for start in range(0, len(replies), _BLOCK):
        block = replies.slice(start, _BLOCK)
        texts = zip(block.column("song_id").to_pylist(), block.column("text").to_pylist(), strict=True)
        by_reply = chain.clean([(song_of[song_id], text) for song_id, text in texts], tally)
        captions = (RawCaption(sentence) for sentences in by_reply for sentence in sentences)
        spellings.update((key_id(key), variant.text) for key, variant in keyed(captions, tally.lost))
    rows = sorted(spellings.items())
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


def sketches(captions: pa.Table) -> pa.Table:
    """schemas.VOCABULARY of one part -> SKETCHES: a row for each band of each caption, which is named by its row."""
    sketches_of_captions = sketch(captions.column("caption").to_pylist())
    rows = np.repeat(np.arange(len(captions), dtype=np.uint32), BANDS_OF_EACH)
    lengths = pc.utf8_length(captions.column("caption")).to_numpy()
    each = (sketches_of_captions.sizes, sketches_of_captions.parities, captions.column("occurrences").to_numpy(), lengths)
    return pa.table([sketches_of_captions.bands.reshape(-1), rows, *(values[rows] for values in each)], schema=SKETCHES)


def near(parts: Iterable[tuple[int, pa.Table]], threshold: float) -> Iterator[tuple[int, pa.Table]]:
    """All SKETCHES of some bands, each with the part of its captions -> for each part the MEMBERS whose texts `bands` must pass to
    `fallen`.

    Captions that share no band with a nearly equal sketch are left out.
    """
    ordered = sorted(parts, key=lambda item: item[0])
    table = pa.concat_tables([SKETCHES.empty_table(), *(rows for _, rows in ordered)])
    columns = {name: table.column(name).to_numpy() for name in SKETCHES.names}
    wide = {name: columns[name].astype(np.int64) for name in ("word_pairs", "characters")}
    members = Members(columns["band"], wide["word_pairs"], columns["parity"], columns["occurrences"], wide["characters"])
    rows = candidates(members, threshold)
    numbers = np.repeat([part for part, _ in ordered], [len(rows) for _, rows in ordered]).astype(np.int64)
    yield from split_by(table.select(MEMBERS.names).take(pa.array(rows)), numbers[rows])


def bands(captions: pa.Table, members: Iterable[pa.Table]) -> pa.Table:
    """schemas.VOCABULARY and MEMBERS of one part -> BANDS: the members with id, occurrences and text."""
    table = pa.concat_tables([MEMBERS.empty_table(), *members])
    rows = captions.select(SENTENCES.names).take(table.column("row"))
    return pa.table([table.column("band"), *(rows.column(name) for name in SENTENCES.names)], schema=BANDS)


def fallen(tables: Iterable[pa.Table], threshold: float) -> list[str]:
    """All BANDS of some bands -> ids of captions that nearly repeat a better one (labeling.captions.cleaning.near_duplicates)."""
    table = pa.concat_tables([BANDS.empty_table(), *tables]).sort_by([("band", "ascending"), ("caption_id", "ascending")])
    keys = table.column("band").to_numpy()
    edges = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]])) if len(keys) else np.zeros(1, np.int64)
    shared = np.repeat(np.diff(edges) > 1, np.diff(edges))
    columns = (table.column(name).filter(pa.array(shared)).to_pylist() for name in ("caption_id", "occurrences", "caption"))
    captions = list(zip(*columns, strict=True))
    ids: set[str] = set()
    start = 0
    for size in np.diff(edges).tolist():
        if size > 1:
            ids.update(nearly_same(captions[start : start + size], threshold))
            start += size
    return sorted(ids)


def written_part(context: PartContext, captions: pa.Table, near: Collection[str], tally: Tally, replies: int) -> Iterator[pa.Table]:
    """schemas.VOCABULARY of one part without the ids in `near`. Counts all losses, with examples."""
    repeats = pc.is_in(captions.column("caption_id"), pa.array(sorted(near), pa.string()))
    for caption in captions.filter(repeats).column("caption").to_pylist():
        tally.lose(NEAR_DUPLICATE, caption)
    rest = captions.filter(pc.invert(repeats))
    for figure, amount in statistics(len(rest), +tally.lost).items():
        context.count(figure, amount)
    if replies:
        context.count("replies", replies)
    context.show(tally.examples)
    context.advance(len(rest))
    if len(rest):
        yield rest


def split_by(table: pa.Table, numbers: Sequence[int] | npt.NDArray[np.int64]) -> Iterator[tuple[int, pa.Table]]:
    """Rows by the number given for each, numbers ascending, rows in their order."""
    order = np.argsort(np.asarray(numbers, np.int64), kind="stable")
    ordered = np.asarray(numbers, np.int64)[order]
    edges = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])) if len(ordered) else np.zeros(1, np.int64)
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield int(ordered[start]), table.take(pa.array(order[start:end]))
