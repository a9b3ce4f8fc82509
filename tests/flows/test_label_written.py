"""A labeling run with a vocabulary that an LLM wrote: the stages, the report, and the same bytes without the server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from noise2music.core.storage import open_store
from noise2music.flows.datasets import Labeled, read_latest
from noise2music.flows.inspect import status_rows, verify_root
from noise2music.flows.label import label
from noise2music.flows.pages.label.writing import cleaning_report, writing_report
from noise2music.labeling.captions.cleaning.chain import RULE_REASONS
from noise2music.labeling.captions.cleaning.quality import measure, musiccaps
from noise2music.pipelines.settings import LabelSettings
from tests import llm_server
from tests.flows.music import parquet_tree, small_settings, write_music, write_table
from tests.flows.songs import MODEL, song_rows
from tests.llm_server import serving

HOSTILE = "<script>alert(1)</script> is a piano."


def settings(folder: Path, root: str, url: str, **changes: Any) -> LabelSettings:
    return small_settings(
        folder,
        root,
        songs={"source": str(folder / "songs.csv")},
        write={"model": MODEL, "samples": 4},
        vocabulary__llm_long={"kind": "written"},
        sampling={"top_k": 5, "labels_per_clip": {"words": 2, "llm_long": 2}},
        run={"workers": 1, "server": {"url": url, "input_price": 1.0, "output_price": 4.0}},
        **changes,
    )


def script(_before: int, body: dict[str, Any]) -> llm_server.Answer | None:
    """Every fifth reply has a sentence that no caption may hold; one in thirty is empty."""
    answer = json.loads(llm_server.good(body).body)
    if body["seed"] % 5 == 0:
        answer["choices"][0]["text"] += f" {HOSTILE}"
    if body["seed"] % 30 == 7:
        answer["choices"][0]["text"] = " "
    return llm_server.Answer(body=json.dumps(answer).encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    write_music(folder / "music", tracks=4)
    write_table(folder / "songs.csv", song_rows(60))
    return folder


@pytest.fixture(scope="module")
def labeled(folder: Path) -> Iterator[tuple[LabelSettings, Labeled]]:
    with serving(script) as llm:
        wanted = settings(folder, "root", llm.url)
        yield wanted, label(wanted)


def test_songs_and_write_are_stages_like_the_others(folder: Path, labeled: tuple[LabelSettings, Labeled]) -> None:
    root = open_store(str(folder / "root"))
    rows = {(row["stage"], row["name"]): row for row in status_rows(root)}
    assert rows["songs", ""]["rows"] == 60
    assert rows["write", ""]["rows"] + rows["write", ""]["dead"] == 240
    assert rows["write", ""]["reasons"].startswith("empty")
    assert rows["vocabulary", "llm_long"]["rows"] > 100
    assert verify_root(root)[1] == []
    datasets, _ = read_latest(root)
    assert datasets.songs is not None
    assert datasets.write is not None
    stages = ["inventory", "probe", "fingerprint", "copies", "ingest", "songs", "write", "embed"]
    assert [dataset.stage for dataset in datasets.all()[:8]] == stages
    again = label(labeled[0])
    assert again.nothing_done


def test_the_report_says_what_the_manifests_say(folder: Path, labeled: tuple[LabelSettings, Labeled]) -> None:
    datasets, _ = read_latest(open_store(str(folder / "root")))
    configuration = labeled[0].as_json()
    writing = writing_report(datasets.songs, datasets.write, configuration)
    assert writing is not None
    assert datasets.write is not None
    stats = datasets.write.manifest.stats
    assert (writing.songs, writing.replies, writing.requests) == (60, 240, 240)
    assert writing.usable + sum(loss.count for loss in writing.dead) == 240
    assert writing.price == pytest.approx((stats["prompt_tokens"] + 4 * stats["completion_tokens"]) / 1e6)
    vocabulary = datasets.vocabularies["llm_long"].vocabulary
    cleaning = cleaning_report(vocabulary, configuration)
    assert cleaning is not None
    assert [rule.name.replace(" ", "_") for rule in cleaning.rules] == list(RULE_REASONS)
    assert cleaning.sentences == cleaning.captions + sum(rule.count for rule in cleaning.rules)
    tidy = cleaning.rules[0]
    assert tidy.count > 0
    assert set(tidy.examples) == {HOSTILE}
    captions = vocabulary.read(["caption"]).column("caption").to_pylist()
    found = measure(captions, cleaning.measured)
    shown = {row.measure: row for row in cleaning.quality}
    assert shown["Names an instrument"].captions == found.names_instrument
    assert shown["Different words"].musiccaps == musiccaps().quality[cleaning.measured].vocabulary
    assert cleaning_report(datasets.vocabularies["words"].vocabulary, configuration) is None


def test_page_and_json_hold_it_escaped(labeled: tuple[LabelSettings, Labeled]) -> None:
    page = Path(labeled[1].report_path).read_text()
    assert 'id="writing"' in page
    assert "Quality beside MusicCaps" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; is a piano." in page
    assert HOSTILE not in page
    figures = json.loads(Path(labeled[1].report_path).with_name("report.json").read_text())
    assert figures["writing"]["requests"] == 240
    cleaning = {vocabulary["name"]: vocabulary["cleaning"] for vocabulary in figures["vocabularies"]}
    assert cleaning["words"] is None
    assert cleaning["llm_long"]["rules"][0]["examples"] == [HOSTILE]


@pytest.mark.usefixtures("labeled")
def test_another_root_with_the_same_server_has_the_same_bytes(folder: Path) -> None:
    with serving(script) as llm:
        label(settings(folder, "again", llm.url, run__workers=2))
    assert parquet_tree(folder / "again") == parquet_tree(folder / "root")


def test_a_run_without_writing_has_no_such_section(folder: Path) -> None:
    plain = label(small_settings(folder, "plain"))
    assert 'id="writing"' not in Path(plain.report_path).read_text()
    assert json.loads(Path(plain.report_path).with_name("report.json").read_text())["writing"] is None
