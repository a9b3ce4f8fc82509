"""The report as one HTML page that needs nothing from anywhere else: no script, style, font, picture or sound comes from outside."""

import json
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from markupsafe import Markup

from noise2music.flows.pages import charts
from noise2music.flows.pages.charts import share_of_uses
from noise2music.flows.pages.html import flatten, render_document
from noise2music.flows.pages.label.contents import LabelReport, ShownClip, ShownLabel, VocabularyReport
from noise2music.flows.pages.label.funnel import say
from noise2music.flows.pages.label.samples import PREVIEW_SECONDS


def render_page(report: LabelReport) -> str:
    """One HTML document. Every text is escaped; the Content-Security-Policy admits this page's own script and style, by hash."""
    filters: dict[str, Callable[..., Any]] = {"best_score": _best_score, "say": say, "heard": _heard, "by_vocabulary": _by_vocabulary}
    return render_document(
        "page.html.j2",
        media="data:",
        filters=filters,
        report=report,
        settings=list(flatten(report.configuration)),
        curves=curves,
        score_histogram=score_histogram,
    )


def curves(vocabulary: VocabularyReport) -> Markup:
    """How much of all uses the most used captions have, before and after sampling."""
    description = f"Entropy {vocabulary.before.entropy:.2f} bits among candidates, {vocabulary.after.entropy:.2f} bits among labels"
    title = f"How captions of {vocabulary.name} share all uses"
    before, after = vocabulary.before_curve, vocabulary.after_curve
    return share_of_uses(title, description, vocabulary.before.captions, (before.ranks, before.shares), (after.ranks, after.shares))


def score_histogram(vocabulary: VocabularyReport) -> Markup:
    """Scores of candidates and labels over those of random pairs."""
    kinds = {"random pairs": "null", "best candidate": "best", "labels": "drawn"}
    series = [charts.Bars(item.name, kinds.get(item.name, "null"), item.shares) for item in vocabulary.scores.series if item.total]
    description = "; ".join(f"{item.name}: {item.total:,} scores" for item in vocabulary.scores.series)
    return charts.histogram_overlay(f"Scores of {vocabulary.name}", description, vocabulary.scores.edges, series, "score (cosine)")


def _best_score(clip: ShownClip) -> float | None:
    return max((label.score for label in clip.labels if math.isfinite(label.score)), default=None)


def _heard(clip: ShownClip) -> float:
    """Seconds that player and spectrogram cover."""
    return min(clip.length_ms / 1000, PREVIEW_SECONDS)


def _by_vocabulary(clip: ShownClip) -> list[tuple[str, list[ShownLabel]]]:
    """The labels of each vocabulary by rank, vocabularies in the order of the labels."""
    groups: dict[str, list[ShownLabel]] = {}
    for label in clip.labels:
        groups.setdefault(label.vocabulary, []).append(label)
    return [(name, sorted(labels, key=lambda label: label.rank)) for name, labels in groups.items()]


_BINARY = {"audio", "spectrogram"}


def report_json(report: LabelReport) -> str:
    """Indented JSON, ending in a newline. Keys are in the order of the dataclasses' fields, so equal reports give equal text.

    Figures that are not numbers (NaN, infinities) become null.
    """
    return json.dumps(_plain(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name not in _BINARY}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, (frozenset, set)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
