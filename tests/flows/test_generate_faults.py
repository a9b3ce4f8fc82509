"""Faults of a place of clips: files that went missing, another job under the same keys, rows that nobody foresaw."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import noise2music.models.job.make
from noise2music.core.errors import UserError
from noise2music.core.storage import Store, open_store
from noise2music.flows.cli import n2m
from noise2music.flows.generate import generate
from noise2music.models.job.identity import NAME
from noise2music.models.job.make import Maker, make_clips
from noise2music.models.job.output_store import audio_path, read_dead_letters, read_record, record_path
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.tags import read_tags
from noise2music.pipelines.generate import Job
from tests.flows.generation import content, small_job

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    small_job(folder)
    return folder


def job(shared: Path, tmp_path: Path, **changes: Any) -> Any:
    return small_job(shared, str(tmp_path / "out"), **changes)


def maker(shared: Path, tmp_path: Path) -> Maker:
    return Job(job(shared, tmp_path)).load()


def agree(store: Store, key: str) -> str:
    """Record, file and tags tell of one clip; gives its prompt."""
    record = read_record(store, key)
    assert record is not None
    data = store.get(str(record.audio))
    assert hashlib.sha256(data).hexdigest() == record.sha256
    assert read_tags(data, "flac")["N2M_REQUEST"] == record.request
    return record.prompt


def test_files_that_went_missing_are_made_again(shared: Path, tmp_path: Path) -> None:
    settings = job(shared, tmp_path)
    generate(settings)
    expected, out = content(settings.out), Path(settings.out)
    (out / "audio/p001.flac").unlink()
    (out / "pictures/p002.png").unlink()
    (out / "audio/p003.flac").write_bytes((out / "audio/p003.flac").read_bytes()[:500])
    verified = CliRunner().invoke(n2m, ["verify", settings.out])
    assert verified.exit_code == 1
    assert verified.output.count("is missing") == 2
    assert "audio/p003.flac" in verified.output
    done = generate(settings)
    assert (len(done.clips), done.made) == (4, 3)
    assert content(settings.out) == expected
    assert CliRunner().invoke(n2m, ["verify", settings.out]).output == "8 files are what their manifests say\n"


def test_where_there_is_nothing_to_verify_it_is_said(tmp_path: Path) -> None:
    assert isinstance(CliRunner().invoke(n2m, ["verify", str(tmp_path)]).exception, UserError)


@pytest.mark.parametrize("when", ["before the record", "before the audio is written over"])
def test_of_two_jobs_with_other_prompts_under_one_key_one_wins(
    shared: Path, tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step of the slower job at which the faster one can get between."""
    slow, fast = maker(shared, tmp_path), maker(shared, tmp_path)
    calm, loud = Prompt("k", "calm piano", 0.3, 0), Prompt("k", "loud drums", 0.3, 0)
    store, create_always = open_store(slow.store.uri), Store.create
    if when == "before the record":
        create = store.create

        def create_late(path: str, data: bytes) -> bool:
            if path == record_path("k"):
                assert make_clips(fast, [loud]) == ["made"]
            return create(path, data)

        monkeypatch.setattr(store, "create", create_late)
    else:
        put = store.put
        # The faster job stands between its audio and its record.
        with monkeypatch.context() as patched:
            patched.setattr(Store, "create", lambda self, path, data: path != record_path("k") and create_always(self, path, data))
            make_clips(fast, [loud])

        def put_late(path: str, data: bytes) -> None:
            if path == audio_path("k", "flac") and read_record(store, "k") is None:
                assert make_clips(fast, [loud]) == ["made"]
            put(path, data)

        monkeypatch.setattr(store, "put", put_late)
    with pytest.raises(UserError, match="another job has made another clip under the key k"):
        make_clips(replace(slow, store=store), [calm])
    assert agree(fast.store, "k") == "loud drums"


def test_audio_of_another_init_is_no_clip_of_this_one(shared: Path, tmp_path: Path) -> None:
    """A job was killed between audio and record, and its init audio changed before the next."""

    def write(level: float) -> None:
        tone = level * np.sin(np.arange(7_200) / 20)
        soundfile.write(tmp_path / "init.wav", tone.astype(np.float32), 24_000, subtype="FLOAT")

    made, prompt = maker(shared, tmp_path), Prompt("k", "calm piano", 0.4, 0, init=str(tmp_path / "init.wav"))
    write(0.2)
    make_clips(made, [prompt])
    made.store.delete(record_path("k"))
    write(0.3)
    make_clips(made, [prompt])
    record = read_record(made.store, "k")
    assert record is not None
    agree(made.store, "k")
    assert read_tags(made.store.get(str(record.audio)), "flac")["N2M_INIT_SHA256"] == record.init_sha256


def test_a_row_that_nobody_foresaw_is_dead_alone(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score = noise2music.models.job.make.embed_prompt

    def fails(scorer: Any, prompt: str) -> Any:
        if "take 2" in prompt:
            raise ValueError("nobody\nforesaw this")
        return score(scorer, prompt)

    monkeypatch.setattr(noise2music.models.job.make, "embed_prompt", fails)
    done = generate(job(shared, tmp_path, max_dead=0.5))
    assert [clip.key for clip in done.clips] == ["p000", "p001", "p003"]
    (letter,) = done.dead
    assert (letter.key, letter.reason, letter.message) == ("p002", "failed", "ValueError: nobody foresaw this")


def test_the_letter_of_a_row_that_was_mended_is_taken_away(shared: Path, tmp_path: Path) -> None:
    rows = tmp_path / "prompts.csv"
    settings = job(shared, tmp_path, prompts=str(rows), max_dead=1.0)
    for seconds, dead in (("0.3", False), ("-1", True), ("0.3", False)):
        rows.write_text(f"key,prompt,seconds\nk,calm piano,{seconds}\n")
        generate(settings)
        assert ("k" in read_dead_letters(open_store(settings.out))) == dead


def test_clips_without_what_they_are_of_are_not_added_to(shared: Path, tmp_path: Path) -> None:
    settings = job(shared, tmp_path)
    generate(settings)
    (Path(settings.out) / NAME).unlink()
    with pytest.raises(UserError, match=r"holds clips, but not _RUN\.json"):
        generate(settings)


def test_a_very_short_clip_is_a_clip_or_dead_alone(shared: Path, tmp_path: Path) -> None:
    rows = tmp_path / "prompts.jsonl"
    rows.write_text("".join(json.dumps({"key": f"k{n}", "prompt": "x", "seconds": s}) + "\n" for n, s in enumerate((1e-9, 0.3, 0.001))))
    done = generate(job(shared, tmp_path, prompts=str(rows), max_dead=0.9))
    assert "k1" in {clip.key for clip in done.clips}
    assert len(done.clips) + len(done.dead) == 3
