"""The page as a rater uses it, in a real browser and by keyboard alone: answered, reloaded in the middle, saved, sent and ranked."""

import json
from pathlib import Path

import pytest

from noise2music.evaluation.listening.answers import read_answers
from noise2music.evaluation.listening.audit import make_audit
from noise2music.evaluation.listening.make import make_listening_test
from noise2music.evaluation.listening.precision import audit_precision
from noise2music.evaluation.listening.questionnaire import KEY, PAGE
from noise2music.evaluation.listening.settings import AuditSettings, ListenSettings
from noise2music.flows.listening import rank_answers
from noise2music.labeling.datasets.dataset import LATEST
from tests.evaluation.listening.browser import Tab, browser, find_browser
from tests.evaluation.listening.systems_on_disk import RATES, write_systems
from tests.evaluation.listening.test_serve import served
from tests.models.data.made_up_shards import write_shards

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_browser() is None, reason="there is no Chromium on PATH")]

TITLE = "document.querySelector('.where b')?.textContent"
HEARD = "[...document.querySelectorAll('.clip')].every((clip) => clip.classList.contains('heard'))"
OPEN = "!document.querySelector('fieldset').disabled"
CHOSEN = "[...document.querySelectorAll('input:checked')].map((input) => Number(input.value))"
CLIPS = "[...document.querySelectorAll('.clip')].length"


def hear(tab: Tab, clips: int) -> None:
    """Play what is there, one after the other, each long enough."""
    for number in range(clips):
        if not tab.value(f"document.querySelectorAll('.clip')[{number}].classList.contains('playing')"):  # An audit plays by itself.
            tab.press("ab"[number])
        tab.wait(f"document.querySelectorAll('.clip')[{number}].classList.contains('heard')")


def judge(tab: Tab, title: str, choices: str) -> None:
    """Hear an item and answer it, and go on."""
    tab.wait(f"{TITLE} === {json.dumps(title)}")
    hear(tab, tab.value(CLIPS))
    tab.wait(OPEN)
    for choice in choices:
        tab.press(choice)
    assert tab.value(CHOSEN) == [int(choice) for choice in choices]
    tab.press("Enter")


def saved(folder: Path, tab: Tab) -> Path:
    """The file that the page gives."""
    tab.press("s")
    for _ in range(200):
        found = [path for path in folder.glob("answers-*.json") if path.stat().st_size]
        if found:
            return found[0]
        tab.value("new Promise((done) => setTimeout(() => done(true), 50))")
    raise AssertionError("nothing was saved")


def test_a_listening_test(tmp_path: Path) -> None:
    """On a folder, without a server: what is answered before a reload is there after it, and counts."""
    write_systems(tmp_path, seconds=0.8)
    folder, got = tmp_path / "test", tmp_path / "got"
    got.mkdir()
    systems = tuple(str(tmp_path / name) for name in RATES)
    prompts = str(tmp_path / "prompts.csv")
    settings = ListenSettings(out=str(folder), systems=systems, prompts=prompts, sheets=2, pairs=6, repeats=1, seconds=0.5, must_hear=0.2)
    made = make_listening_test(settings)
    program = find_browser()
    assert program is not None
    with browser(program, got) as tab:
        tab.open(f"{(folder / PAGE).as_uri()}#sheet=2")
        tab.wait("document.querySelector('h1')")
        tab.press("Enter")
        tab.wait(f"{TITLE} === 'Practice'")
        tab.press("1")
        tab.press("Enter")
        assert tab.value(CHOSEN) == []  # Nothing can be answered or left before both were heard.
        assert tab.value(TITLE) == "Practice"
        judge(tab, "Practice", "33")
        judge(tab, "Pair 1 of 8", "24")
        judge(tab, "Pair 2 of 8", "15")
        tab.wait(f"{TITLE} === 'Pair 3 of 8'")
        hear(tab, 2)
        tab.press("4")
        tab.call("Page.reload")
        tab.wait(f"{TITLE} === 'Pair 3 of 8' && document.readyState === 'complete'")
        assert tab.value(CHOSEN) == [4]
        assert tab.value(HEARD)
        tab.press("2")  # The question that was open.
        assert tab.value(CHOSEN) == [4, 2]
        tab.press("ArrowUp")
        tab.press("5")  # Changed.
        assert tab.value(CHOSEN) == [5, 2]
        tab.press("Backspace")
        tab.wait(f"{TITLE} === 'Pair 2 of 8'")
        assert tab.value(CHOSEN) == [1, 5]
        tab.press("Enter")
        tab.wait(f"{TITLE} === 'Pair 3 of 8'")
        tab.press("Enter")
        for number in range(4, 9):
            judge(tab, f"Pair {number} of 8", "21")
        tab.wait("document.querySelector('h1')?.textContent === 'Thank you!'")
        assert "Nothing has been sent yet" in tab.value("document.body.innerText")
        file = saved(got, tab)
        assert tab.errors == []
    (answers,) = read_answers([str(file)], made.key)
    assert answers.sheet == 1
    assert [tuple(answer.choices.values()) for answer in answers.answers] == [(2, 4), (1, 5), (5, 2), *[(2, 1)] * 5]
    assert all(min(answer.heard) >= 150 and answer.ms > 0 and not answer.skipped for answer in answers.answers)
    ranked = rank_answers([str(file)], str(folder / KEY), str(tmp_path / "ranking"))
    assert [ranking.ratings for ranking in ranked.rankings] == [6, 6]
    assert (tmp_path / "ranking" / "ranking.html").is_file()


def test_an_audit_that_is_served(tmp_path: Path) -> None:
    """On a phone's screen, over HTTP: answers arrive by themselves; a clip that cannot be played is left out and said."""
    dataset = write_shards(tmp_path / "root", clips=4, seconds=0.4)
    (tmp_path / "root" / LATEST).write_text(json.dumps({"shard": dataset.path}))
    folder = tmp_path / "audit"
    settings = AuditSettings(root=str(tmp_path / "root"), out=str(folder), labels=4, repeats=1, must_hear=0.1, absurd=False)
    made = make_audit(settings)
    items = json.loads((folder / "page" / "test.json").read_text())["sheets"][0]
    (folder / "page" / items[1]["clips"][0]).write_bytes(b"broken")
    program = find_browser()
    assert program is not None
    with served(folder) as address, browser(program, tmp_path) as tab:
        tab.size(390, 844, phone=True)
        tab.open(address)
        tab.wait("document.querySelector('h1')")
        tab.press("Enter")
        for number, item in enumerate(items):
            title = f"Clip {number + 1} of {len(items)}"
            if item["clips"] == items[1]["clips"]:
                tab.wait(f"{TITLE} === {json.dumps(title)} && document.querySelector('.notice')")
                for _ in range(20):
                    tab.press("Tab")
                    if tab.value("document.activeElement.textContent") == "Leave this one out":
                        break
                tab.press("Enter")
            else:
                judge(tab, title, "2")
        tab.wait("document.getElementById('status')?.textContent.includes('have arrived')")
        assert tab.value("document.documentElement.scrollWidth") == 390
    (file,) = (folder / "answers").iterdir()
    (answers,) = read_answers([str(file)], made.key)
    skipped = sum(item["clips"] == items[1]["clips"] for item in items)
    assert sum(answer.skipped for answer in answers.answers) == skipped
    row = audit_precision([answers], made.key).rows[0]
    assert row.true == row.unsure == 0
    assert row.false > 0
