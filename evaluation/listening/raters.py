"""Who answered without listening: checks of each rater against what no listener does; and how far raters agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binomtest

from noise2music.evaluation.listening.answers import Answer, Answers
from noise2music.evaluation.listening.questionnaire import Key, QuestionName, Role

ALIKE = 3
"""The middle of five choices; those below prefer A."""
MUCH = (1, 5)
ONE_SIDE = 0.0005
FEWEST = 8
REVERSED = 3
"""A rater without memory, of equal systems, who says "much" twice in five times, reaches this in one test of a hundred."""


@dataclass(frozen=True)
class Rater:
    """failed: the checks that a rater failed. judged: items that count. seconds: median spent on one. repeats: pairs of choices, before
    and again, as seen from the same system, for each question.
    """

    rater: str
    sheet: int
    judged: int
    skipped: int
    seconds: float
    failed: tuple[str, ...]
    repeats: Mapping[QuestionName, tuple[tuple[int, int], ...]]


def check_rater(answers: Answers, key: Key) -> Rater:
    """Of a listening test. The checks that can be failed:

    "absurd_pair": noise is found no worse than notes. "one_side": A, or B, is preferred far more often than chance would, on a sheet that
    has each system on both sides. "same_answer": one choice throughout. "repeats": three times or more "much better" became "much better"
    of the other when a pair came again.
    """
    by_role = {role: _of_role(answers, key, role) for role in ("judged", "repeated", "absurd")}
    judged = by_role["judged"]
    repeats = {question: _repeats(answers, key, question) for question in key.questions}
    failed = []
    if any(_is_wrong(answer, key) for answer in by_role["absurd"]):
        failed.append("absurd_pair")
    values = {question: [answer.choices[question] for answer in judged] for question in key.questions}
    if any(_leans(given) for given in values.values()):
        failed.append("one_side")
    if any(len(given) >= FEWEST and len(set(given)) == 1 for given in values.values()):
        failed.append("same_answer")
    if sum({before, again} == set(MUCH) for pairs in repeats.values() for before, again in pairs) >= REVERSED:
        failed.append("repeats")
    skipped = sum(answer.skipped for answer in answers.answers)
    return Rater(answers.rater, answers.sheet, len(judged), skipped, median_seconds(judged), tuple(failed), repeats)


def median_seconds(answers: Sequence[Answer]) -> float:
    """Spent on an item."""
    return float(np.median([answer.ms for answer in answers])) / 1000 if answers else 0.0


def _of_role(answers: Answers, key: Key, role: Role) -> list[Answer]:
    return [answer for answer in answers.answers if key.items[answer.item].role == role and not answer.skipped]


def _is_wrong(answer: Answer, key: Key) -> bool:
    right = key.items[answer.item].right
    return any(value >= ALIKE if right == 0 else value <= ALIKE for value in answer.choices.values())


def _leans(values: Sequence[int]) -> bool:
    """Whether one side is preferred more often than a fair coin would."""
    a, b = sum(value < ALIKE for value in values), sum(value > ALIKE for value in values)
    return a + b > 0 and bool(binomtest(a, a + b).pvalue < ONE_SIDE)


def _repeats(answers: Answers, key: Key, question: QuestionName) -> tuple[tuple[int, int], ...]:
    """(before, again) of each repeated pair; the second is turned round, as its sides were swapped."""
    given = {answer.item: answer.choices[question] for answer in answers.answers if not answer.skipped}
    of = {item: key.items[item].of for item in given}
    return tuple((given[first], 2 * ALIKE - given[item]) for item, first in of.items() if first is not None and first in given)


def krippendorff_alpha(units: Sequence[Sequence[float]], metric: Literal["interval", "nominal"] = "interval") -> float | None:
    """Values that raters gave, a list for each unit -> 1 where all agree, 0 where agreement is that of chance.

    Units with fewer than two values say nothing. None where no two values can be compared, or all are the same.
    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    pairable = [np.asarray(unit, np.float64) for unit in units if len(unit) > 1]
    if not pairable:
        return None
    values = np.concatenate(pairable)

    def distances(of: np.ndarray) -> float:
        """Summed over all ordered pairs."""
        if metric == "interval":
            return float(2 * (len(of) * (of * of).sum() - of.sum() ** 2))
        _, counts = np.unique(of, return_counts=True)
        return float(len(of) ** 2 - (counts**2).sum())

    observed = sum(distances(unit) / (len(unit) - 1) for unit in pairable) / len(values)
    expected = distances(values) / (len(values) * (len(values) - 1))
    return 1 - observed / expected if expected > 0 else None
