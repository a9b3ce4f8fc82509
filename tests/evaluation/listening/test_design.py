"""The design is balanced, and the same for the same seed."""

from collections import Counter

import pytest

from noise2music.evaluation.listening.design import balanced_sheets, most_pairs

SHAPES = [(3, 40, 10, 24), (5, 30, 12, 20), (2, 50, 4, 10), (4, 5, 6, 30), (3, 1, 3, 3)]


@pytest.mark.parametrize(("systems", "prompts", "sheets", "pairs"), SHAPES)
def test_everything_comes_equally_often(systems: int, prompts: int, sheets: int, pairs: int) -> None:
    made = balanced_sheets(systems, prompts, sheets, pairs, 0, seed=3)
    every = [judged for sheet in made for judged in sheet]
    assert [len(sheet) for sheet in made] == [pairs] * sheets
    of_two = Counter(frozenset(judged.systems) for judged in every)
    assert len(of_two) == systems * (systems - 1) // 2
    assert max(of_two.values()) - min(of_two.values()) <= 1
    assert max(Counter(judged.prompt for judged in every).values()) <= -(-len(every) // prompts) + 1
    first = Counter(judged.systems for judged in every)
    assert all(abs(first[a, b] - first[b, a]) <= 1 for a, b in first)
    for sheet in made:
        here = Counter(frozenset(judged.systems) for judged in sheet)
        assert max(here.values()) - min((here[pair] for pair in of_two), default=0) <= 1
        assert len({(frozenset(judged.systems), judged.prompt) for judged in sheet}) == pairs
        assert max(Counter(judged.prompt for judged in sheet).values()) == -(-pairs // prompts)


def test_repeats_swap_the_sides_and_come_late() -> None:
    for sheet in balanced_sheets(3, 20, 8, 24, 4, seed=1):
        again = [(place, judged) for place, judged in enumerate(sheet) if judged.again is not None]
        assert len(sheet) == 28
        assert len(again) == 4
        for place, judged in again:
            assert judged.again is not None
            before = sheet[judged.again]
            assert before.again is None
            assert (before.systems[::-1], before.prompt) == (judged.systems, judged.prompt)
            assert judged.again < 12
            assert place >= 16


def test_all_repeated_where_there_is_hardly_a_pair() -> None:
    (sheet,) = balanced_sheets(2, 1, 1, 1, 1, seed=0)
    assert [judged.again for judged in sheet] == [None, 0]


def test_the_seed_decides() -> None:
    assert balanced_sheets(3, 9, 4, 12, 2, seed=5) == balanced_sheets(3, 9, 4, 12, 2, seed=5)
    assert balanced_sheets(3, 9, 4, 12, 2, seed=5) != balanced_sheets(3, 9, 4, 12, 2, seed=6)


def test_more_pairs_than_there_are() -> None:
    assert most_pairs(3, 4) == 12
    with pytest.raises(ValueError, match="do not fit"):
        balanced_sheets(3, 4, 1, 13, 0, seed=0)
