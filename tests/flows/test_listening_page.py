"""The page on which people listen: links that lead somewhere, texts that stay texts."""

import re
from pathlib import Path

import pytest

from noise2music.core.errors import RowError
from noise2music.core.storage import open_store
from noise2music.flows.pages import listening as listening_page
from noise2music.flows.pages.listening import render_listening_page, write_listening_page
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.record import clip_dead_letter
from tests.models.job.made_up_clips import TEXTS, make_clip


def test_every_link_leads_to_a_file_beside_the_page(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    clips = [make_clip(store, number, 0.1) for number in range(8)]
    dead = (clip_dead_letter(Prompt("gone", "<i>p</i>", 1.0, 0), RowError("silent", "nothing <u>heard</u>")),)
    assert write_listening_page(store, clips, dead)
    assert not write_listening_page(store, clips, dead)
    html = (tmp_path / "index.html").read_text()
    linked = re.findall(r'(?:src|href)="([^"#][^"]*)"', html)
    assert {path for path in linked if path != "data:,"} == {path for clip in clips for path in (clip.audio, clip.picture)}
    assert all((tmp_path / path).is_file() for path in linked if path != "data:,")
    assert html.count('preload="none"') == html.count('loading="lazy"') == 8
    assert "&lt;b&gt;loud&lt;/b&gt; &amp;" in html
    assert "nothing &lt;u&gt;heard&lt;/u&gt;" in html
    assert not re.search(r"<(b>loud|i>p|u>heard)", html)
    assert TEXTS[1] in html
    assert "prompt cut by 12 tokens" in html
    assert "<dd>2 × prompt cut by … tokens</dd>" in html


def test_more_clips_than_a_page_can_bear_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening_page, "MOST_CLIPS", 2)
    store = open_store(str(tmp_path))
    html = render_listening_page([make_clip(store, number, 0.1) for number in range(4)], [], None)
    assert html.count("<audio") == 2
    assert "The first 2 of 4 clips" in html


def test_a_place_without_a_clip_has_a_page() -> None:
    assert "There is no clip yet" in render_listening_page([], [], None)
