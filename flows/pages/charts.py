"""Small SVG charts as markup. Colours, type and the dark theme come from charts.css through class names, so no element has a style.

Every chart says what it shows in <title> and <desc>, and every mark its figures in a <title> that shows on hover.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 480, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 14, 40


SERIES = ("after", "before", "plain", "null")
"""Kinds of the lines or dots of systems that are equals, in their order."""


@dataclass(frozen=True)
class Line:
    """One curve: `kind` is a class of charts.css ("before", "after", "even")."""

    name: str
    kind: str
    xs: Sequence[float]
    ys: Sequence[float]


@dataclass(frozen=True)
class Bars:
    """One histogram over common edges: `kind` is a class of charts.css ("null", "best", "drawn")."""

    name: str
    kind: str
    shares: Sequence[float]


def element(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """One SVG element with its text and attribute values escaped: class_ is written as class, aria_label as aria-label."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items() if value is not None
    )
    inner = "".join(str(escape(child)) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")


def share_curves(title: str, description: str, lines: Sequence[Line], x_label: str) -> Markup:
    """Shares (0 to 1) over a logarithmic axis that starts at 1. Points without a title between them are drawn as one path."""
    longest = max((max(line.xs, default=1) for line in lines), default=1)
    decades = math.log10(max(longest, 10))

    def place(x: float, y: float) -> tuple[float, float]:
        return across(math.log10(max(x, 1)) / decades), upward(y)

    marks: list[Markup] = [*_share_grid(), *_log_ticks(decades)]
    for line in lines:
        points = [place(x, y) for x, y in zip(line.xs, line.ys, strict=True)]
        if points:
            marks.append(element("path", d=path(points), class_=f"line {line.kind}"))
    for line in lines:
        step = max(1, len(line.xs) // 24)
        for x, y in list(zip(line.xs, line.ys, strict=True))[::step] if line.kind != "even" else ():
            hover = element("title", f"{line.name}: the {int(x):,} most used captions have {y:.1%} of all uses")
            left, top = place(x, y)
            marks.append(element("circle", hover, cx=number(left), cy=number(top), r=7, class_=f"spot {line.kind}"))
    return figure(title, description, [*marks, *axis_label(x_label)], [(line.name, line.kind) for line in lines])


def histogram_overlay(title: str, description: str, edges: Sequence[float], series: Sequence[Bars], x_label: str) -> Markup:
    """Outlines of histograms over one another, each with its own total; the highest bar of all reaches the top."""
    highest = max((share for bars in series for share in bars.shares), default=0.0) or 1.0
    first, last = (edges[0], edges[-1]) if len(edges) > 1 else (-1.0, 1.0)

    def at(score: float) -> float:
        return across((score - first) / ((last - first) or 1))

    marks: list[Markup] = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=upward(0), y2=upward(0), class_="axis")]
    for tick in round_ticks(first, last):
        marks.append(element("line", x1=number(at(tick)), x2=number(at(tick)), y1=upward(0), y2=upward(0) + 4, class_="axis"))
        marks.append(element("text", f"{tick:g}", x=number(at(tick)), y=upward(0) + 16, class_="tick middle"))
    for bars in series:
        points: list[tuple[float, float]] = []
        filled = [bar for bar, share in enumerate(bars.shares) if share]
        for bar in range(filled[0], filled[-1] + 1) if filled else ():
            points += [(at(edges[bar]), upward(bars.shares[bar] / highest)), (at(edges[bar + 1]), upward(bars.shares[bar] / highest))]
        if points:
            outline = [(points[0][0], upward(0)), *points, (points[-1][0], upward(0))]
            marks.append(element("path", d=path(outline) + "Z", class_=f"area {bars.kind}"))
    for bar in range(len(edges) - 1):
        shares = "; ".join(f"{bars.name} {bars.shares[bar]:.1%}" for bars in series if bars.shares)
        hover = element("title", f"{edges[bar]:.3f} to {edges[bar + 1]:.3f}: {shares}")
        width = at(edges[bar + 1]) - at(edges[bar])
        marks.append(element("rect", hover, x=number(at(edges[bar])), y=TOP, width=number(width), height=upward(0) - TOP, class_="hover"))
    return figure(title, description, [*marks, *axis_label(x_label)], [(bars.name, bars.kind) for bars in series])


def bar(share: float, text: str, kind: str = "plain", marked: float | None = None) -> Markup:
    """One horizontal bar as wide as its place: `share` in [0, 1] is filled, of which `marked` is drawn stronger. `text` says the same."""
    inside = [element("title", text), element("rect", width=100, height=8, class_="track")]
    inside.append(element("rect", width=number(100 * _unit(share)), height=8, class_=f"fill {kind}"))
    if marked is not None:
        inside.append(element("rect", width=number(100 * _unit(marked)), height=8, class_=f"fill {kind} strong"))
    return element("svg", *inside, viewBox="0 0 100 8", preserveAspectRatio="none", class_="bar", role="img", aria_label=text)


def two_bars(first: float, second: float, text: str) -> Markup:
    """Two thin bars over one another, before and after, each a share in [0, 1]."""
    inside = [
        element("title", text),
        element("rect", y=0, width=number(100 * _unit(first)), height=4, class_="fill before"),
        element("rect", y=5, width=number(100 * _unit(second)), height=4, class_="fill after"),
    ]
    return element("svg", *inside, viewBox="0 0 100 9", preserveAspectRatio="none", class_="bar two", role="img", aria_label=text)


def figure(title: str, description: str, marks: Sequence[Markup], legend: Sequence[tuple[str, str]]) -> Markup:
    """The whole chart: marks in a frame of WIDTH x HEIGHT, and a legend of (name, kind) below."""
    size = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "class_": "chart", "role": "img", "aria_label": f"{title}. {description}"}
    drawing = element("svg", element("title", title), element("desc", description), *marks, **size)
    keys = [element("span", element("i", class_=f"key {kind}"), name, class_="entry") for name, kind in legend]
    return element("div", drawing, element("div", *keys, class_="legend"), class_="figure")


def _share_grid() -> list[Markup]:
    marks = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = number(upward(share))
        marks.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="axis" if not share else "grid"))
        marks.append(element("text", f"{share:.0%}", x=LEFT - 7, y=number(upward(share) + 4), class_="tick end"))
    return marks


def _log_ticks(decades: float) -> list[Markup]:
    marks = []
    for power in range(int(decades) + 1):
        x = number(across(power / decades))
        marks.append(element("line", x1=x, x2=x, y1=upward(0), y2=upward(0) + 4, class_="axis"))
        marks.append(element("text", f"{10**power:,}", x=x, y=upward(0) + 16, class_="tick middle"))
    return marks


def round_ticks(first: float, last: float) -> list[float]:
    """Four to ten round numbers between first and last."""
    width = (last - first) or 1.0
    step = 10.0 ** math.floor(math.log10(width))
    for finer in (1, 0.5, 0.2, 0.1):
        if width / (step * finer) >= 4:
            step *= finer
            break
    return [round(place * step, 10) for place in range(math.ceil(first / step - 1e-9), math.floor(last / step + 1e-9) + 1)]


def axis_label(text: str) -> list[Markup]:
    """What the horizontal axis says."""
    return [element("text", text, x=LEFT + (WIDTH - LEFT - RIGHT) / 2, y=HEIGHT - 5, class_="label middle")]


def path(points: Sequence[tuple[float, float]]) -> str:
    """The d attribute of a line through points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def across(share: float) -> float:
    """A share of the plot's width, from the left -> x."""
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def upward(share: float) -> float:
    """A share of the plot's height, from below -> y."""
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _unit(share: float) -> float:
    return min(1.0, max(0.0, share))


def number(value: float) -> str:
    """A coordinate with two digits at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


# How the captions of a vocabulary share all uses, as a chart.


Curve = tuple[Sequence[float], Sequence[float]]
"""Ranks, and the share of all uses that the captions up to each rank have."""


def share_of_uses(title: str, description: str, captions: int, candidates: Curve, labels: Curve) -> Markup:
    """Cumulative use among candidates and among labels, beside evenly used captions."""
    size = max(captions, 1)
    even = [10 ** (step * math.log10(size) / 60) for step in range(61)]
    curves = [
        Line("evenly used", "even", even, [rank / size for rank in even]),
        Line("candidates", "before", *candidates),
        Line("labels", "after", *labels),
    ]
    return share_curves(title, description, curves, "most used captions (logarithmic)")


def use_curves(vocabulary: Mapping[str, Any], description: str = "") -> Markup:
    """The same from the figures of a label report (report.json)."""
    candidates, labels = ((curve["ranks"], curve["shares"]) for curve in (vocabulary["before_curve"], vocabulary["after_curve"]))
    return share_of_uses(f"Captions of {vocabulary['name']}", description, vocabulary["before"]["captions"], candidates, labels)


# Curves of a training run over clips seen, as SVG markup; the vertical axis is logarithmic.


SMOOTHED = 200


def loss_curves(title: str, description: str, lines: Sequence[Line], x_label: str = "clips seen") -> Markup:
    """Positive values over a linear axis of clips. What is not a positive finite number is left out; long curves are averaged in steps."""
    shown = [_thinned(line) for line in lines]
    values = [y for line in shown for y in line.ys]
    low, high = (min(values), max(values)) if values else (0.1, 1.0)
    bottom, top = math.log10(low) - 0.05, math.log10(high) + 0.05
    last = max((x for line in shown for x in line.xs), default=1.0) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return across(x / last), upward((math.log10(y) - bottom) / max(top - bottom, 1e-9))

    marks = [*_rows(bottom, top), *_columns(last)]
    for line in shown:
        points = [place(x, y) for x, y in zip(line.xs, line.ys, strict=True)]
        if points:
            marks.append(element("path", d=path(points), class_=f"line {line.kind}"))
        step = max(1, len(points) // 24)
        for (x, y), (left, up) in list(zip(zip(line.xs, line.ys, strict=True), points, strict=True))[::step]:
            hover = element("title", f"{line.name}: {y:.4g} after {x:,.0f} clips")
            marks.append(element("circle", hover, cx=number(left), cy=number(up), r=7, class_=f"spot {line.kind}"))
    return figure(title, description, [*marks, *axis_label(x_label)], [(line.name, line.kind) for line in lines])


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
        y = number(upward((math.log10(tick) - bottom) / max(top - bottom, 1e-9)))
        marks.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        marks.append(element("text", f"{tick:.3g}", x=LEFT - 7, y=float(y) + 4, class_="tick end"))
    return marks


def _columns(last: float) -> list[Markup]:
    marks = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=upward(0), y2=upward(0), class_="axis")]
    for tick in round_ticks(0.0, last)[::2]:
        x = number(across(tick / last))
        marks.append(element("line", x1=x, x2=x, y1=upward(0), y2=upward(0) + 4, class_="axis"))
        marks.append(element("text", _clips(tick), x=x, y=upward(0) + 16, class_="tick middle"))
    return marks


def _clips(count: float) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= size:
            return f"{count / size:g}{unit}"
    return f"{count:g}"
