"""Values with their intervals as one chart: a row each, the same scale for all, and where values lie when there is no difference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.flows.pages.charts import element, number, round_ticks

WIDTH, ROW, TOP, BOTTOM, RIGHT = 560, 32, 8, 42, 16
LONGEST_NAME = 20
_MARGIN = 0.05


@dataclass(frozen=True)
class Interval:
    """A row.

    low, high: of the interval; None where only the value is known. figures: what it says on hover, beside the name. corrected: the value
    without its bias, which the interval is around. null: mean and 95th percentile where there is no difference.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    figures: str
    corrected: float | None = None
    null: tuple[float, float] | None = None


def interval_chart(
    title: str,
    description: str,
    rows: Sequence[Interval],
    label: str,
    bounds: tuple[float, float] | None = None,
    zero: bool = False,
) -> Markup:
    """A chart of any number of rows, with a legend where a row has more than a value and its interval.

    bounds: of the scale; None takes what the rows need, and with `zero` 0 too where it is near.
    """
    left = 16 + 7.2 * max((min(len(row.name), LONGEST_NAME) for row in rows), default=0)
    first, last = bounds or _bounds(rows, zero)
    height = TOP + ROW * len(rows) + BOTTOM

    def across(value: float) -> float:
        return left + (min(max(value, first), last) - first) / (last - first) * (WIDTH - left - RIGHT)

    bottom = height - BOTTOM
    marks: list[Markup] = []
    for tick in round_ticks(first, last):
        x = number(across(tick))
        marks.append(element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="axis" if tick == 0 and first < 0 else "grid"))
        marks.append(element("text", f"{tick:g}", x=x, y=bottom + 17, class_="tick middle"))
    marks += [element("g", *_marks(row, across, TOP + ROW * (place + 0.5), left)) for place, row in enumerate(rows)]
    marks.append(element("text", label, x=number((left + WIDTH - RIGHT) / 2), y=height - 8, class_="tick middle"))
    size = {"viewBox": f"0 0 {WIDTH} {height}", "class_": "chart intervals", "role": "img", "aria_label": f"{title}. {description}"}
    drawing = element("svg", element("title", title), element("desc", description), *marks, **size)
    return element("div", drawing, *_legend(rows), class_="figure")


def _bounds(rows: Sequence[Interval], zero: bool) -> tuple[float, float]:
    ends = [end for row in rows for end in (row.value, row.corrected, row.low, row.high, *(row.null or ())) if end is not None] or [0.0]
    first, last = min(ends), max(ends)
    if zero and 0 < first < 0.5 * last:
        first = 0.0
    margin = _MARGIN * ((last - first) or abs(last) or 1.0)
    return first - margin, last + margin


def _marks(row: Interval, across: Callable[[float], float], middle: float, left: float) -> list[Markup]:
    y = number(middle)
    name = row.name if len(row.name) <= LONGEST_NAME else f"{row.name[: LONGEST_NAME - 1]}…"
    marks = [element("title", f"{row.name}: {row.figures}")]
    marks.append(element("text", name, x=number(left - 10), y=number(middle + 4), class_="name end"))
    if row.null is not None:
        start, end = sorted(map(across, row.null))
        box = {"x": number(start), "y": number(middle - 9), "width": number(max(2.0, end - start)), "height": 18}
        marks.append(element("rect", **box, class_="nothing"))
    if row.low is not None and row.high is not None:
        marks.append(element("line", x1=number(across(row.low)), x2=number(across(row.high)), y1=y, y2=y, class_="interval"))
    if row.corrected is not None:
        marks.append(element("circle", cx=number(across(row.value)), cy=y, r=4.5, class_="raw"))
    best = row.value if row.corrected is None else row.corrected
    marks.append(element("circle", cx=number(across(best)), cy=y, r=5, class_="value"))
    marks.append(element("rect", x=0, y=number(middle - ROW / 2), width=WIDTH, height=ROW, class_="spot"))
    return marks


def _legend(rows: Sequence[Interval]) -> list[Markup]:
    is_corrected, has_null = (any(getattr(row, name) is not None for row in rows) for name in ("corrected", "null"))
    entries = [("value", "corrected, 95 % interval" if is_corrected else "value, 95 % interval")]
    entries += [("raw", "as measured")] * is_corrected + [("null", "no difference: mean to 95th percentile")] * has_null
    if len(entries) == 1:
        return []
    shown = [element("span", element("i", class_=f"key {kind}"), name, class_="entry") for kind, name in entries]
    return [element("div", *shown, class_="legend")]
