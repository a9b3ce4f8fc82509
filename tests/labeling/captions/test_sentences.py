"""Sentence splitting on the kinds of text that raters write."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.labeling.captions.builtin import builtin_sentences
from noise2music.labeling.captions.text import split_sentences

_HARD = [json.loads(line) for line in (Path(__file__).parents[2] / "data/sentence_splits.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A calm song. It is slow.", ["A calm song.", "It is slow."]),
        ("One sentence without an end", ["One sentence without an end"]),
        ("It lasts 4.5 seconds at 92.3 bpm. Then it stops.", ["It lasts 4.5 seconds at 92.3 bpm.", "Then it stops."]),
        ("A ballad feat. a choir. Slow.", ["A ballad feat. a choir.", "Slow."]),
        ("Plucked strings, e.g. a harp, i.e. soft. Calm.", ["Plucked strings, e.g. a harp, i.e. soft.", "Calm."]),
        ("Bells, shakers etc. play along. It is loud.", ["Bells, shakers etc. play along.", "It is loud."]),
        ("It has bells, shakers etc. The song is loud.", ["It has bells, shakers etc.", "The song is loud."]),
        ("Waltz No. 5 is playing. There is no. Really no. Drums.", ["Waltz No. 5 is playing.", "There is no.", "Really no.", "Drums."]),
        ("A fugue by J. S. Bach on the organ. Grand.", ["A fugue by J. S. Bach on the organ.", "Grand."]),
        ("It is in the key of A. The tempo is slow.", ["It is in the key of A.", "The tempo is slow."]),
        ("What a riff!? It rocks! Yes.", ["What a riff!?", "It rocks!", "Yes."]),
        ("It fades... and comes back. It ends… Silence.", ["It fades... and comes back.", "It ends…", "Silence."]),
        ('She sings "hey!" and claps. He says "go." Then it starts.', ['She sings "hey!" and claps.', 'He says "go."', "Then it starts."]),
        ("First line\nSecond line. Third\r\n\nFourth", ["First line", "Second line.", "Third", "Fourth"]),
        ("An instrumental.The tempo is fast.it is loud", ["An instrumental.", "The tempo is fast.", "it is loud"]),
        ("A groove .The song is old.. The end", ["A groove.", "The song is old..", "The end"]),
        ("Claps. tinny hi-hats. loud", ["Claps.", "tinny hi-hats.", "loud"]),
        ("1. Calm piano. 2. Loud drums.", ["1. Calm piano.", "2. Loud drums."]),
        ("Sounds (like a pad.) It is warm.", ["Sounds (like a pad.)", "It is warm."]),
        ("", []),
        (" ... !! \n ♪", []),
    ],
)
def test_split(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize("case", _HARD, ids=[case["why"] for case in _HARD])
def test_hard_case(case: dict) -> None:
    assert split_sentences(case["text"]) == case["sentences"]


@given(st.text(max_size=200) | st.text(alphabet='aA. !?…"\n(1e.gT', max_size=60))
def test_nothing_but_space_and_marks_is_lost(text: str) -> None:
    def letters(value: str) -> str:
        return "".join(character for character in value if character.isalnum())

    sentences = split_sentences(text)
    assert letters("".join(sentences)) == letters(text)
    assert all(sentence == sentence.strip() and "\n" not in sentence for sentence in sentences)


def test_composed_sentences_are_one_sentence_each_and_come_back_from_a_text() -> None:
    composed = builtin_sentences(500, seed=3)
    assert split_sentences(" ".join(composed)) == composed
