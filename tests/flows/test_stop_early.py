"""Stages that stop before they have cost everything, through the whole flow: what is said and kept, and how the same command goes on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.inspect import verify_root
from noise2music.flows.label import label, write_captions
from noise2music.labeling.datasets.dataset import Dataset, list_datasets
from noise2music.pipelines.settings import LabelSettings
from tests import llm_server
from tests.flows.music import parquet_tree, small_settings, write_music
from tests.flows.songs import written_settings
from tests.llm_server import good, serving

SONGS, ROWS = 60, 240


def empty(body: dict[str, Any]) -> llm_server.Answer:
    """What a server with a reasoning parser sends: no content, and the reply elsewhere."""
    reply = {"role": "assistant", "content": None, "reasoning_content": "It is a calm song, I think."}
    value = json.loads(good(body).body) | {"choices": [{"index": 0, "message": reply, "finish_reason": "stop"}]}
    return llm_server.Answer(body=json.dumps(value).encode())


def settings_of(tmp_path: Path, root: str, url: str, **changes: Any) -> LabelSettings:
    return written_settings(tmp_path, root, url, SONGS, **{"write__prompt": '"songs-chat"', "run__server__concurrency": 8, **changes})


def replies(root: Path) -> Dataset:
    return list_datasets(open_store(str(root)), "write")[-1]


def test_replies_that_are_all_empty_stop_it_after_a_sample_and_a_mended_server_is_asked_the_same(tmp_path: Path) -> None:
    is_mended = False
    with serving(lambda _before, body: None if is_mended else empty(body)) as llm:
        settings = settings_of(tmp_path, "root", llm.url)
        for _ in range(2):
            before = llm.requests
            with pytest.raises(UserError, match=r"write: stopped with 0 of 3 parts made: 50 of 240 rows are dead") as found:
                write_captions(settings)
            assert 50 <= llm.requests - before <= 58
            assert "reasoning_content (a reasoning parser)" in str(found.value)
            assert "It is a calm song, I think." in str(found.value)
        asked = set(llm.seen)
        letters = [row for file in (tmp_path / "root").rglob("dead_so_far/*.parquet") for row in pq.read_table(file).to_pylist()]
        assert 50 <= len(letters) <= 58
        assert {row["reason"] for row in letters} == {"empty"}
        is_mended = True
        before = llm.requests
        write_captions(settings)
        assert llm.requests - before == ROWS
        assert asked <= set(llm.seen)
        write_captions(settings_of(tmp_path, "whole", llm.url))
    manifest = replies(tmp_path / "root").manifest
    assert (manifest.rows, manifest.dead_rows) == (ROWS, 0)
    assert parquet_tree(tmp_path / "root") == parquet_tree(tmp_path / "whole")
    assert not list((tmp_path / "root").rglob("dead_so_far/*"))
    assert verify_root(open_store(str(tmp_path / "root")))[1] == []


def test_a_server_that_breaks_in_the_middle_costs_a_sample_and_what_lives_is_not_asked_again(tmp_path: Path) -> None:
    is_mended = False
    with serving(lambda _before, body: empty(body) if llm.requests > 100 and not is_mended else None) as llm:
        settings = settings_of(tmp_path, "root", llm.url)
        with pytest.raises(UserError, match="of 240 rows are dead"):
            write_captions(settings)
        stopped = llm.requests
        assert 113 <= stopped <= 121
        is_mended = True
        write_captions(settings)
        assert llm.requests == stopped + ROWS - 100
    assert replies(tmp_path / "root").manifest.rows == ROWS


def test_requests_that_are_all_refused_stop_it_with_the_words_of_the_server(tmp_path: Path) -> None:
    with serving(lambda _before, _body: llm_server.error(400, "The model `m`\nwants 7 more coins")) as llm:
        with pytest.raises(UserError, match=r"bad_request: 50.*400: The model `m` wants 7 more coins"):
            write_captions(settings_of(tmp_path, "root", llm.url))
        assert llm.requests <= 60


def test_a_third_that_dies_stops_it_once_that_is_more_than_may_die(tmp_path: Path) -> None:
    with serving(lambda _before, body: empty(body) if body["seed"] % 3 == 0 else None) as llm:
        with pytest.raises(UserError, match=r"cannot come under max_dead = 5.0% any more"):
            write_captions(settings_of(tmp_path, "root", llm.url))
        assert 50 <= llm.requests < 120
        with pytest.raises(UserError, match="rows are dead"):
            write_captions(settings_of(tmp_path, "root", llm.url))
        before = llm.requests
        write_captions(settings_of(tmp_path, "root", llm.url, max_dead=0.5))
        assert llm.requests - before < ROWS
    manifest = replies(tmp_path / "root").manifest
    assert manifest.rows + manifest.dead_rows == ROWS
    assert manifest.dead_rows > 50


def test_finished_parts_with_too_many_dead_rows_are_made_again(tmp_path: Path) -> None:
    """12 parts of about 20 rows: some are finished before 50 rows have died, and their rows are asked for again all the same."""
    is_mended = False
    with serving(lambda _before, body: None if is_mended else empty(body)) as llm:
        settings = settings_of(tmp_path, "root", llm.url, parts=12, run__server__concurrency=1)
        with pytest.raises(UserError, match="stopped with"):
            write_captions(settings)
        assert llm.requests <= 60
        is_mended = True
        write_captions(settings)
    manifest = replies(tmp_path / "root").manifest
    assert manifest.rows + manifest.dead_rows == ROWS
    assert manifest.dead_share <= 0.05


def test_with_a_limit_of_one_all_is_asked_and_a_replay_against_a_server_that_is_still_broken_stops(tmp_path: Path) -> None:
    is_mended = False
    with serving(lambda _before, body: None if is_mended else empty(body)) as llm:
        settings = written_settings(tmp_path, "root", llm.url, 30, max_dead=1.0, write__prompt='"songs-chat"', run__server__concurrency=4)
        write_captions(settings)
        assert llm.requests == 120
        limited = settings.model_copy(update={"max_dead": 0.05})
        for _ in range(2):
            before = llm.requests
            with pytest.raises(UserError, match="are dead"):
                write_captions(limited, replay=True)
            assert llm.requests - before <= 54
        is_mended = True
        before = llm.requests
        write_captions(limited, replay=True)
        assert llm.requests - before == 120
    assert replies(tmp_path / "root").manifest.dead_rows == 0


@pytest.mark.slow
def test_worker_processes_stop_each_other(tmp_path: Path) -> None:
    with serving(lambda _before, body: empty(body)) as llm:
        settings = settings_of(tmp_path, "root", llm.url, parts=12, run__mode='"processes"', run__workers=2)
        with pytest.raises(UserError, match="of 240 rows are dead"):
            write_captions(settings)
        assert llm.requests <= 2 * 58


def test_files_that_are_no_audio_stop_probing(tmp_path: Path) -> None:
    write_music(tmp_path / "music")
    for number in range(100):
        (tmp_path / "music" / f"text {number}.mp3").write_text(f"not music {number}")
    settings = small_settings(tmp_path)
    with pytest.raises(UserError, match=r"probe: stopped with . of . parts made: .*not_audio.*For example .*text \d+\.mp3") as found:
        label(settings)
    assert "dead_so_far" in str(found.value)


def test_clips_that_are_all_silent_stop_embedding(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    for number in range(120):
        soundfile.write(tmp_path / "music" / f"{number}.wav", np.zeros(8000 + number), 8000)
    settings = small_settings(tmp_path, corpus__metadata="none")
    settings = settings.model_copy(update={"corpus": settings.corpus.model_copy(update={"metadata": None})})
    with pytest.raises(UserError, match=r"embed: stopped with . of . parts made: 50 of 120 rows are dead.*silent: 50"):
        label(settings)
