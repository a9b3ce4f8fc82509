"""The display form is a fixed point; the key merges spellings and keeps meanings apart."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from noise2music.core.ids import stable_id
from noise2music.labeling.captions.text import MAX_CHARACTERS, caption_id, caption_key, normalise_caption

MARKS = "\"'`´“”‘’.,;:!?-–—&/#%+*•()[]{}|\\_ \t\n\x00\u200b\u00ad…①½ﬁİßéक्षि♯♭"
captions = st.text(max_size=60) | st.text(alphabet="abR 019" + MARKS, max_size=40)


@given(captions)
def test_display_form_is_a_fixed_point(text: str) -> None:
    assert normalise_caption(normalise_caption(text)) == normalise_caption(text)


@given(captions)
@example("İ`्")
def test_key_is_a_fixed_point_and_ignores_the_display_form(text: str) -> None:
    key = caption_key(text)
    assert caption_key(key) == key
    assert caption_key(normalise_caption(text)) == key


@given(captions)
def test_key_ignores_case_of_ascii_and_space_around(text: str) -> None:
    assert caption_key(f" \n{text}\t ") == caption_key(text)
    if text.isascii():
        assert caption_key(text.upper()) == caption_key(text.lower())


@given(captions)
def test_display_form_is_printable_and_single_spaced(text: str) -> None:
    shown = normalise_caption(text)
    assert shown.isprintable()
    assert shown == " ".join(shown.split())
    assert len(shown) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  soft\u00a0piano\t\n", "soft piano"),
        ("“A calm song.”", "A calm song."),
        ("- acoustic guitar,", "acoustic guitar"),
        ("* 3) fiddle ;", "fiddle"),
        ("1. piano", "piano"),
        ("808 drums", "808 drums"),
        ("4.5 seconds of noise", "4.5 seconds of noise"),
        ("-20 dB", "-20 dB"),
        ("'80s synth", "'80s synth"),
        ("the singer's 'la la' vocal", "the singer's 'la la' vocal"),
        ("so\u00adft\u200b pad\x07", "soft pad"),
        ("ｒｏｃｋ", "rock"),
        ('"loud" and "fast"', '"loud" and "fast"'),
        ('"unfinished quotation', "unfinished quotation"),
        ("bad\ud800surrogate", "badsurrogate"),
        ('"- 1) piano,"', "piano"),
        ("", ""),
        (" -- ", ""),
    ],
)
def test_display_form(raw: str, shown: str) -> None:
    assert normalise_caption(raw) == shown


@pytest.mark.parametrize(
    "spellings",
    [
        ("Piano.", "piano", "PIANO!", '"Piano"', " - piano, "),
        ("lo-fi, hip-hop", "Lo-fi hip hop", "lo‑fi hip–hop"),
        ("50's pop", "50s pop", "50’s Pop"),
        ("rock & roll", "Rock and Roll"),
        ("“Calm” piano!", "calm piano"),
        ("STRASSE", "straße"),
        ("pop/rock", "pop rock"),
    ],
)
def test_spellings_of_one_caption(spellings: tuple[str, ...]) -> None:
    assert len({caption_key(text) for text in spellings}) == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("no drums", "drums"),
        ("R&B", "R B"),
        ("4/4 beat", "44 beat"),
        ("4.5 s", "45 s"),
        ("C# minor", "C minor"),
        ("-20 dB", "20 dB"),
        ("étude", "etude"),
        ("हिन्दी", "हनद"),
        ("piano", "pianos"),
    ],
)
def test_meanings_stay_apart(left: str, right: str) -> None:
    assert caption_key(left) != caption_key(right)


@pytest.mark.parametrize("nothing", ["", " ", "...", "♪♫", "—", "\x00\x01", "🎸"])
def test_nothing_has_no_key(nothing: str) -> None:
    assert caption_key(nothing) == ""


def test_a_long_text_is_cut_between_words() -> None:
    shown = normalise_caption("calm piano " * 200_000)
    assert len(shown) <= MAX_CHARACTERS
    assert set(shown.split()) == {"calm", "piano"}
    assert len(normalise_caption("x" * 5000)) == MAX_CHARACTERS


def test_id_is_the_hash_of_the_key() -> None:
    assert caption_id("Soft piano.") == stable_id("caption", "soft piano")


@given(st.text(alphabet="aZbI ,-.!?", max_size=30))
def test_plain_words_take_a_shorter_way_to_the_same_key(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noise2music.labeling.captions.text._SIMPLE", re.compile(r"(?!)"))
        longer_way = caption_key(text)
    assert caption_key(text) == longer_way
