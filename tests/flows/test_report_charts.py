"""Charts are well-formed, say what they show, and put marks where the figures say."""

import re
from xml.etree import ElementTree

import pytest

from noise2music.flows.pages import charts
from tests.flows.made_up_datasets import HOSTILE


def parse(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(str(markup))


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def curves() -> charts.Markup:
    lines = [charts.Line(HOSTILE, "before", [1, 10, 100], [0.5, 0.75, 1.0]), charts.Line("labels", "after", [1, 100], [0.1, 1.0])]
    return charts.share_curves(f"Title {HOSTILE}", "what it shows", lines, f"ranks {HOSTILE}")


def test_a_logarithmic_axis_has_equal_decades() -> None:
    paths = [node.get("d", "") for node in parse(curves()).iter("path")]
    (x1, y1), (x10, y10), (x100, y100) = points(paths[0])
    assert x10 - x1 == pytest.approx(x100 - x10, abs=0.02)
    assert (x1, x100) == (charts.LEFT, charts.WIDTH - charts.RIGHT)
    assert y1 - y10 == pytest.approx(y10 - y100, abs=0.02)
    assert y100 == charts.TOP


def test_charts_say_what_they_show_and_escape_it() -> None:
    for chart in (curves(), charts.bar(0.4, HOSTILE), charts.two_bars(0.4, 2.0, HOSTILE)):
        tree = parse(chart)
        drawing = tree if tree.tag == "svg" else tree.find("svg")
        assert drawing is not None
        assert drawing.get("role") == "img"
        assert HOSTILE in (drawing.get("aria-label") or "")
        assert HOSTILE in (drawing.findtext("title") or "")
        assert not list(tree.iter("script"))
        assert not [node for node in tree.iter() if "style" in node.attrib]


def test_histogram_heights_are_the_shares() -> None:
    edges = [0.0, 0.1, 0.2, 0.3]
    series = [charts.Bars("null", "null", [0.5, 0.5, 0.0]), charts.Bars("labels", "drawn", [0.0, 0.25, 0.75])]
    tree = parse(charts.histogram_overlay("t", "d", edges, series, "score"))
    null, labels = ([y for _, y in points(node.get("d", ""))] for node in tree.iter("path"))
    bottom, height = charts.HEIGHT - charts.BOTTOM, charts.HEIGHT - charts.TOP - charts.BOTTOM
    assert min(labels) == charts.TOP
    assert bottom - min(null) == pytest.approx(height * 0.5 / 0.75, abs=0.02)
    hovers = [node.findtext("title") for node in tree.iter("rect")]
    assert hovers == [
        "0.000 to 0.100: null 50.0%; labels 0.0%",
        "0.100 to 0.200: null 50.0%; labels 25.0%",
        "0.200 to 0.300: null 0.0%; labels 75.0%",
    ]


@pytest.mark.parametrize(("share", "width"), [(0.0, "0"), (0.25, "25"), (1.0, "100"), (-1.0, "0"), (9.0, "100")])
def test_a_bar_is_as_wide_as_its_share(share: float, width: str) -> None:
    assert [node.get("width") for node in parse(charts.bar(share, "x")).iter("rect")] == ["100", width]


def test_empty_charts_are_charts() -> None:
    parse(charts.share_curves("t", "d", [charts.Line("a", "before", [], [])], "x"))
    parse(charts.histogram_overlay("t", "d", [-1.0], [], "x"))


@pytest.mark.parametrize(("first", "last"), [(-1.0, 1.0), (-0.65, 0.9), (0.2, 0.21), (0.0, 0.0001)])
def test_ticks_are_few_and_inside(first: float, last: float) -> None:
    ticks = charts.round_ticks(first, last)
    assert 3 <= len(ticks) <= 11
    assert first - 1e-9 <= ticks[0] < ticks[-1] <= last + 1e-9
