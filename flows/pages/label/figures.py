"""The report's figures as JSON: what the page shows, less audio and pictures."""

import json
import math
from dataclasses import fields, is_dataclass
from typing import Any

from noise2music.flows.pages.label.contents import LabelReport

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
