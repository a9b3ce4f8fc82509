"""The pages of what raters said: a ranking of systems, or the precision of labels, with intervals drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.evaluation.listening.bradley_terry import elo_of_wins, paper_wins
from noise2music.evaluation.listening.precision import ALL, Audit, Precision
from noise2music.evaluation.listening.questionnaire import Key, questions
from noise2music.evaluation.listening.ranking import Ranking, Standing
from noise2music.evaluation.listening.raters import Rater
from noise2music.evaluation.listening.results import MODEL, PRECISION_MODEL
from noise2music.flows.pages.html import render_document
from noise2music.flows.pages.intervals import Interval, interval_chart

_TITLES = {"text": "Fit to the text", "quality": "Quality", "label": "Truth"}


@dataclass(frozen=True)
class ShownRanking:
    """A ranking, how its question reads, and its chart."""

    ranking: Ranking
    title: str
    ask: str
    chart: Markup


def render_ranking(rankings: Sequence[Ranking], raters: Sequence[Rater], key: Key, dropped: bool) -> str:
    """One HTML document. dropped: whether raters that failed a check are left out."""
    asks = {question.name: question.ask for question in questions(key.questions)}
    shown = [ShownRanking(r, _TITLES[r.question], asks[r.question], _ranking_chart(r)) for r in rankings]
    wins = paper_wins()
    paper = [(source, wins[source], elo) for source, elo in elo_of_wins(wins).items()]
    failed = [rater for rater in raters if rater.failed]
    return render_document(
        "ranking.html.j2", "ranking.css", rankings=shown, raters=raters, key=key, failed=failed, dropped=dropped, model=MODEL, paper=paper
    )


def render_audit(audit: Audit, key: Key, dropped: bool) -> str:
    """One HTML document. dropped: whether raters that failed a check are left out."""
    return render_document(
        "audit.html.j2",
        "ranking.css",
        audit=audit,
        all=audit.rows[0],
        by_vocabulary=_precision_chart("vocabulary", [row for row in audit.rows if row.aspect == ALL and row.vocabulary != ALL]),
        by_aspect=_precision_chart("aspect", [row for row in audit.rows if row.vocabulary == ALL and row.aspect != ALL]),
        key=key,
        failed=[rater for rater in audit.raters if rater.failed],
        dropped=dropped,
        model=PRECISION_MODEL,
    )


def _ranking_chart(ranking: Ranking) -> Markup:
    rows = [Interval(row.system, row.elo, row.low, row.high, _elo_figures(row)) for row in ranking.standings]
    said = "; ".join(f"{row.name} {row.figures}" for row in rows)
    return interval_chart("Strength of the systems", said, rows, "Elo; the mean of all systems is 0")


def _elo_figures(row: Standing) -> str:
    return f"{row.elo:+.0f}" + (f" ({row.low:+.0f} to {row.high:+.0f})" if row.low is not None and row.high is not None else "")


def _precision_chart(by: str, rows: Sequence[Precision]) -> Markup:
    shown = []
    for row in rows:
        if row.share is not None and row.low is not None and row.high is not None:
            figures = f"{row.true} of {row.true + row.false} true, {100 * row.low:.0f} to {100 * row.high:.0f} %"
            shown.append(Interval(getattr(row, by), 100 * row.share, 100 * row.low, 100 * row.high, figures))
    said = "; ".join(f"{row.name}: {row.figures}" for row in shown)
    return interval_chart(f"Precision by {by}", said, shown, "labels that are true, %", (0, 100))
