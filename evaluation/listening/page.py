"""The page on which people judge: one HTML file with the questionnaire inside, so that it works from a folder, without a server."""

import base64
import hashlib
import json
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from noise2music.evaluation.listening.questionnaire import Questionnaire


def render_rating_page(questionnaire: Questionnaire) -> str:
    """The HTML document. No script but its own runs, nothing is loaded but the clips beside it, and it talks to its own server alone."""
    css, script = (f"\n{_asset(name)}" for name in ("rate.css", "rate.js"))
    sources = "'self' file: http: https:"
    policy = (
        f"default-src 'none'; img-src data:; media-src {sources}; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_integrity(css)}'; script-src '{_integrity(script)}'"
    )
    environment = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    # Inside <script> nothing is unescaped but "</" ends it, and "<!--" changes how the rest is read.
    text = json.dumps(questionnaire.as_json(), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("rate.html.j2").render(
        policy=policy, css=Markup(css), script=Markup(script), questionnaire=Markup(text)
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _integrity(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
