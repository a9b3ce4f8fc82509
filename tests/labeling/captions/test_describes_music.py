import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.labeling.captions.cleaning.describes_music import THRESHOLD, DescribesMusic, exemplars, load_describes_music, not_music
from noise2music.labeling.captions.cleaning.sentence_rules import Sentence
from noise2music.labeling.corpus.songs import Song

MUSICAL = (
    "A marimba and a double bass trade short phrases.",
    "Hushed singing over a finger-picked guitar.",
    "The drums are dry and the bass is warm.",
    "Everything is drenched in echo and slowly fades.",
)
OTHERS = (
    "The company announced a new washing machine on the stock market.",
    "She moved to the coast with her children and opened a bakery.",
    "Bake the cake for an hour and let it cool.",
    "The train leaves the station at nine and arrives in the evening.",
)
MIXED = (*MUSICAL, *OTHERS, "Warm.", "A", "...", "静か", "Nice and easy does it " * 10)


@pytest.fixture(scope="module")
def scorer():
    return load_describes_music()


def test_music_passes_and_the_world_does_not(scorer):
    assert scorer.passes(MUSICAL, THRESHOLD) == [True] * len(MUSICAL)
    assert scorer.passes(OTHERS, THRESHOLD) == [False] * len(OTHERS)
    assert scorer.scores(MUSICAL).min() > THRESHOLD > scorer.scores(OTHERS).max()


def test_exemplars_belong_to_one_side_and_score_on_it(scorer):
    music, other = exemplars("music"), exemplars("other")
    assert len({*music, *other}) == len(music) + len(other)
    assert (scorer.scores(music) > 0).all()
    assert (scorer.scores(other) < 0).all()


@pytest.fixture(scope="module")
def alone(scorer):
    """Scores and verdicts of single texts."""
    return np.array([scorer.scores([text])[0] for text in MIXED]), [scorer.passes([text], THRESHOLD)[0] for text in MIXED]


@settings(deadline=None, max_examples=6)
@given(order=st.permutations(range(len(MIXED))), batch=st.integers(1, len(MIXED)))
def test_scores_and_verdicts_do_not_depend_on_batch_or_order(scorer, alone, order, batch):
    scores, verdicts = alone
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        texts = [MIXED[place] for place in part]
        assert np.abs(scorer.scores(texts) - scores[part]).max() < 1e-5
        assert scorer.passes(texts, THRESHOLD) == [verdicts[place] for place in part]


def test_what_a_fresh_scorer_has_not_seen_changes_nothing(scorer):
    fresh = DescribesMusic()
    assert fresh.passes(MIXED[::-1], THRESHOLD) == scorer.passes(MIXED, THRESHOLD)[::-1]


def test_the_threshold_decides_only_what_the_words_leave_open(scorer):
    assert scorer.passes(OTHERS, -2.0) == [True] * len(OTHERS)
    assert scorer.passes(["A slow guitar melody with soft drums."], 2.0) == [True]


def test_the_rule_uses_the_measured_threshold_unless_told_otherwise():
    sentences = [Sentence(text, Song("Zqxwv", None)) for text in (MUSICAL[0], OTHERS[0])]
    assert not_music(None, sentences) == [MUSICAL[0], None] == not_music(THRESHOLD, sentences)
    assert not_music(-2.0, sentences) == [MUSICAL[0], OTHERS[0]]
    assert not_music(None, []) == []
