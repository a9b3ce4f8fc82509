"""The built-in words and the grammar: enough of them, distinct, in agreement with themselves."""

import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.data_files import comma_list
from noise2music.labeling.captions.builtin import BuiltinTag, builtin_sentences, builtin_tags
from noise2music.labeling.captions.builtin.characters import characters, paces
from noise2music.labeling.captions.builtin.english import clause, is_plural, polish, third_person, with_article
from noise2music.labeling.captions.builtin.forms import forms, styles
from noise2music.labeling.captions.builtin.playing import Role, verb_phrases
from noise2music.labeling.captions.text import caption_key, normalise_caption

SENTENCES = builtin_sentences(20_000, seed=1)
REQUIRED_INSTRUMENTS = comma_list(
    "guitar, acoustic guitar, electric guitar, piano, rhodes, electric piano, violin, viola, cello, strings, string orchestra, harp, "
    "flute, clarinet, saxophone, trumpet, trombone, tuba, horn, organ, accordion, harpsichord, synthesizer, synth pad, synth lead, "
    "synth bass, bass guitar, drums, drum machine, percussion, hand drums, tabla, sitar, mallets, bells"
)
REQUIRED_GENRES = comma_list(
    "classical, ambient, lofi, chiptune, video game music, jazz, folk, pop, rock, metal, techno, house, trance, drum and bass, "
    "hip hop, electronic, orchestral, film score, new age, country, blues, soul, funk, R&B, reggae, latin, "
    "indian classical, african music, celtic"
)


def test_tags_are_many_and_distinct_in_every_category() -> None:
    tags = builtin_tags()
    assert len(tags) >= 600
    assert len({caption_key(tag.text) for tag in tags}) == len(tags)
    assert {tag.category for tag in tags} == {"genre", "instrument", "mood", "tempo", "voice", "production", "use"}
    assert all(tag.text == normalise_caption(tag.text) for tag in tags)


def test_tags_cover_the_words_that_people_need() -> None:
    tags = set(builtin_tags())
    assert {BuiltinTag(name, "instrument") for name in (*REQUIRED_INSTRUMENTS, "no drums")} <= tags
    assert {BuiltinTag(name, "genre") for name in REQUIRED_GENRES} <= tags
    assert {BuiltinTag(name, "voice") for name in ("no vocals", "instrumental", "choir", "female vocals", "male vocals")} <= tags


def test_sentences_are_distinct_and_a_longer_list_starts_with_the_shorter() -> None:
    assert len({caption_key(sentence) for sentence in SENTENCES}) == len(SENTENCES)
    assert builtin_sentences(300, seed=1) == SENTENCES[:300]
    assert len(set(builtin_sentences(300, seed=2)) & set(SENTENCES[:300])) < 10
    assert len(builtin_sentences()) == 4000


def test_sentences_do_not_depend_on_the_process() -> None:
    code = "from noise2music.labeling.captions.builtin import builtin_sentences; print('\\n'.join(builtin_sentences(50, seed=1)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert printed.stdout.decode().splitlines() == SENTENCES[:50]


def test_sentences_are_whole() -> None:
    for sentence in SENTENCES:
        assert sentence == normalise_caption(sentence)
        assert sentence.endswith(".")
        assert not sentence[0].islower()
        assert not re.search(r"[{}]|\.\.|\b(\w+) \1\b", sentence), sentence
        assert 3 <= len(sentence.split()) <= 40


def test_articles_agree() -> None:
    vowel_consonant = re.compile(r"\b[Aa] [aeioAEIO](?!ne\b|u)|\b[Aa]n [bcdfgjklmnpqrstvwxyzBCDFGJKLMNPQSTVWXYZ]|\ban uk|\ba u(?!k|ni|se)")
    wrong = [sentence for sentence in SENTENCES if vowel_consonant.search(sentence)]
    assert [sentence for sentence in wrong if not re.search(r"\ban (fm|mc)\b", sentence, re.IGNORECASE)] == []
    assert all(
        f" a {word}" not in sentence for sentence in SENTENCES for word in ("drums", "strings", "synth pads", "percussion", "handclaps")
    )


def test_no_sentence_contradicts_itself() -> None:
    slow, fast = (re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE) for words in (paces()["slow"], paces()["fast"]))
    for sentence in SENTENCES:
        lower = sentence.lower()
        assert not (slow.search(lower) and fast.search(lower)), sentence
        if re.search(r"\bno (?:vocals|singing|voice)\b", lower):
            assert not re.search(r"\b(?:sings?|vocals with|singer(?!-)|choir|rapper)\b", lower), sentence
        if re.search(r"\bno (?:drums|percussion)\b", lower):
            assert not re.search(r"(?<!no )\b(?:drums|kick|congas|taiko|tambourine|cajon)\b(?! at all)", lower), sentence
        if "calm" in lower or "soothing" in lower:
            assert not re.search(r"\b(?:distorted|screaming|blast|frantic|pounding)\b", lower), sentence


def test_every_style_and_every_form_is_used() -> None:
    text = "\n".join(SENTENCES)
    for style in styles().values():
        assert all(name in text for name in style.genres[:2])
        assert set(style.characters) <= set(characters())
    openings = {re.split(r"[^a-z ]", form)[0].strip() for form in forms() if form[0] != "{"} - {"a", "an"}
    assert all(re.search(rf"^{opening}\b", text, re.IGNORECASE | re.MULTILINE) for opening in openings)


def test_every_instrument_and_voice_has_something_to_do() -> None:
    for style in styles().values():
        played: dict[Role, tuple[str, ...]] = {
            "leading": style.lead,
            "accompanying": style.chords,
            "bassing": style.bass,
            "drumming": style.beat,
            "singing": style.voices,
        }
        assert all(len(verb_phrases(role, name)) >= 2 for role, names in played.items() for name in names)


@pytest.mark.parametrize(
    ("subject", "verb_phrase", "expected"),
    [
        ("soft piano", "play chords", "a soft piano plays chords"),
        ("synth pads", "swell", "synth pads swell"),
        ("brass", "answer the melody", "brass answers the melody"),
        ("sub bass", "hum underneath", "sub bass hums underneath"),
        ("upright bass", "carry the tune", "a upright bass carries the tune"),
        ("rhodes", "go on", "a rhodes goes on"),
        ("female choir", "push forward", "a female choir pushes forward"),
    ],
)
def test_clauses_agree(subject: str, verb_phrase: str, expected: str) -> None:
    assert clause(subject, verb_phrase) == expected


def test_polish_mends_articles() -> None:
    assert polish("a upright bass and a unison line, a ukulele, a 8-bit tune, a R&B song") == (
        "An upright bass and a unison line, a ukulele, an 8-bit tune, an R&B song"
    )
    assert (is_plural("taiko drums"), is_plural("brass"), with_article("percussion"), third_person("play on")) == (
        True,
        False,
        "percussion",
        "plays on",
    )


def test_word_lists_refuse_a_repeated_word() -> None:
    with pytest.raises(ValueError, match="listed twice: harp"):
        comma_list("harp, lute,\n harp")


@given(st.integers(0, 2**63), st.integers(1, 40))
def test_any_seed_gives_distinct_sentences(seed: int, count: int) -> None:
    sentences = builtin_sentences(count, seed)
    assert len(set(sentences)) == count
