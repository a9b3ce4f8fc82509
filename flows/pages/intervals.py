"""Values with their intervals as one chart: a row each, the same scale for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.flows.pages.charts import element, number, round_ticks

WIDTH, ROW, TOP, BOTTOM, RIGHT = 480, 30, 8, 42, 14
LONGEST_NAME = 20


@dataclass(frozen=True)
class Interval:
    """A row. low, high: None where only the value is known. figures: what it says beside the name, and on hover."""

    name: str
    value: float
    low: float | None
    high: float | None
    figures: str


def interval_chart(title: str, description: str, rows: Sequence[Interval], label: str, bounds: tuple[float, float] | None = None) -> Markup:
    """A chart of any number of rows. bounds: of the scale; None takes what the intervals need."""
    left = 16 + 7.2 * max((min(len(row.name), LONGEST_NAME) for row in rows), default=0)
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None] or [0.0]
    first, last = bounds or (min(ends), max(ends))
    if bounds is None:
        margin = 0.06 * (last - first) or 1.0
        first, last = first - margin, last + margin
    height = TOP + ROW * len(rows) + BOTTOM

    def across(value: float) -> float:
        return left + (min(max(value, first), last) - first) / (last - first) * (WIDTH - left - RIGHT)

    bottom = height - BOTTOM
    marks: list[Markup] = []
    for tick in round_ticks(first, last):
        x = number(across(tick))
        marks.append(element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="axis" if tick == 0 and first < 0 else "grid"))
        marks.append(element("text", f"{tick:g}", x=x, y=bottom + 17, class_="tick middle"))
    for place, row in enumerate(rows):
        y = number(TOP + ROW * (place + 0.5))
        name = row.name if len(row.name) <= LONGEST_NAME else f"{row.name[: LONGEST_NAME - 1]}…"
        inside = [element("title", f"{row.name}: {row.figures}")]
        inside.append(element("text", name, x=number(left - 10), y=number(float(y) + 4), class_="name end"))
        if row.low is not None and row.high is not None:
            inside.append(element("line", x1=number(across(row.low)), x2=number(across(row.high)), y1=y, y2=y, class_="interval"))
        inside.append(element("circle", cx=number(across(row.value)), cy=y, r=5, class_="value"))
        inside.append(element("rect", x=0, y=number(float(y) - ROW / 2), width=WIDTH, height=ROW, class_="spot"))
        marks.append(element("g", *inside))
    marks.append(element("text", label, x=number((left + WIDTH - RIGHT) / 2), y=height - 8, class_="tick middle"))
    size = {"viewBox": f"0 0 {WIDTH} {height}", "class_": "chart intervals", "role": "img", "aria_label": f"{title}. {description}"}
    return element("div", element("svg", element("title", title), element("desc", description), *marks, **size), class_="figure")
