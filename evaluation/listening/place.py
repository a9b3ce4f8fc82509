"""The folder of a test: what goes to raters in `page/`, the key beside it, answers as they come.

The page on which people judge is one HTML file with the questionnaire inside, so that it works from a folder, without a server.
"""

import json
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from noise2music.core.errors import UserError
from noise2music.core.ids import integrity
from noise2music.core.storage import Store
from noise2music.evaluation.listening.questionnaire import KEY, PAGE, QUESTIONNAIRE, Key, Questionnaire, json_bytes, read_key

_FOLDER = PAGE.partition("/")[0]
README = "README.txt"
_README = """Send raters the folder `page`, or run `n2m listen serve` on this one. They open page/index.html.
Keep key.json: it says whose clip is which. Who has it is no longer blind.
Collect what raters send back, one JSON file each, in `answers`. What they say:

    {command}
"""


def write_test(store: Store, questionnaire: Questionnaire, key: Key, audio: Mapping[str, bytes]) -> None:
    """Write all files, the key last. The same test again changes nothing. Raises UserError where another test lies there."""
    if store.head(KEY) is not None:
        there = read_key(store.describe(KEY))
        if there.id != key.id:
            raise UserError(
                f"{store.describe('')} holds another test ({there.id}; this would be {key.id}). Its answers need its key: use another -o."
            )
    for path in sorted(audio):
        store.put_changed(f"{_FOLDER}/{path}", audio[path])
    store.put_changed(QUESTIONNAIRE, json_bytes(questionnaire))
    store.put_changed(PAGE, render_rating_page(questionnaire).encode())
    command = {"pairs": "n2m listen rank answers/*.json --key key.json", "labels": "n2m audit answers/*.json --key key.json"}
    store.put_changed(README, _README.format(command=command[key.kind]).encode())
    store.put_changed(KEY, json_bytes(key))


def render_rating_page(questionnaire: Questionnaire) -> str:
    """The HTML document. No script but its own runs, nothing is loaded but the clips beside it, and it talks to its own server alone."""
    css, script = (f"\n{_asset(name)}" for name in ("rate.css", "rate.js"))
    sources = "'self' file: http: https:"
    policy = (
        f"default-src 'none'; img-src data:; media-src {sources}; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"style-src '{integrity(css)}'; script-src '{integrity(script)}'"
    )
    environment = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    # Inside <script> nothing is unescaped but "</" ends it, and "<!--" changes how the rest is read.
    text = json.dumps(questionnaire.as_json(), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("rate.html.j2").render(
        policy=policy, css=Markup(css), script=Markup(script), questionnaire=Markup(text)
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")
