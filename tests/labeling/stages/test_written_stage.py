"""From replies to captions in three steps: the same whatever the parts and their order, and every sentence accounted for."""

import random
from collections import Counter

import pyarrow as pa
import pytest

from noise2music.core.ids import stable_id
from noise2music.core.tally import Tally
from noise2music.labeling.captions.cleaning.chain import Chain
from noise2music.labeling.captions.cleaning.near_duplicates import band_keys, nearly_same
from noise2music.labeling.captions.readers import TRAIN
from noise2music.labeling.corpus.songs import Song, songs_table
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.schemas import VOCABULARY, WRITE
from noise2music.labeling.stages.written import (
    DUPLICATE,
    NEAR_DUPLICATE,
    bands,
    clean_part,
    fallen,
    merge_part,
    near,
    sketches,
    split_by,
    written_part,
)
from noise2music.labeling.writer_settings import Clean

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


@pytest.mark.parametrize(("captions", "words", "threshold"), [(40, 5, 0.5), (400, 3, 0.6), (400, 4, 0.8), (400, 6, 0.6), (60, 3, 1.0)])
@pytest.mark.parametrize("parts", [1, 5])
def test_sketches_leave_out_nobody_who_falls(captions: int, words: int, threshold: float, parts: int) -> None:
    """Beside every band compared with all of its texts, also where thousands share a band and only the best are compared."""
    random_words = random.Random(captions * words)
    vocabulary = ["soft", "slow", "piano", "drums", "warm", "bass", "loud", "choir", "quiet", "fast", "organ", "harp"][:words]
    texts = sorted({" ".join(random_words.choices(vocabulary, k=random_words.randint(1, 9))) for _ in range(captions)})
    rows = sorted((stable_id(text), random_words.randint(1, 3), text) for text in texts)

    members: dict[int, list[tuple[str, int, str]]] = {}
    for row, bands_of_row in zip(rows, band_keys([text for _, _, text in rows]).tolist(), strict=True):
        for band in bands_of_row:
            members.setdefault(band, []).append(row)
    expected = {caption_id for group in members.values() for caption_id in nearly_same(group, threshold)}

    tables = [caption_table([row for row in rows if part_of(row[0], parts) == part]) for part in range(parts)]
    kept = near([(part, sketches(table)) for part, table in reversed(list(enumerate(tables)))], threshold)
    found = fallen([bands(tables[part], [table]) for part, table in kept], threshold)
    assert set(found) == expected
    assert expected


def caption_table(rows: list[tuple[str, int, str]]) -> pa.Table:
    named = [{"caption_id": row[0], "caption": row[2], "occurrences": row[1], "split": TRAIN} for row in rows]
    return pa.Table.from_pylist(named, VOCABULARY)
