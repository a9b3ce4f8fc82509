"""When a stage stops early: what is certain, what a sample shows, and what must never stop one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.errors import RowError
from noise2music.labeling.datasets.dead_limit import SAMPLE, DeadLimit, TooManyDead, one_line
from noise2music.labeling.datasets.parts import PartContext

BAD = RowError("bad", "the server\nsaid \x1b[31mno")


def context(max_dead: float, rows: int | None, **more: int) -> PartContext:
    return PartContext("stage", 0, 1, limit=DeadLimit(max_dead, rows, **more))


def seen_until_stopped(fates: list[bool], max_dead: float, rows: int | None = None, a_subject: int = 1, **more: int) -> int | None:
    """Rows seen when the stage stops, None when it goes on to the end. fates: whether each row dies."""
    part = context(max_dead, len(fates) if rows is None else rows, **more)
    for number, dies in enumerate(fates):
        try:
            part.advance()
            if dies:
                part.reject(str(number), BAD, str(number // a_subject))
        except TooManyDead:
            return number + 1
    return None


@pytest.mark.parametrize("max_dead", [0.0, 0.05, 0.2, 0.3])
def test_a_sample_that_is_dead_stops_it(max_dead: float) -> None:
    assert seen_until_stopped([True] * 2000, max_dead) == SAMPLE


def test_what_breaks_later_is_seen_as_fast() -> None:
    stopped = seen_until_stopped([False] * 1500 + [True] * 98_500, 0.05)
    assert stopped == 1500 + SAMPLE


def test_it_stops_as_soon_as_the_share_cannot_come_under_the_limit() -> None:
    every_fifth = [number % 5 == 0 for number in range(2000)]
    stopped = seen_until_stopped(every_fifth, 0.05)
    assert stopped is not None
    assert sum(every_fifth[:stopped]) == 101
    assert seen_until_stopped(every_fifth, 0.2) is None


@given(st.integers(1, 400), st.floats(0, 1), st.floats(0.05, 1), st.integers(0, 2**32))
def test_a_stage_that_stays_within_its_limit_is_not_stopped(rows: int, share: float, max_dead: float, seed: int) -> None:
    """Rows that die at random, at most `max_dead` of them."""
    dead = int(min(share, max_dead) * rows)
    fates = [True] * dead + [False] * (rows - dead)
    random.Random(seed).shuffle(fates)
    assert seen_until_stopped(fates, max_dead) is None


def test_a_stage_of_few_rows_goes_on_to_its_end() -> None:
    assert seen_until_stopped([True] * SAMPLE, 0.05) is None
    assert seen_until_stopped([True] * (SAMPLE + 1), 0.05) == SAMPLE


def test_with_a_limit_of_one_nothing_stops() -> None:
    assert seen_until_stopped([True] * 5000, 1.0) is None


def test_a_high_limit_wants_a_larger_sample() -> None:
    half = seen_until_stopped([True] * 20_000, 0.5)
    high = seen_until_stopped([True] * 20_000, 0.8)
    assert half is not None
    assert high is not None
    assert SAMPLE <= half < high < 600


def test_rows_of_one_thing_are_one_witness() -> None:
    fates = [True] * 100 + [False] * 9900
    assert seen_until_stopped(fates, 0.05, a_subject=1) == SAMPLE
    assert seen_until_stopped(fates, 0.05, a_subject=100) is None


def test_few_rows_that_are_tried_again_do_not_stop_it() -> None:
    """A replay: 1,900 rows live already, and 95 of the 100 that died die again."""
    part = context(0.05, 2000)
    part.advance(1900)
    for number in range(100):
        part.advance()
        if number < 95:
            part.reject(str(number), BAD)


def test_what_is_quicker_when_it_dies_is_not_taken_for_all() -> None:
    """With 4,096 rows at work 170 of them die at once, and the others take longer."""
    fates = [True] * 170 + [False] * 3926 + [False] * 96_000
    assert seen_until_stopped(fates, 0.05, at_once=4096) is None
    assert seen_until_stopped(fates, 0.05, at_once=1) == SAMPLE


def test_parts_that_were_there_before_count() -> None:
    assert seen_until_stopped([True] * 100, 0.05, 2000, rows_before=1800, dead_before=95) == 6


def test_threads_of_a_run_share_their_count_and_runs_do_not() -> None:
    limit = DeadLimit(0.05, 2000)
    parts = [PartContext("stage", number, 2, limit=limit) for number in range(2)]
    for number in range(49):
        parts[number % 2].advance()
        parts[number % 2].reject(str(number), BAD)
    parts[0].advance()
    with pytest.raises(TooManyDead, match="50 of the last 50 rows") as found:
        parts[0].reject("49", BAD)
    for part in parts:
        with pytest.raises(TooManyDead):
            part.advance()
    assert "Reasons: bad: 50. For example 0: the server said ?[31mno" in str(found.value)
    limit.forget()
    PartContext("stage", 0, 2, limit=limit).advance()
    PartContext("stage", 0, 2, limit=DeadLimit(0.05, 2000)).advance()


def test_a_row_that_lives_after_all_is_not_dead() -> None:
    part = context(0.05, 1000)
    for number in range(49):
        part.advance()
        part.expect_dead(str(number), BAD)
    for number in range(49):
        assert part.revive(str(number))
        assert not part.revive(str(number))
    part.advance(951)
    part.settle()
    assert part.stopped is None
    assert part.dead_so_far() == []


def test_words_of_others_become_one_line() -> None:
    assert one_line("a\n b\t\x1b[0m\ud800") == "a b ?[0m?"
    assert one_line("x" * 1000, 10) == f"{'x' * 10} ..."
