"""Figures with their uncertainty, drawn: a dot and its interval for each system, and where figures lie when there is no difference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.flows.pages.charts import element, number, round_ticks

WIDTH, LEFT, RIGHT, ROW, FOOT = 640, 150, 18, 34, 40
_NAME = 20


@dataclass(frozen=True)
class EstimateLine:
    """value: as measured. best: the corrected one, where there is one. low, high: around it. null: mean and 95th percentile."""

    name: str
    value: float
    best: float | None
    low: float | None
    high: float | None
    null: tuple[float, float] | None = None


def estimate_chart(title: str, description: str, intervals: Sequence[EstimateLine], x_label: str) -> Markup:
    """One line a system over a linear axis that holds everything; zero too where it is near."""
    ends = (end for item in intervals for end in (item.value, item.best, item.low, item.high, *(item.null or ())))
    said = [end for end in ends if end is not None]
    low, high = min(said, default=0.0), max(said, default=1.0)
    if 0 < low < 0.5 * high:
        low = 0.0
    margin = 0.04 * ((high - low) or abs(high) or 1.0)
    low, high = low - margin, high + margin
    height = ROW * len(intervals) + FOOT

    def at(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    bottom = height - FOOT
    marks: list[Markup] = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis")]
    for tick in round_ticks(low, high):
        x = number(at(tick))
        marks.append(element("line", x1=x, x2=x, y1=6, y2=bottom, class_="grid"))
        marks.append(element("text", f"{tick:g}", x=x, y=bottom + 16, class_="tick middle"))
    marks.append(element("text", x_label, x=LEFT + (WIDTH - LEFT - RIGHT) / 2, y=height - 5, class_="label middle"))
    for place, item in enumerate(intervals):
        y = ROW * place + ROW / 2 + 4
        name = item.name if len(item.name) <= _NAME else f"{item.name[: _NAME - 1]}…"
        marks.append(element("text", name, x=LEFT - 10, y=y + 4, class_="tick end"))
        marks += _marks(item, at, y)
    drawing = element(
        "svg",
        element("title", title),
        element("desc", description),
        *marks,
        viewBox=f"0 0 {WIDTH} {height}",
        class_="chart intervals",
        role="img",
        aria_label=f"{title}. {description}",
    )
    keys = [("corrected, 95 % interval", "after"), ("as measured", "raw"), ("no difference: mean to 95th percentile", "null")]
    shown = keys if any(item.null for item in intervals) else keys[:2]
    legend = [element("span", element("i", class_=f"key {kind}"), name, class_="entry") for name, kind in shown]
    return element("div", drawing, element("div", *legend, class_="legend"), class_="figure")


def _marks(item: EstimateLine, at: Callable[[float], float], y: float) -> list[Markup]:
    words = [f"{item.name}: {item.value:.4g} as measured"]
    marks = []
    if item.null is not None:
        mean, high = item.null
        left, right = sorted((at(mean), at(high)))
        marks.append(element("rect", x=number(left), y=number(y - 9), width=number(max(2.0, right - left)), height=18, class_="nothing"))
        words.append(f"no difference: {mean:.4g}, 95 % below {high:.4g}")
    if item.low is not None and item.high is not None:
        marks.append(element("line", x1=number(at(item.low)), x2=number(at(item.high)), y1=y, y2=y, class_="reach"))
        words.append(f"95 % interval {item.low:.4g} to {item.high:.4g}")
    marks.append(element("circle", cx=number(at(item.value)), cy=y, r=4.5, class_="raw"))
    if item.best is not None:
        marks.append(element("circle", cx=number(at(item.best)), cy=y, r=4.5, class_="best"))
        words.append(f"corrected {item.best:.4g}")
    hover = element("title", "; ".join(words))
    return [*marks, element("rect", hover, x=LEFT, y=number(y - ROW / 2), width=WIDTH - LEFT - RIGHT, height=ROW, class_="hover")]
