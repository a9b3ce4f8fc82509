"""A chart of a page as a picture of its own: an SVG file, or a data URI for Markdown."""

import base64

from flows.report.page import asset


def svg_picture(chart: str) -> bytes:
    """A chart's markup -> an SVG file. It has a ground of its own: the page's theme need not be the machine's."""
    drawing = chart[chart.index("<svg") : chart.index("</svg>")].removeprefix("<svg")
    style = f"<style>{asset('charts.css')} svg {{ background: var(--card); }}</style>"
    return f'<svg xmlns="http://www.w3.org/2000/svg"{drawing}{style}</svg>'.encode()


def picture_uri(chart: str) -> str:
    """The same as a data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg_picture(chart)).decode()}"
