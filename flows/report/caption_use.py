"""How the captions of a vocabulary share all uses, drawn from the figures of a label report (report.json)."""

import math
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from flows.report import charts


def use_curves(vocabulary: Mapping[str, Any], said: str = "") -> Markup:
    """Cumulative use among candidates and among labels, beside evenly used captions."""
    size = max(vocabulary["before"]["captions"], 1)
    even = [10 ** (step * math.log10(size) / 60) for step in range(61)]
    curves = [
        charts.Line("evenly used", "even", even, [rank / size for rank in even]),
        charts.Line("candidates", "before", vocabulary["before_curve"]["ranks"], vocabulary["before_curve"]["shares"]),
        charts.Line("labels", "after", vocabulary["after_curve"]["ranks"], vocabulary["after_curve"]["shares"]),
    ]
    return charts.share_curves(f"Captions of {vocabulary['name']}", said, curves, "most used captions (logarithmic)")
