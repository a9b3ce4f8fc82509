"""What the answers of a listening test say: a ranking with its uncertainty, which is that of raters and not of votes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import norm, t

from noise2music.core.arrays import Float64s
from noise2music.core.errors import UserError
from noise2music.core.ids import hash_uniform
from noise2music.evaluation.listening.answers import Answers
from noise2music.evaluation.listening.bradley_terry import ELO, better, fit, groups, separated, unbeaten
from noise2music.evaluation.listening.questionnaire import Key, QuestionName
from noise2music.evaluation.listening.raters import ALIKE, Rater, check_rater, krippendorff_alpha

RESAMPLES = 1000
LEVEL = 0.95
POWER = 0.8
MOST_MORE = 100_000


@dataclass(frozen=True)
class Standing:
    """A system. elo: mean of all systems 0; low, high: 95 %, None with fewer than two raters. alike counts for neither."""

    system: str
    elo: float
    low: float | None
    high: float | None
    wins: int
    losses: int
    alike: int


@dataclass(frozen=True)
class Difference:
    """Of two systems, the better first, in Elo. chance: that the first is preferred, ties aside. p, p_holm: of no difference, by itself
    and among all pairs. more: ratings that would decide it in 80 of 100 such tests if the difference is as it seems; None where it is
    decided, or more than MOST_MORE would be needed.
    """

    first: str
    second: str
    elo: float
    low: float | None
    high: float | None
    chance: float
    p: float | None
    p_holm: float | None
    ratings: int
    more: int | None

    @property
    def is_significant(self) -> bool:
        """At 5 %, corrected for the number of pairs (Holm)."""
        return self.p_holm is not None and self.p_holm < 1 - LEVEL


@dataclass(frozen=True)
class Agreement:
    """alpha: Krippendorff's, of `shared` pairs that several raters heard. repeats: pairs heard twice by a rater; same: of these the share
    with the same winner, or alike both times; near: with choices at most one step apart.
    """

    alpha: float | None
    shared: int
    repeats: int
    same: float | None
    near: float | None


@dataclass(frozen=True)
class Ranking:
    """Of one question. position: Elo that A has before B; said: what limits the result, in words."""

    question: QuestionName
    standings: tuple[Standing, ...]
    differences: tuple[Difference, ...]
    agreement: Agreement
    ratings: int
    raters: int
    position: float
    position_low: float | None
    position_high: float | None
    said: tuple[str, ...]


def rank(answers: Sequence[Answers], key: Key, drop_failed: bool = False, seed: int = 0) -> tuple[list[Ranking], list[Rater]]:
    """One ranking for each question, and all raters with the checks that they failed. With `drop_failed` those who failed one do not count.

    Raises UserError where no rater is left, or systems are not connected by comparisons.
    """
    if key.kind != "pairs":
        raise UserError("this is the key of an audit of labels. What its answers say: n2m audit ANSWERS --key KEY")
    raters = [check_rater(given, key) for given in answers]
    kept = [(given, rater) for given, rater in zip(answers, raters, strict=True) if rater.judged and not (drop_failed and rater.failed)]
    if not kept:
        raise UserError("no rater is left: all failed a check or judged nothing. Without --drop-failed those who failed count.")
    return [_rank(question, [given for given, _ in kept], [rater for _, rater in kept], key, seed) for question in key.questions], raters


def _rank(question: QuestionName, answers: Sequence[Answers], raters: Sequence[Rater], key: Key, seed: int) -> Ranking:
    counts = outcome_counts(question, answers, key)
    total = counts.sum(axis=0)
    _check_connected(total, key.systems)
    found = fit(total[None])
    elo, position = found.strengths[0] * ELO, float(found.position[0]) * ELO
    drawn = resampled_strengths(counts, seed) if len(answers) > 1 else None
    order = sorted(range(len(key.systems)), key=lambda s: (-elo[s], key.systems[s]))
    wins = total[..., 0].sum(axis=1) + total[..., 2].sum(axis=0)
    losses = total[..., 2].sum(axis=1) + total[..., 0].sum(axis=0)
    alike = total[..., 1].sum(axis=1) + total[..., 1].sum(axis=0)
    standings = []
    for s in order:
        low, high = t_interval(float(elo[s]), None if drawn is None else drawn[:, s], len(answers))
        standings.append(Standing(key.systems[s], float(elo[s]), low, high, int(wins[s]), int(losses[s]), int(alike[s])))
    low, high = t_interval(position, None if drawn is None else drawn[:, -1], len(answers))
    differences = _differences(order, elo, drawn, total, len(answers), key.systems)
    agreement = _agreement(question, answers, raters, key)
    said = _limits(total, key.systems, len(answers))
    return Ranking(question, tuple(standings), differences, agreement, int(total.sum()), len(answers), position, low, high, tuple(said))


def outcome_counts(question: QuestionName, answers: Sequence[Answers], key: Key) -> Float64s:
    """(R, S, S, 3): of each rater, how often [as A, as B] A was better, both alike, B better."""
    number = {system: place for place, system in enumerate(key.systems)}
    counts = np.zeros((len(answers), len(number), len(number), 3))
    for rater, given in enumerate(answers):
        for answer in given.answers:
            entry = key.items[answer.item]
            if entry.role == "judged" and entry.pair is not None and not answer.skipped:
                first, second = (number[system] for system in entry.pair.systems)
                counts[rater, first, second, int(np.sign(answer.choices[question] - ALIKE)) + 1] += 1
    return counts


def _check_connected(total: Float64s, systems: Sequence[str]) -> None:
    apart = groups(total)
    if len(apart) > 1:
        said = " and ".join("{" + ", ".join(systems[s] for s in group) + "}" for group in apart)
        raise UserError(f"no comparison connects {said}, so they cannot be ranked together. More answers are needed.")


def resampled_strengths(counts: Float64s, seed: int) -> Float64s:
    """(RESAMPLES, S + 1): strengths and position effect, in Elo, of as many raters drawn with replacement."""
    raters = len(counts)
    draws = hash_uniform(seed, np.arange(RESAMPLES, dtype=np.uint64)[:, None], np.arange(raters, dtype=np.uint64)[None])
    chosen = (draws * raters).astype(np.int64)
    weights = np.stack([np.bincount(row, minlength=raters) for row in chosen]).astype(np.float64)
    found = fit(np.tensordot(weights, counts, axes=1))
    drawn: Float64s = np.concatenate([found.strengths, found.position[:, None]], axis=1) * ELO
    return drawn


def _spread(drawn: Float64s, raters: int) -> float:
    """Standard error from resampled raters; a sample of few is a little narrower than what it was drawn from."""
    return float(drawn.std() * math.sqrt(raters / (raters - 1)))


def t_interval(value: float, drawn: Float64s | None, raters: int) -> tuple[float | None, float | None]:
    """95 % around a value by its resamples (RESAMPLES,). Percentiles of so few raters are too narrow (benchmarks/listening.py)."""
    if drawn is None:
        return None, None
    half = float(t.ppf((1 + LEVEL) / 2, raters - 1)) * _spread(drawn, raters)
    return value - half, value + half


def _differences(
    order: Sequence[int], elo: Float64s, drawn: Float64s | None, total: Float64s, raters: int, systems: Sequence[str]
) -> tuple[Difference, ...]:
    pairs = list(combinations(order, 2))
    between = [float(elo[i] - elo[j]) for i, j in pairs]
    errors = [None if drawn is None else _spread(drawn[:, i] - drawn[:, j], raters) for i, j in pairs]
    ps = [None if error is None else _p(value, error, raters) for value, error in zip(between, errors, strict=True)]
    corrected = _holm([p for p in ps if p is not None]) if drawn is not None else [None] * len(pairs)
    made = []
    for (i, j), value, error, p, p_holm in zip(pairs, between, errors, ps, corrected, strict=True):
        low, high = t_interval(value, None if drawn is None else drawn[:, i] - drawn[:, j], raters)
        is_decided = p_holm is not None and p_holm < 1 - LEVEL
        more = None if error is None or is_decided else _more(value, error, int(total.sum()), raters, len(pairs))
        asked = int(total[i, j].sum() + total[j, i].sum())
        made.append(Difference(systems[i], systems[j], value, low, high, better(value), p, p_holm, asked, more))
    return tuple(made)


def _p(value: float, error: float, raters: int) -> float:
    return float(2 * t.sf(abs(value) / error, raters - 1)) if error > 0 else float(value == 0)


def _holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction for several tests."""
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    corrected, highest = [0.0] * len(ps), 0.0
    for rank_, place in enumerate(order):
        highest = max(highest, min(1.0, ps[place] * (len(ps) - rank_)))
        corrected[place] = highest
    return corrected


def _more(value: float, error: float, ratings: int, raters: int, pairs: int) -> int | None:
    """Ratings of the whole test that are missing until a difference like this is found in 80 of 100 tests, corrected for all pairs."""
    if value == 0:
        return None
    needed = (float(norm.ppf(1 - (1 - LEVEL) / 2 / pairs)) + float(norm.ppf(POWER))) * error / abs(value)
    more = math.ceil(ratings * needed**2) - ratings
    # At least one more rater: with those who answered it is not decided.
    return max(more, -(-ratings // raters)) if more <= MOST_MORE else None


def _agreement(question: QuestionName, answers: Sequence[Answers], raters: Sequence[Rater], key: Key) -> Agreement:
    units: dict[tuple[str, frozenset[str]], list[float]] = {}
    for given in answers:
        for answer in given.answers:
            entry = key.items[answer.item]
            if entry.role == "judged" and entry.pair is not None and not answer.skipped:
                turned = 1 if entry.pair.systems[0] == min(entry.pair.systems) else -1
                units.setdefault((entry.pair.prompt, frozenset(entry.pair.systems)), []).append(turned * (answer.choices[question] - ALIKE))
    twice = [pair for rater in raters for pair in rater.repeats[question]]
    same = [np.sign(before - ALIKE) == np.sign(again - ALIKE) for before, again in twice]
    near = [abs(before - again) <= 1 for before, again in twice]
    return Agreement(
        # Which of the two comes first is arbitrary, so each unit counts both ways round: else raters who all prefer one system would
        # seem to agree no more than by chance.
        alpha=krippendorff_alpha([[sign * value for value in unit] for unit in units.values() for sign in (1, -1)]),
        shared=sum(len(values) > 1 for values in units.values()),
        repeats=len(twice),
        same=float(np.mean(same)) if twice else None,
        near=float(np.mean(near)) if twice else None,
    )


def _limits(total: Float64s, systems: Sequence[str], raters: int) -> list[str]:
    said = []
    best, worst = unbeaten(total)
    said += [f"{systems[s]} never lost and was never found alike: how much better it is cannot be told" for s in best]
    said += [f"{systems[s]} never won and was never found alike: how much worse it is cannot be told" for s in worst]
    if separated(total) and not said:
        said.append("some systems always won against some others: how far these are apart cannot be told")
    if raters == 1:
        said.append("one rater: there is no interval over raters")
    elif raters < 10:
        said.append(f"only {raters} raters: intervals over so few are rough")
    return said
