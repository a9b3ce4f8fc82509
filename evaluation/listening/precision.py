"""What the answers of an audit say: the share of labels that are true, by vocabulary and by what they speak of, with Wilson's intervals."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from noise2music.core.errors import UserError
from noise2music.evaluation.listening.answers import Answer, Answers
from noise2music.evaluation.listening.questionnaire import Key, Label
from noise2music.evaluation.listening.raters import FEWEST, krippendorff_alpha, median_seconds
from noise2music.evaluation.statistics.similarity import share_estimate

TRUE, FALSE, UNSURE = 1, 2, 3
"""Choices, in the order of data/questions.toml."""
ALL = "all"


@dataclass(frozen=True)
class Precision:
    """Of the labels of a vocabulary and an aspect ("all" for any). A label is true where more raters say so than say not true; unsure where
    as many do, or none can tell. share: of those that are decided; low, high: Wilson's 95 %.
    """

    vocabulary: str
    aspect: str
    true: int
    false: int
    unsure: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AuditRater:
    """seconds: median spent on a label. failed: "absurd_pair" (noise is a melody), "same_answer" (never "true"). same: of the
    labels that were judged twice, how many alike, of `repeats`.
    """

    rater: str
    judged: int
    skipped: int
    seconds: float
    failed: tuple[str, ...]
    same: int
    repeats: int


@dataclass(frozen=True)
class Audit:
    """rows: all first, then by vocabulary, by aspect, by both. wrong: labels found untrue. alpha: agreement between raters, nominal."""

    rows: tuple[Precision, ...]
    raters: tuple[AuditRater, ...]
    used: int
    wrong: tuple[Label, ...]
    alpha: float | None


def audit_precision(answers: Sequence[Answers], key: Key, drop_failed: bool = False) -> Audit:
    """Precision from all raters' answers. Raises UserError where the key is of another kind of test, or no rater is left."""
    if key.kind != "labels":
        raise UserError("this is the key of a listening test. What its answers say: n2m listen rank ANSWERS --key KEY")
    raters = [_rater(given, key) for given in answers]
    kept = [given for given, rater in zip(answers, raters, strict=True) if rater.judged and not (drop_failed and rater.failed)]
    if not kept:
        raise UserError("no rater is left: all failed a check or judged nothing. Without --drop-failed those who failed count.")
    votes: defaultdict[str, list[int]] = defaultdict(list)
    for given in kept:
        for answer in _judged(given, key):
            votes[answer.item].append(answer.choices["label"])
    verdicts = [(label, _verdict(said)) for item, said in votes.items() if (label := key.items[item].label) is not None]
    rows = [_precision(ALL, ALL, verdicts)]
    vocabularies, aspects = (sorted({getattr(label, name) for label, _ in verdicts}) for name in ("vocabulary", "aspect"))
    for vocabulary in vocabularies:
        rows.append(_precision(vocabulary, ALL, [v for v in verdicts if v[0].vocabulary == vocabulary]))
    for aspect in aspects:
        rows.append(_precision(ALL, aspect, [v for v in verdicts if v[0].aspect == aspect]))
    for vocabulary in vocabularies:
        for aspect in aspects:
            found = [v for v in verdicts if v[0].vocabulary == vocabulary and v[0].aspect == aspect]
            if found and len(vocabularies) > 1:
                rows.append(_precision(vocabulary, aspect, found))
    wrong = tuple(label for label, verdict in verdicts if verdict == FALSE)
    return Audit(tuple(rows), tuple(raters), len(kept), wrong, krippendorff_alpha(list(votes.values()), "nominal"))


def wilson(successes: int, trials: int) -> tuple[float | None, float | None, float | None]:
    """Share and its 95 % interval by Wilson's score; None for no trials."""
    if not trials:
        return None, None, None
    estimate = share_estimate(successes, trials)
    return estimate.value, estimate.low, estimate.high


def _verdict(votes: Sequence[int]) -> int:
    true, false = votes.count(TRUE), votes.count(FALSE)
    return UNSURE if true == false else TRUE if true > false else FALSE


def _precision(vocabulary: str, aspect: str, verdicts: Iterable[tuple[Label, int]]) -> Precision:
    found = [verdict for _, verdict in verdicts]
    true, false, unsure = (found.count(verdict) for verdict in (TRUE, FALSE, UNSURE))
    return Precision(vocabulary, aspect, true, false, unsure, *wilson(true, true + false))


def _judged(answers: Answers, key: Key) -> list[Answer]:
    return [answer for answer in answers.answers if key.items[answer.item].role == "judged" and not answer.skipped]


def _rater(answers: Answers, key: Key) -> AuditRater:
    judged = _judged(answers, key)
    given = {answer.item: answer.choices["label"] for answer in answers.answers if not answer.skipped}
    twice = [(given[of], value) for item, value in given.items() if (of := key.items[item].of) is not None and of in given]
    failed = []
    if any(key.items[item].role == "absurd" and value == TRUE for item, value in given.items()):
        failed.append("absurd_pair")
    values = [answer.choices["label"] for answer in judged]
    if len(values) >= FEWEST and len(set(values)) == 1 and values[0] != TRUE:
        failed.append("same_answer")
    same = sum(before == again for before, again in twice)
    skipped = sum(answer.skipped for answer in answers.answers)
    return AuditRater(answers.rater, len(judged), skipped, median_seconds(judged), tuple(failed), same, len(twice))
