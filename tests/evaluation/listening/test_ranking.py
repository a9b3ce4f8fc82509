"""Raters of known taste: their strengths are found again, with intervals that hold; who does not listen is flagged."""

from collections.abc import Sequence

import numpy as np
import pytest

from noise2music.core.errors import UserError
from noise2music.evaluation.listening.answers import Answers
from noise2music.evaluation.listening.questionnaire import Key, KeyEntry, Questionnaire
from noise2music.evaluation.listening.ranking import Ranking, rank
from noise2music.evaluation.listening.raters import check_rater
from tests.evaluation.listening.simulated import Choose, answered, listener, made_test, signed

ELO = {"a": 150.0, "b": 50.0, "c": 0.0, "d": -200.0}


def asked(questionnaire: Questionnaire, key: Key, choose: Choose, raters: int, seed: int = 0) -> list[Answers]:
    return [answered(questionnaire, key, choose, sheet, seed) for sheet in range(raters)]


def values(ranking: Ranking) -> dict[str, float]:
    return {standing.system: standing.elo for standing in ranking.standings}


def test_known_strengths_are_found_and_intervals_hold() -> None:
    """30 tests of 10 raters: of their 120 intervals about 114 hold the truth, and of 30 for the effect of being first 28."""
    questionnaire, key = made_test(list(ELO), 10, 24)
    held = first = 0
    found = []
    for seed in range(30):
        rankings, _ = rank(asked(questionnaire, key, listener(ELO, first=60), 10, seed), key.model_copy(update={"questions": ("text",)}))
        (ranking,) = rankings
        for standing in ranking.standings:
            assert standing.low is not None
            assert standing.high is not None
            held += standing.low <= ELO[standing.system] <= standing.high
        assert ranking.position_low is not None
        assert ranking.position_high is not None
        first += ranking.position_low <= 60 <= ranking.position_high
        found.append([values(ranking)[system] for system in ELO])
    assert 108 <= held <= 119
    assert first >= 26
    assert np.mean(found, axis=0) == pytest.approx(list(ELO.values()), abs=14)


def test_a_clear_difference_is_significant_and_a_small_one_says_how_many_more_it_takes() -> None:
    questionnaire, key = made_test(["bad", "good", "middle"], 20, 24)
    (ranking, _), raters = rank(asked(questionnaire, key, listener({"bad": -200, "good": 110, "middle": 90}), 20), key)
    assert list(values(ranking))[-1] == "bad"
    decided = {frozenset((d.first, d.second)): d for d in ranking.differences}
    assert decided[frozenset(("good", "bad"))].is_significant
    assert decided[frozenset(("middle", "bad"))].is_significant
    close = decided[frozenset(("good", "middle"))]
    assert not close.is_significant
    assert close.more is None or close.more >= 24
    assert all(d.elo >= 0 and d.ratings == 160 and d.p is not None and d.p_holm is not None and d.p_holm >= d.p for d in decided.values())
    assert sum(s.wins for s in ranking.standings) == sum(s.losses for s in ranking.standings)
    assert sum(s.wins for s in ranking.standings) + sum(s.alike for s in ranking.standings) // 2 == ranking.ratings == 480
    assert not [rater for rater in raters if rater.failed]


def test_the_number_of_more_ratings_is_about_right() -> None:
    """A difference that is not significant with 6 raters is, in most tests, once as many answered as were said to be missing."""
    strengths = {"x": 35.0, "y": -35.0}
    questionnaire, key = made_test(list(strengths), 6, 24)
    told = []
    for seed in range(12):
        (ranking, _), _ = rank(asked(questionnaire, key, listener(strengths), 6, seed), key)
        more = ranking.differences[0].more
        told.append(0 if ranking.differences[0].is_significant else 100_000 if more is None else more)
    # With n ratings the standard error is 400/ln(10) * 2 / sqrt(0.8 n): 70 Elo need about 240 ratings for a power of 0.8; 144 are there.
    assert 0 <= np.median(told) <= 600


def test_intervals_are_over_raters_and_not_over_votes() -> None:
    """Half of the raters always prefer x, half y: a thousand votes of such raters tell no more than so many raters."""
    questionnaire, key = made_test(["x", "y"], 12, 40)
    fond = [listener({"x": sign * 2000.0, "y": 0.0}) for sign in (1, -1)]
    (ranking, _), _ = rank([answered(questionnaire, key, fond[sheet % 2], sheet) for sheet in range(12)], key)
    x = next(standing for standing in ranking.standings if standing.system == "x")
    assert x.low is not None
    assert x.high is not None
    # Over votes: 480 of them, half of x: 1.96 * 400/ln(10) * sqrt(4/480) / 2.
    assert x.high - x.low > 4 * 2 * 1.96 * 173.7 * (4 / 480) ** 0.5 / 2
    assert x.low < 0 < x.high


@pytest.mark.parametrize(
    ("choices", "failed"),
    [
        ([1], ("absurd_pair", "one_side", "same_answer", "repeats")),
        ([5], ("one_side", "same_answer", "repeats")),
        ([3], ("absurd_pair", "same_answer")),
        ([1, 2], ("absurd_pair", "one_side")),
    ],
    ids=["always left", "always right", "always alike", "left, more or less"],
)
def test_who_does_not_listen_is_flagged(choices: list[int], failed: tuple[str, ...]) -> None:
    """On a sheet where the notes are B, so that who always takes B passes the absurd pair."""
    questionnaire, key = made_test(["a", "b", "c"], 4, 24)
    found = check_rater(answered(questionnaire, key, lambda _, chance: int(chance.choice(choices)), 1), key)
    assert set(failed) <= set(found.failed)
    assert ("absurd_pair" in found.failed) == ("absurd_pair" in failed)


def test_who_listens_is_not() -> None:
    questionnaire, key = made_test(list(ELO), 25, 24)
    answers = [given for seed in range(8) for given in asked(questionnaire, key, listener(ELO, first=40), 25, seed)]
    assert sum(bool(check_rater(given, key).failed) for given in answers) <= 4


def test_who_failed_is_left_out_when_asked() -> None:
    questionnaire, key = made_test(["a", "b"], 10, 20)

    left: Choose = lambda *_: 1  # noqa: E731
    answers = [answered(questionnaire, key, left if sheet < 3 else listener({"a": 300, "b": 0}), sheet) for sheet in range(10)]
    (all_, _), raters = rank(answers, key)
    (kept, _), _ = rank(answers, key, drop_failed=True)
    assert sum(bool(rater.failed) for rater in raters) == 3
    assert (all_.raters, kept.raters) == (10, 7)
    assert kept.differences[0].elo > all_.differences[0].elo
    with pytest.raises(UserError, match="no rater is left"):
        rank(answers[:3], key, drop_failed=True)


def test_the_order_of_files_changes_nothing() -> None:
    from noise2music.evaluation.listening.results import ranking_json

    questionnaire, key = made_test(["a", "b"], 6, 20)
    answers = sorted(asked(questionnaire, key, listener({"a": 30, "b": 0}), 6), key=lambda given: given.rater)
    first, again = (ranking_json(*rank(answers, key, seed=4), key) for _ in range(2))
    assert first == again
    assert ranking_json(*rank(answers, key, seed=5), key) != first


def test_repeated_pairs_and_shared_pairs_say_how_far_raters_agree() -> None:
    """Raters without chance agree with each other and with themselves; a coin does not."""
    questionnaire, key = made_test(["a", "b", "c"], 10, 24, prompts=8)
    sure = listener({"a": 9000.0, "b": 0.0, "c": -9000.0}, alike=0.0)

    def coin(_: KeyEntry, chance: np.random.Generator) -> int:
        return int(chance.integers(1, 6))

    (steady, _), _ = rank(asked(questionnaire, key, sure, 10), key)
    (random, _), _ = rank(asked(questionnaire, key, coin, 10), key)
    assert (steady.agreement.same, steady.agreement.near) == (1.0, 1.0)
    assert steady.agreement.repeats == 30
    assert steady.agreement.shared == 24
    assert steady.agreement.alpha is not None
    assert random.agreement.alpha is not None
    assert steady.agreement.alpha > 0.8
    assert abs(random.agreement.alpha) < 0.15


def test_what_limits_a_ranking_is_said() -> None:
    questionnaire, key = made_test(["king", "b", "c"], 3, 24)
    sure = listener({"king": 99_000.0, "b": 0.0, "c": 0.0}, alike=0.01)
    (ranking, _), _ = rank(asked(questionnaire, key, sure, 1), key)
    assert any("king never lost" in said for said in ranking.said)
    assert any("one rater" in said for said in ranking.said)
    assert ranking.standings[0].low is None
    assert ranking.differences[0].p_holm is None


def test_systems_that_nothing_connects() -> None:
    questionnaire, key = made_test(["a", "b", "c", "d"], 1, 24)
    given = answered(questionnaire, key, listener(dict.fromkeys("abcd", 0.0)), 0)

    def is_inside(names: Sequence[str]) -> bool:
        return set(names) in ({"a", "b"}, {"c", "d"})

    kept = tuple(a for a in given.answers if (pair := key.items[a.item].pair) is not None and is_inside(pair.systems))
    with pytest.raises(UserError, match=r"no comparison connects \{a, b\} and \{c, d\}"):
        rank([signed(given.model_copy(update={"answers": kept}))], key)
