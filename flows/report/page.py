"""The report as one HTML page that needs nothing from anywhere else: no script, style, font, picture or sound comes from outside."""

import base64
import hashlib
import math
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flows.report import charts
from flows.report.caption_use import share_of_uses
from flows.report.contents import LabelReport, ShownClip, ShownLabel, VocabularyReport
from flows.report.funnel import say
from flows.report.previews import PREVIEW_SECONDS


def render_page(report: LabelReport) -> str:
    """One HTML document. Every text is escaped; the Content-Security-Policy admits this page's own script and style, by hash."""
    css, script = (f"\n{text}" for text in (asset("charts.css") + asset("page.css"), asset("page.js")))
    policy = (
        "default-src 'none'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{integrity(css)}'; script-src '{integrity(script)}'"
    )
    template = environment().get_template("page.html.j2")
    return template.render(
        report=report,
        policy=policy,
        css=Markup(css),
        script=Markup(script),
        settings=list(flatten(report.configuration)),
    )


def curves(vocabulary: VocabularyReport) -> Markup:
    """How much of all uses the most used captions have, before and after sampling."""
    said = f"Entropy {vocabulary.before.entropy:.2f} bits among candidates, {vocabulary.after.entropy:.2f} bits among labels"
    title = f"How captions of {vocabulary.name} share all uses"
    before, after = vocabulary.before_curve, vocabulary.after_curve
    return share_of_uses(title, said, vocabulary.before.captions, (before.ranks, before.shares), (after.ranks, after.shares))


def score_histogram(vocabulary: VocabularyReport) -> Markup:
    """Scores of candidates and labels over those of random pairs."""
    kinds = {"random pairs": "null", "best candidate": "best", "labels": "drawn"}
    series = [charts.Bars(item.name, kinds.get(item.name, "null"), item.shares) for item in vocabulary.scores.series if item.total]
    said = "; ".join(f"{item.name}: {item.total:,} scores" for item in vocabulary.scores.series)
    return charts.histogram_overlay(f"Scores of {vocabulary.name}", said, vocabulary.scores.edges, series, "score (cosine)")


def flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings -> (dotted name, value as text), sorted by name."""
    for key in sorted(settings, key=str):
        value = settings[key]
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _setting(value)


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return ", ".join(_setting(item) for item in value) or "none"
    return "none" if value == {} else str(value)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float, digits: int = 1) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}%}".replace("%", " %")


def _figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _measure(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _clock(milliseconds: float) -> str:
    seconds = round(milliseconds / 1000)
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _span(seconds: float) -> str:
    """A stretch of time in the largest unit that fits."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


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


def environment() -> Environment:
    """Where the templates of all pages are found, with their filters; text is escaped, and a name that is not there is an error."""
    environment = Environment(
        loader=PackageLoader("flows.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        number=_number, percent=_percent, figure=_figure, measure=_measure, clock=_clock, span=_span, bytes=_bytes, data_uri=_data_uri
    )
    environment.filters.update(best_score=_best_score, say=say, heard=_heard, by_vocabulary=_by_vocabulary)
    environment.globals.update(bar=charts.bar, two_bars=charts.two_bars, curves=curves, score_histogram=score_histogram)
    return environment


def asset(name: str) -> str:
    """The text of a style, script or template that lies beside this module."""
    return files("flows.report").joinpath(name).read_text("utf-8")


def integrity(text: str) -> str:
    """The hash by which a Content-Security-Policy admits an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
