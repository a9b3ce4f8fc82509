"""What all pages share: their templates, filters and assets, figures as text, and a chart as a picture of its own."""

import base64
import math
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from noise2music.core.ids import integrity
from noise2music.flows.pages import charts

BESIDE = "'self' file: http: https:"
"""Files that lie beside a page, wherever it is opened."""


def flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings -> (dotted name, value as text), sorted by name."""
    for key in sorted(settings, key=str):
        value = settings[key]
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _setting(value)


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return ", ".join(_setting(item) for item in value) or "none"
    return "none" if value == {} else str(value)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float, digits: int = 1) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}%}".replace("%", " %")


def _figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _measure(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _clock(milliseconds: float) -> str:
    seconds = round(milliseconds / 1000)
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _span(seconds: float) -> str:
    """A stretch of time in the largest unit that fits."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def environment(**own: Callable[..., Any]) -> Environment:
    """Where the templates of all pages are found, with their filters and a page's `own`.

    Text is escaped, and a name that is not there is an error.
    """
    environment = Environment(
        loader=PackageLoader("noise2music.flows.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=_number, percent=_percent, figure=_figure, measure=_measure, clock=_clock, span=_span, bytes=_bytes, data_uri=_data_uri
    )
    environment.filters.update(own)
    environment.globals.update(bar=charts.bar, two_bars=charts.two_bars)
    return environment


def asset(name: str) -> str:
    """The text of a style, script or template that lies in the folder `templates`."""
    return files("noise2music.flows.pages").joinpath("templates", name).read_text("utf-8")


def render_document(
    template: str,
    *styles: str,
    images: str = "data:",
    media: str | None = None,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    **shown: Any,
) -> str:
    """One HTML document of a page that has a script. Texts are escaped, and no script but the page's own runs.

    styles: of the page, besides those of charts and all pages. images, media: where the Content-Security-Policy lets them come from; None
    for no media. filters: the page's own. shown: what the template shows.
    """
    css, script = f"\n{''.join(map(asset, ('charts.css', 'page.css', *styles)))}", f"\n{asset('page.js')}"
    players = f"media-src {media}; " if media else ""
    policy = (
        f"default-src 'none'; img-src {images}; {players}base-uri 'none'; form-action 'none'; "
        f"style-src '{integrity(css)}'; script-src '{integrity(script)}'"
    )
    page = environment(**(filters or {})).get_template(template)
    return page.render(policy=policy, css=Markup(css), script=Markup(script), **shown)


def svg_picture(chart: str) -> bytes:
    """A chart's markup -> an SVG file. It has a ground of its own: the page's theme need not be the machine's."""
    drawing = chart[chart.index("<svg") : chart.index("</svg>")].removeprefix("<svg")
    style = f"<style>{asset('charts.css')} svg {{ background: var(--card); }}</style>"
    return f'<svg xmlns="http://www.w3.org/2000/svg"{drawing}{style}</svg>'.encode()


def picture_uri(chart: str) -> str:
    """The same as a data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg_picture(chart)).decode()}"
