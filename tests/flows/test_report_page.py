"""The page: nothing from outside, nobody's text as markup, whole with and without clips. And the JSON beside it."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from noise2music.flows.pages.html import flatten
from noise2music.flows.pages.label.contents import LabelReport
from noise2music.flows.pages.label.gather import gather_report
from noise2music.flows.pages.label.page import render_page, report_json
from tests.flows.made_up_datasets import HOSTILE, finished_run

VOID = {"meta", "link", "input", "img", "br"}
LONG = "Ünïcødé 夜 " * 100_000


class Page(HTMLParser):
    """Elements with their attributes, the text of every element kind, and whether tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        assert len({name for name, _ in attrs}) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all_text(self) -> str:
        return "".join(text for tag, texts in self.texts.items() if tag not in ("script", "style") for text in texts)

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> LabelReport:
    datasets = finished_run(tmp_path_factory.mktemp("run"))
    settings = {"seed": 0, "corpus": {"audio": HOSTILE, "columns": {}}, "sampling": {"labels_per_clip": {"rater_short": 6}}}
    return gather_report(datasets, f"Labels {HOSTILE}", "starter", 0, 80, settings)


@pytest.fixture(scope="module")
def page(report: LabelReport) -> Page:
    return Page(render_page(report))


def test_texts_are_shown_as_text(page: Page, report: LabelReport) -> None:
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "alert" not in "".join(page.texts["script"])
    assert page.all_text().count(HOSTILE) > 10
    assert page.attributes("title").count(HOSTILE) >= 4
    assert f"Labels {HOSTILE}" in page.texts["title"]
    assert HOSTILE in page.attributes("data-value")
    for texts in ([clip.track_key for clip in report.shown], [letter.error for letter in report.dead_letters], [report.scorer.caveat]):
        assert all(text in page.all_text() for text in texts)


def test_every_field_is_escaped(report: LabelReport) -> None:
    """A hostile text in each string of the report in turn of kind leaves the same elements."""
    dataset = replace(report.datasets[0], stage=HOSTILE, name=HOSTILE, fingerprint=HOSTILE, device=HOSTILE, changed=(HOSTILE,))
    step = replace(report.funnel[1], name=HOSTILE, unit=HOSTILE, note=HOSTILE)
    scorer = replace(report.scorer, name=HOSTILE, device=HOSTILE)
    vocabulary = replace(report.vocabularies[0], name=HOSTILE)
    excluded = replace(report.excluded[0], key=HOSTILE, title=HOSTILE, reason=HOSTILE, detail=HOSTILE)
    label = replace(report.shown[0].labels[0], vocabulary=HOSTILE, caption=HOSTILE)
    clip = replace(report.shown[0], artist=HOSTILE, track_key=HOSTILE, labels=(label,))
    hostile = replace(
        report, datasets=(dataset,), funnel=(step,), scorer=scorer, vocabularies=(vocabulary,), excluded=(excluded,), shown=(clip,)
    )
    page = Page(render_page(hostile))
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "<script>alert" not in render_page(hostile)


def test_nothing_comes_from_outside(page: Page) -> None:
    addresses = [value for name in ("src", "href", "action", "poster", "srcset", "data") for value in page.attributes(name)]
    assert len(addresses) > 20
    assert all(address.startswith(("#", "data:")) for address in addresses)
    css = "".join(page.texts["style"])
    assert "@import" not in css
    assert "url(" not in css
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|eval|innerHTML|WebSocket)\b", "".join(page.texts["script"]))
    targets = {value[1:] for value in page.attributes("href") if value.startswith("#")}
    assert targets <= set(page.attributes("id"))


def test_the_policy_admits_only_what_the_page_brings(page: Page) -> None:
    policy = next(attributes["content"] for tag, attributes in page.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:;")
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        content = "".join(page.texts[kind])
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not [name for _, attributes in page.elements for name in attributes if name == "style" or name.startswith("on")]


def test_ids_are_unique_and_tables_sort(page: Page) -> None:
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    sortable = [attributes for tag, attributes in page.elements if tag == "th" and "data-sort" in attributes]
    assert len(sortable) > 20
    assert {attributes["aria-sort"] for attributes in sortable} == {"none"}


def test_players_carry_their_sound(page: Page, report: LabelReport) -> None:
    players = [attributes["src"] for tag, attributes in page.elements if tag == "audio"]
    assert len(players) == sum(bool(clip.audio) for clip in report.shown) == 12
    sounds = [base64.b64decode(source.removeprefix("data:audio/mpeg;base64,")) for source in players]
    assert sounds == [clip.audio for clip in report.shown if clip.audio]
    pictures = [attributes["src"] for tag, attributes in page.elements if tag == "img"]
    assert all(base64.b64decode(source.split(",")[1]).startswith(b"\x89PNG") for source in pictures)


def test_nothing_to_show(tmp_path: Path) -> None:
    empty = gather_report(finished_run(tmp_path, tracks=0), "", "clap", 0, 80, {})
    bare = replace(empty, vocabularies=(), funnel=(), datasets=())
    for report in (empty, bare):
        page = Page(render_page(report))
        assert "There is no clip to show." in page.all_text()
        assert "nan" not in page.all_text().lower()


def test_a_huge_title_is_whole_in_its_hover(report: LabelReport) -> None:
    clips = tuple(replace(clip, title=LONG) for clip in report.shown[:1])
    page = Page(render_page(replace(report, shown=clips)))
    assert LONG in page.attributes("title")


def test_settings_are_flat_and_sorted() -> None:
    settings = {"b": {"z": None, "a": [1, "x"]}, "a": True, "c": {}, "d": frozenset({"q", "p"})}
    expected = [("a", "true"), ("b.a", "1, x"), ("b.z", "not set"), ("c", "none"), ("d", "p, q")]
    assert list(flatten(settings)) == expected


def test_json_holds_the_figures_and_no_bytes(report: LabelReport) -> None:
    text = report_json(report)
    loaded = json.loads(text)
    assert json.dumps(loaded, indent=1, ensure_ascii=False) + "\n" == text
    assert loaded["shown"][0]["title"] == HOSTILE
    assert "audio" not in loaded["shown"][0]
    assert loaded["vocabularies"][0]["after"]["entropy"] == report.vocabularies[0].after.entropy
    assert tuple(loaded["vocabularies"][0]["before_curve"]["ranks"]) == report.vocabularies[0].before_curve.ranks
    assert [step["count"] for step in loaded["funnel"]] == [step.count for step in report.funnel]
    assert list(loaded)[:3] == ["title", "scorer", "recordings"]


def test_json_knows_no_nan(report: LabelReport) -> None:
    assert json.loads(report_json(replace(report, seconds=float("nan"))))["seconds"] is None
