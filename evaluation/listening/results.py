"""Rankings and audits as tables and JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from noise2music.evaluation.listening.precision import Audit
from noise2music.evaluation.listening.questionnaire import Key
from noise2music.evaluation.listening.ranking import LEVEL, RESAMPLES, Ranking
from noise2music.evaluation.listening.raters import Rater

MODEL = (
    "Bradley-Terry with ties (Davidson 1970) and the effect of who is heard first (Davidson and Beaver 1977), maximum likelihood; "
    f"Elo with mean 0. Intervals: {LEVEL:.0%}, Student's t, standard errors from {RESAMPLES:,} resamples of raters, not of votes. "
    "Differences are significant at 5 % after Holm's correction."
)
"""How a ranking came about, in words."""
PRECISION_MODEL = (
    "A label is true where more raters say true than not true; undecided labels count for neither. Intervals: 95 %, Wilson, over labels."
)

RANKING = pa.schema(
    [
        pa.field("test", pa.string(), False),
        pa.field("question", pa.string(), False),
        pa.field("system", pa.string(), False),
        pa.field("elo", pa.float64(), False),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("wins", pa.int64(), False),
        pa.field("losses", pa.int64(), False),
        pa.field("alike", pa.int64(), False),
        pa.field("ratings", pa.int64(), False),
        pa.field("raters", pa.int64(), False),
    ]
)
PRECISION = pa.schema(
    [
        pa.field("test", pa.string(), False),
        pa.field("vocabulary", pa.string(), False),
        pa.field("aspect", pa.string(), False),
        pa.field("true", pa.int64(), False),
        pa.field("false", pa.int64(), False),
        pa.field("unsure", pa.int64(), False),
        pa.field("share", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("raters", pa.int64(), False),
    ]
)


def ranking_table(rankings: Sequence[Ranking], key: Key) -> pa.Table:
    """One row a question and system, the best first."""
    rows = [
        {"test": key.id, "question": r.question, **asdict(standing), "ratings": r.ratings, "raters": r.raters}
        for r in rankings
        for standing in r.standings
    ]
    return pa.Table.from_pylist(rows, RANKING)


def ranking_json(rankings: Sequence[Ranking], raters: Sequence[Rater], key: Key) -> dict[str, Any]:
    """All of it."""
    shown = []
    for ranking in rankings:
        plain = asdict(ranking)
        for difference, row in zip(ranking.differences, plain["differences"], strict=True):
            row["significant"] = difference.is_significant
        shown.append(plain)
    return {"test": key.id, "model": MODEL, "protocol": key.protocol, "rankings": shown, "raters": [asdict(rater) for rater in raters]}


def precision_table(audit: Audit, key: Key) -> pa.Table:
    """One row a vocabulary and aspect."""
    return pa.Table.from_pylist([{"test": key.id, **asdict(row), "raters": audit.used} for row in audit.rows], PRECISION)


def precision_json(audit: Audit, key: Key) -> dict[str, Any]:
    """All of it."""
    plain = asdict(audit) | {"wrong": [label.as_json() for label in audit.wrong]}
    return {"test": key.id, "model": PRECISION_MODEL, "protocol": key.protocol, **plain}
