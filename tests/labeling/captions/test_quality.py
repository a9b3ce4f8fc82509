"""Measures of captions: closed forms on small sets, and what the lexicon takes for an instrument."""

import random
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from noise2music.labeling.captions.builtin.tags import tags_by_category
from noise2music.labeling.captions.cleaning.lexicon import KINDS, Kind, lexicon, named
from noise2music.labeling.captions.cleaning.quality import (
    SIZES,
    Reference,
    comparable_size,
    main,
    measure,
    musiccaps,
    musiccaps_sentences,
    self_bleu,
)

MUSICCAPS_CSV = Path(__file__).parents[4] / "shared" / "data" / "text" / "musiccaps-public.csv"


def test_captions_that_are_all_the_same() -> None:
    found = measure(["A slow piano song with soft vocals."] * 10, 10)
    assert (found.captions, found.vocabulary, found.self_bleu) == (10, 7, 1.0)
    assert (found.distinct_1, found.distinct_2) == (0.1, 0.1)
    assert {found.words_p5, found.words_p50, found.words_p95} == {7.0}
    assert (found.names_instrument, found.names_tempo, found.names_vocal, found.names_genre) == (1.0, 1.0, 1.0, 0.0)


def test_captions_that_share_no_word() -> None:
    assert self_bleu([("a", "b", "c", "d"), ("e", "f", "g", "h"), ("i", "j")]) == 0.0
    assert measure(["a b c d", "e f g h"], 2).distinct_2 == 1.0


def test_bleu_by_hand() -> None:
    # "a b c" against "a b d": 2 of 3 words; (1 + 1) / (2 + 1) pairs; (0 + 1) / (1 + 1) triples; no penalty.
    assert self_bleu([("a", "b", "c"), ("a", "b", "d")]) == pytest.approx((2 / 3 * 2 / 3 * 1 / 2) ** (1 / 3), abs=1e-4)
    # "a" against "a a a": precision 1, brevity exp(1 - 3); "a a a" against "a": 1/3, (0 + 1)/(2 + 1), (0 + 1)/(1 + 1).
    both = (2.718281828 ** (1 - 3) + (1 / 3 * 1 / 3 * 1 / 2) ** (1 / 3)) / 2
    assert self_bleu([("a",), ("a", "a", "a")]) == pytest.approx(both, abs=1e-4)


def test_the_order_does_not_matter() -> None:
    captions = [f"A {mood} song with {lead} number {n}." for n in range(40) for mood, lead in [("calm", "piano"), ("dark", "cello")]]
    found = measure(captions, 50)
    random.Random(1).shuffle(captions)
    assert measure(captions, 50) == found


def test_sets_are_compared_at_equal_size() -> None:
    assert [comparable_size(count) for count in (0, 99, 100, 999, 1000, 10**7)] == [None, None, 100, 300, 1000, 10000]
    assert set(musiccaps().quality) == set(SIZES)
    assert all(size == quality.captions for size, quality in musiccaps().quality.items())


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("A piano and two guitars over drums", "instrument", {"piano", "guitars", "drums"}),
        ("Three double basses, a kick that kicks in", "instrument", {"double basses", "kick"}),
        ("The base is organised by harpies in bras, a bass singer", "instrument", set()),
        ("Acoustic-guitar, e-guitar and hi-hats", "instrument", {"acoustic-guitar", "e-guitar", "hi-hats"}),
        ("Piano-driven", "instrument", {"piano"}),
        ("A hip-hop beat with R&B harmonies, 80s", "genre", {"hip-hop", "r&b", "80s"}),
        ("An electronic, ambient house song", "genre", {"electronic", "ambient", "house"}),
        ("Electronic drums at 80 BPM and ambient room sounds", "genre", set()),
        ("A blue coffee house in a soap opera, the soundtrack of a countryside", "genre", set()),
        ("Slowly, at 90 BPM", "tempo", {"slowly", "bpm"}),
        ("Up-tempo, 174bpm, faster", "tempo", {"up-tempo", "174bpm", "faster"}),
        ("Breakfast in a steadfast slowcooker", "tempo", set()),
        ("He sings with a soft voice", "vocal", {"sings", "voice"}),
        ("A rapper and two singers", "vocal", {"rapper", "singers"}),
        ("A tenor saxophone, wrapped in a single chord, using invoices", "vocal", set()),
        ("A melancholic, dreamy mood", "mood", {"melancholic", "dreamy"}),
        ("A saddle, a darkroom, unhappy", "mood", set()),
        ("", "mood", set()),
    ],
)
def test_what_is_named(text: str, kind: Kind, wanted: set[str]) -> None:
    assert named(kind, text) == wanted


def test_a_hyphen_is_as_good_as_a_space() -> None:
    assert all(named("instrument", text) for text in ("hi hat", "hi-hat", "hihats"))
    assert all(named("genre", text) for text in ("lo-fi", "lo fi", "lofi", "synth-pop", "synth pop"))


@pytest.mark.parametrize("kind", KINDS)
def test_most_tags_are_named_as_what_they_are(kind: Kind) -> None:
    tags = [tag for tag in tags_by_category()["voice" if kind == "vocal" else kind] if not tag.startswith("no ")]
    found = sum(lexicon()[kind].search(tag) is not None for tag in tags)
    assert found > (0.3 if kind == "tempo" else 0.8) * len(tags)  # most tags of the tempo are of its rhythm


def test_shares_are_of_the_captions_measured() -> None:
    found = measure(["A piano.", "Two pianos and a piano.", "A calm jazz song.", "It is."], 100)
    assert (found.captions, found.names_instrument, found.names_genre, found.names_mood) == (4, 0.5, 0.25, 0.25)
    with pytest.raises(ValueError, match="no caption"):
        measure([], 100)


@pytest.mark.skipif(not MUSICCAPS_CSV.is_file(), reason="MusicCaps is not here")
def test_the_reference_is_what_musiccaps_measures() -> None:
    sentences = musiccaps_sentences(str(MUSICCAPS_CSV))
    assert len(sentences) == musiccaps().captions
    assert measure(sentences, 1000) == musiccaps().quality[1000]


def test_what_is_printed_is_the_data_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f'"[]","Song {n} is calm. It has a piano.",False\n' for n in range(20))
    (tmp_path / "some.csv").write_text("aspect_list,caption,is_audioset_eval\n" + rows)
    monkeypatch.setattr("sys.argv", ["quality", str(tmp_path / "some.csv")])
    main()
    printed = TypeAdapter(Reference).validate_json(capsys.readouterr().out)
    sentences = musiccaps_sentences(str(tmp_path / "some.csv"))
    assert printed == Reference(21, {size: measure(sentences, size) for size in SIZES})


def test_a_csv_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.argv", ["quality", str(tmp_path / "none.csv")])
    with pytest.raises(SystemExit, match=r"cannot read .*none\.csv"):
        main()
