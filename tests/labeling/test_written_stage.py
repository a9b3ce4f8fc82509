"""From replies to captions in three steps: the same whatever the parts and their order, and every sentence accounted for."""

import random
from collections import Counter

import pyarrow as pa

from labeling.cleaning.chain import Chain
from labeling.cleaning.tally import Tally
from labeling.parts import PartContext
from labeling.schemas import WRITE
from labeling.settings import Clean
from labeling.songs import Song, songs_table
from labeling.stages.written import DUPLICATE, NEAR_DUPLICATE, bands, clean_part, fallen, merge_part, near, sketches, split_by, written_part

SONGS = songs_table(Song(f"Nightfall {number}", "Quartz") for number in range(6))
LONG = "A slow piano melody floats over soft strings while a warm cello holds long and quiet notes underneath it all"
TEXTS = (
    "A soft piano plays slowly. You will love it. Drums mark the beat.",
    "A soft piano plays slowly! It was released in 1987.",
    f"{LONG}. In the chorus Quartz plays the drums.",
    f"{LONG} softly. Drums mark the beat.",
)


def replies(texts: tuple[str, ...] = TEXTS) -> pa.Table:
    ids = SONGS.column("song_id").to_pylist()
    rows = [
        {"song_id": ids[n], "sample": 0, "text": text, "repaired": None, "prompt_tokens": 0, "completion_tokens": 0}
        for n, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["song_id"]), WRITE)


def run(parts: list[pa.Table]) -> tuple[pa.Table, Tally, PartContext]:
    tally = Tally()
    cleaned = [clean_part(SONGS, part, Chain(Clean(), None), tally) for part in parts]
    merged = merge_part(cleaned, tally)
    members = [table for _, table in near([(0, sketches(merged))], 0.8)]
    repeats = fallen([bands(merged, members)], 0.8)
    context = PartContext("vocabulary", 0, 1)
    return pa.concat_tables(list(written_part(context, merged, repeats, tally, 4))), tally, context


def test_sentences_become_captions_and_every_loss_is_counted_and_shown() -> None:
    captions, tally, context = run([replies()])
    kept = {row["caption"]: row["occurrences"] for row in captions.to_pylist()}
    spoken = next(caption for caption in kept if caption.startswith("A soft piano"))
    assert set(kept) == {spoken, "Drums mark the beat.", f"{LONG} softly."}
    assert kept[spoken] == 2
    assert kept["Drums mark the beat."] == 2
    lost = Counter({"second_person": 1, "trivia": 1, "names": 1, DUPLICATE: 2, NEAR_DUPLICATE: 1})
    assert tally.lost == lost
    assert context.stats["read"] == 9 == len(captions) + sum(lost.values())
    assert context.stats["lost:duplicate"] == 2
    assert set(context.examples[DUPLICATE]) == {spoken, "Drums mark the beat."}
    assert context.examples["second_person"] == ("You will love it.",)


def test_parts_and_their_order_do_not_matter() -> None:
    whole = run([replies()])[0]
    table = replies()
    pieces = [table.slice(row, 1) for row in range(len(table))]
    for seed in range(4):
        random.Random(seed).shuffle(pieces)
        captions, _, context = run(pieces)
        assert captions.equals(whole)
        assert context.examples == run([replies()])[2].examples


def test_rows_are_split_by_number_in_their_order() -> None:
    table = pa.table({"x": list(range(6))})
    found = {number: part.column("x").to_pylist() for number, part in split_by(table, [2, 0, 2, 1, 0, 2])}
    assert found == {0: [1, 4], 1: [3], 2: [0, 2, 5]}
    assert list(split_by(table.slice(0, 0), [])) == []
