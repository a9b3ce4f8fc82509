"""Curves of a training run over clips seen, as SVG markup; the vertical axis is logarithmic."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from flows.report import charts
from flows.report.charts import Line, element

SMOOTHED = 200


def loss_curves(title: str, description: str, lines: Sequence[Line], x_label: str = "clips seen") -> Markup:
    """Positive values over a linear axis of clips. What is not a positive finite number is left out; long curves are averaged in steps."""
    shown = [_thinned(line) for line in lines]
    values = [y for line in shown for y in line.ys]
    low, high = (min(values), max(values)) if values else (0.1, 1.0)
    bottom, top = math.log10(low) - 0.05, math.log10(high) + 0.05
    last = max((x for line in shown for x in line.xs), default=1.0) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return charts.across(x / last), charts.upward((math.log10(y) - bottom) / max(top - bottom, 1e-9))

    marks = [*_rows(bottom, top), *_columns(last)]
    for line in shown:
        points = [place(x, y) for x, y in zip(line.xs, line.ys, strict=True)]
        if points:
            marks.append(element("path", d=charts.path(points), class_=f"line {line.kind}"))
        step = max(1, len(points) // 24)
        for (x, y), (left, up) in list(zip(zip(line.xs, line.ys, strict=True), points, strict=True))[::step]:
            hover = element("title", f"{line.name}: {y:.4g} after {x:,.0f} clips")
            marks.append(element("circle", hover, cx=charts.number(left), cy=charts.number(up), r=7, class_=f"spot {line.kind}"))
    return charts.figure(title, description, [*marks, *charts.axis_label(x_label)], [(line.name, line.kind) for line in lines])


def _thinned(line: Line) -> Line:
    points = [(x, y) for x, y in zip(line.xs, line.ys, strict=True) if y is not None and math.isfinite(y) and y > 0]
    size = max(1, -(-len(points) // SMOOTHED))
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    means = [[sum(values) / len(values) for values in zip(*group, strict=True)] for group in groups]
    return Line(line.name, line.kind, [mean[0] for mean in means], [mean[1] for mean in means])


def _rows(bottom: float, top: float) -> list[Markup]:
    """Lines at 1, 2 and 5 times a power of ten; where that gives fewer than three, at more."""
    marks = []
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), tuple(1 + n / 10 for n in range(90))):
        ticks = [
            s * 10.0**p for p in range(math.floor(bottom), math.ceil(top) + 1) for s in steps if bottom <= math.log10(s * 10.0**p) <= top
        ]
        if len(ticks) >= 3:
            break
    for tick in ticks[:: max(1, len(ticks) // 8)]:
        y = charts.number(charts.upward((math.log10(tick) - bottom) / max(top - bottom, 1e-9)))
        marks.append(element("line", x1=charts.LEFT, x2=charts.WIDTH - charts.RIGHT, y1=y, y2=y, class_="grid"))
        marks.append(element("text", f"{tick:.3g}", x=charts.LEFT - 7, y=float(y) + 4, class_="tick end"))
    return marks


def _columns(last: float) -> list[Markup]:
    marks = [element("line", x1=charts.LEFT, x2=charts.WIDTH - charts.RIGHT, y1=charts.upward(0), y2=charts.upward(0), class_="axis")]
    for tick in charts.round_ticks(0.0, last)[::2]:
        x = charts.number(charts.across(tick / last))
        marks.append(element("line", x1=x, x2=x, y1=charts.upward(0), y2=charts.upward(0) + 4, class_="axis"))
        marks.append(element("text", _clips(tick), x=x, y=charts.upward(0) + 16, class_="tick middle"))
    return marks


def _clips(count: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= size:
            return f"{count / size:g}{unit}"
    return f"{count:g}"
