"""How the captions of a vocabulary share all uses, as a chart."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from flows.report import charts

Curve = tuple[Sequence[float], Sequence[float]]
"""Ranks, and the share of all uses that the captions up to each rank have."""


def share_of_uses(title: str, said: str, captions: int, candidates: Curve, labels: Curve) -> Markup:
    """Cumulative use among candidates and among labels, beside evenly used captions."""
    size = max(captions, 1)
    even = [10 ** (step * math.log10(size) / 60) for step in range(61)]
    curves = [
        charts.Line("evenly used", "even", even, [rank / size for rank in even]),
        charts.Line("candidates", "before", *candidates),
        charts.Line("labels", "after", *labels),
    ]
    return charts.share_curves(title, said, curves, "most used captions (logarithmic)")


def use_curves(vocabulary: Mapping[str, Any], said: str = "") -> Markup:
    """The same from the figures of a label report (report.json)."""
    candidates, labels = ((curve["ranks"], curve["shares"]) for curve in (vocabulary["before_curve"], vocabulary["after_curve"]))
    return share_of_uses(f"Captions of {vocabulary['name']}", said, vocabulary["before"]["captions"], candidates, labels)
