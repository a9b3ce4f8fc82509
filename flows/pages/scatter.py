"""Two figures against each other: dots, joined where they belong together."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.flows.pages.charts import element, number, path, round_ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 320, 52, 18, 22, 44


@dataclass(frozen=True)
class Dots:
    """kind: a class of charts.css. points: (x, y, what is written beside, what shows on hover). joined: whether a line goes through."""

    name: str
    kind: str
    points: Sequence[tuple[float, float, str, str]]
    joined: bool = True


def scatter_chart(title: str, description: str, groups: Sequence[Dots], x_label: str, y_label: str) -> Markup:
    """Linear axes that hold every point."""
    left, right = _bounds([x for group in groups for x, _, _, _ in group.points])
    low, high = _bounds([y for group in groups for _, y, _, _ in group.points])

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    marks: list[Markup] = []
    for tick in round_ticks(low, high):
        y = number(at(left, tick)[1])
        marks.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        marks.append(element("text", f"{tick:g}", x=LEFT - 7, y=float(y) + 4, class_="tick end"))
    for tick in round_ticks(left, right):
        x = number(at(tick, low)[0])
        marks.append(element("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="grid"))
        marks.append(element("text", f"{tick:g}", x=x, y=HEIGHT - BOTTOM + 16, class_="tick middle"))
    for group in groups:
        places = [at(x, y) for x, y, _, _ in group.points]
        if group.joined and len(places) > 1:
            marks.append(element("path", d=path(places), class_=f"line {group.kind}"))
        for (across, up), (_, _, beside, hover) in zip(places, group.points, strict=True):
            marks.append(element("circle", element("title", hover), cx=number(across), cy=number(up), r=5, class_=f"dot {group.kind}"))
            if beside:
                end = across > WIDTH - 110
                x = number(across - 8 if end else across + 8)
                marks.append(element("text", beside, x=x, y=number(up - 6), class_="tick end" if end else "tick"))
    marks.append(element("text", y_label, x=4, y=12, class_="label"))
    marks.append(element("text", x_label, x=LEFT + (WIDTH - LEFT - RIGHT) / 2, y=HEIGHT - 8, class_="label middle"))
    size = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "class_": "chart", "role": "img", "aria_label": f"{title}. {description}"}
    drawing = element("svg", element("title", title), element("desc", description), *marks, **size)
    keys = [element("span", element("i", class_=f"key {group.kind}"), group.name, class_="entry") for group in groups]
    return element("div", drawing, element("div", *keys, class_="legend"), class_="figure")


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.08 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin
