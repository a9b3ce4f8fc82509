"""The page of labels against a truth table: shares by kind beside chance, and recordings to hear."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from noise2music.evaluation.label_truth import ALL, Example, LabelTruth, TruthRow
from noise2music.evaluation.truth_table import Truth
from noise2music.flows.pages.html import BESIDE, flatten, render_document
from noise2music.flows.pages.intervals import Interval, interval_chart

PAGE = "labels.html"


def render_label_truth(
    figures: LabelTruth,
    truth: Truth,
    best: Sequence[Example],
    worst: Sequence[Example],
    clips: Mapping[str, str],
    said: Sequence[str],
    settings: Mapping[str, object],
) -> str:
    """One HTML document; links to clips are relative. clips: the clip of each recording that is played, below clips/."""
    kinds = [row for row in figures.rows if row.vocabulary == ALL and row.kind != ALL and row.ratio is not None]
    ordered = sorted(kinds, key=lambda row: (-(row.ratio or 0.0), row.kind))
    return render_document(
        "label_truth.html.j2",
        "evaluation.css",
        media=BESIDE,
        figures=figures,
        truth=truth,
        whole=next(row for row in figures.rows if row.kind == ALL),
        best_kind=ordered[0] if ordered else None,
        worst_kind=ordered[-1] if len(ordered) > 1 else None,
        by_kind=_chart("kind", [row for row in figures.rows if row.vocabulary == ALL]),
        by_vocabulary=_chart("vocabulary", [row for row in figures.rows if row.kind == ALL and row.vocabulary != ALL]),
        lists=[("Furthest above chance", best), ("Furthest below it, or least above", worst)],
        clips=clips,
        said=said,
        settings=list(flatten(settings)),
    )


def _chart(by: str, rows: Sequence[TruthRow]) -> Markup | None:
    if not rows:
        return None
    shown = [
        Interval(
            getattr(row, by),
            100 * row.share,
            100 * row.low,
            100 * row.high,
            f"{row.share:.1%} ({row.low:.1%} to {row.high:.1%}) of the labels of {row.recordings:,} recordings; chance {row.chance:.1%}, "
            f"95 % below {row.chance_high:.1%}; p = {row.p:.3g}",
            null=(100 * row.chance, 100 * row.chance_high),
        )
        for row in rows
    ]
    said = "; ".join(f"{row.name}: {row.figures}" for row in shown)
    return interval_chart(f"Labels that name their own recording's tags, by {by}", said, shown, "labels that name an own tag, %", zero=True)
