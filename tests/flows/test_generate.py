"""Batch generation over a small cascade: what is written, that it depends on the request alone, and what is refused."""

import hashlib
import io
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from PIL import Image

import noise2music.pipelines.generate
from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.cli import n2m
from noise2music.flows.config import read_settings
from noise2music.flows.generate import generate
from noise2music.flows.label import label
from noise2music.models.generation.checkpoints import file_identity
from noise2music.models.job.output_store import read_dead_letters
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.job.tags import read_tags
from tests.flows.generation import SECONDS, content, copy_job, small_job, write_prompts
from tests.flows.music import small_settings, write_music

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "generate.toml"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cascade, four prompts, and a finished job in "out"."""
    folder = tmp_path_factory.mktemp("generation")
    generate(small_job(folder))
    return folder


def with_prompts(folder: Path, tmp_path: Path, text: str, name: str = "prompts.csv", **changes: Any) -> GenerateSettings:
    """A job of other prompts into an empty place."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    return small_job(folder, str(tmp_path / "out"), prompts=str(tmp_path / name), **changes)


def test_a_prompt_becomes_a_clip_that_says_where_it_came_from(shared: Path) -> None:
    place = shared / "out"
    done = generate(small_job(shared))
    assert [clip.key for clip in done.clips] == ["p000", "p001", "p002", "p003"]
    for clip in done.clips:
        data = (place / str(clip.audio)).read_bytes()
        assert (clip.sha256, clip.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
        audio, rate = soundfile.read(io.BytesIO(data), dtype="float32")
        assert soundfile.info(io.BytesIO(data)).subtype == "PCM_16"
        assert (rate, len(audio)) == (24000, round(SECONDS * 24000))
        assert (clip.rate, clip.duration, clip.seconds) == (24000, SECONDS, SECONDS)
        assert clip.rms_dbfs == pytest.approx(20 * np.log10(np.sqrt(np.mean(audio.astype(np.float64) ** 2))), abs=0.05)
        assert clip.peak == pytest.approx(np.abs(audio).max(), abs=1e-4)
        tags = read_tags(data, "flac")
        assert (tags["N2M_KEY"], tags["N2M_PROMPT"], tags["N2M_SEED"], tags["N2M_REQUEST"]) == (clip.key, clip.prompt, "0", clip.request)
        assert Image.open(place / clip.picture).size == (240, 64)
        assert [facts.stage for facts in clip.stages] == ["waveform-generator", "waveform-cascader", "super-resolution"]
        weights = {facts.stage: facts.weights for facts in clip.stages}
        assert weights["super-resolution"] == file_identity(shared / "cascade" / "super-resolution" / "weights.safetensors")
        assert [facts.steps for facts in clip.stages] == [3, 3, 3]
        assert clip.score is not None
        assert -1 <= clip.score <= 1
    assert len({clip.sha256 for clip in done.clips}) == 4
    assert done.page == str(place / "index.html")


def test_nothing_to_do_is_said_without_loading_a_model(
    shared: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = {path: path.stat().st_mtime_ns for path in (shared / "out").rglob("*")}
    monkeypatch.setattr(noise2music.pipelines.generate, "_load", lambda _settings: pytest.fail("a model was loaded"))
    monkeypatch.setattr(noise2music.pipelines.generate, "_loaded", {})
    with caplog.at_level("INFO", logger="n2m"):
        done = generate(small_job(shared))
    assert done.nothing_done
    assert "Nothing to do: all 4 clips are there" in caplog.text
    assert {path: path.stat().st_mtime_ns for path in (shared / "out").rglob("*")} == before


@pytest.mark.parametrize("how", ["other order", "one by one", "beam", "two formats of the file"])
def test_the_bytes_depend_on_the_request_alone(shared: Path, tmp_path: Path, how: str) -> None:
    expected = content(str(shared / "out"))
    lines = (shared / "prompts.csv").read_text().splitlines()
    settings = with_prompts(shared, tmp_path, "\n".join(lines) + "\n")
    if how == "other order":
        rows = lines[1:]
        random.Random(1).shuffle(rows)
        settings = with_prompts(shared, tmp_path, "\n".join([lines[0], *rows]) + "\n", run__workers=3)
    elif how == "one by one":
        for number in range(2, len(lines)):
            generate(with_prompts(shared, tmp_path, "\n".join(lines[:number]) + "\n", run__workers=1))
        settings = with_prompts(shared, tmp_path, "\n".join(lines) + "\n")
    elif how == "beam":
        changes = {"run__runner": "beam", "run__mode": "threads", "run__workers": 2, "run__parts": 3}
        settings = with_prompts(shared, tmp_path, "\n".join(lines) + "\n", **changes)
    else:
        text = "".join(f'{{"key": "{row[:4]}", "prompt": {row[5:]}}}\n' for row in lines[1:])
        settings = with_prompts(shared, tmp_path, text, "prompts.jsonl")
    generate(settings)
    assert content(settings.out) == expected


def test_two_jobs_at_once_agree_and_share(shared: Path, tmp_path: Path) -> None:
    settings = small_job(shared, str(tmp_path / "out"), prompts=str(write_prompts(tmp_path / "p.csv", 8)), run__workers=1)
    alone = copy_job(tmp_path, settings, "alone")
    generate(alone)
    jobs = [threading.Thread(target=generate, args=(settings,)) for _ in range(2)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert content(settings.out) == content(alone.out)


def test_a_torn_record_or_audio_is_made_again(shared: Path, tmp_path: Path) -> None:
    settings = small_job(shared, str(tmp_path / "out"))
    generate(settings)
    store, expected = open_store(settings.out), content(settings.out)
    store.put("clips/p001.json", store.get("clips/p001.json")[:50])
    store.delete("clips/p002.json")
    store.put("audio/p002.flac", store.get("audio/p002.flac")[:-100])
    store.delete("pictures/p002.png")
    done = generate(settings)
    assert done.made == 2
    assert content(settings.out) == expected


def test_the_best_of_several_is_kept_and_all_are_listed(shared: Path, tmp_path: Path) -> None:
    settings = small_job(shared, str(tmp_path / "out"), best_of=3)
    done = generate(settings)
    for clip in done.clips:
        scores = [item.score or 0.0 for item in clip.candidates]
        assert [item.sample for item in clip.candidates] == [0, 1, 2]
        assert [item.kept for item in clip.candidates] == [place == clip.sample for place in range(3)]
        assert clip.score == max(scores) == scores[clip.sample]
        assert clip.calls % 3 == 0
    first = {clip.key: clip for clip in generate(small_job(shared)).clips}
    assert all(clip.candidates[0].score == first[clip.key].score for clip in done.clips)
    assert all((clip.sha256 == first[clip.key].sha256) <= (clip.sample == 0) for clip in done.clips)


def test_rows_that_cannot_be_made_die_alone_and_stay_dead_until_they_change(shared: Path, tmp_path: Path) -> None:
    rows = [
        "key,prompt,seconds,init",
        "p000,good,,",
        "../x,bad,,",
        "p001,,,",
        f"p002,no audio,,{tmp_path / 'nothing.wav'}",
        "p003,long,10000,",
    ]
    settings = with_prompts(shared, tmp_path, "\n".join(rows) + "\n", max_dead=0.8)
    done = generate(settings)
    assert [clip.key for clip in done.clips] == ["p000"]
    found = {letter.key: letter.reason for letter in done.dead}
    assert found == {"../x": "bad_key", "p001": "empty_prompt", "p002": "init_missing", "p003": "bad_seconds"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        ["_RUN.json", "audio", "clips", "dead", "index.html", "manifest.jsonl", "manifest.parquet", "pictures"]
    )
    assert generate(settings).nothing_done
    soundfile.write(tmp_path / "nothing.wav", np.sin(np.arange(8000) / 9) * 0.3, 16000)
    assert generate(settings).nothing_done
    assert [clip.key for clip in generate(settings, replay=True).clips] == ["p000", "p002"]
    assert "p002" not in read_dead_letters(open_store(settings.out))
    changed = with_prompts(shared, tmp_path, "\n".join([*rows[:5], "p003,long,0.2,"]) + "\n", max_dead=0.8)
    assert [clip.key for clip in generate(changed).clips] == ["p000", "p002", "p003"]


def test_too_many_dead_rows_fail_after_everything_is_written(shared: Path, tmp_path: Path) -> None:
    settings = with_prompts(shared, tmp_path, "key,prompt\np000,good\na/b,bad\nc/d,bad\n")
    with pytest.raises(
        UserError, match=r"2 of 3 prompts are dead \(66\.7%\), more than max_dead = 5\.0%\. Commonest reasons: 2 × bad_key\."
    ):
        generate(settings)
    assert (tmp_path / "out" / "audio" / "p000.flac").is_file()
    assert "a/b" in (tmp_path / "out" / "index.html").read_text()


def test_real_audio_is_continued(shared: Path, tmp_path: Path) -> None:
    sound = (0.3 * np.sin(np.arange(16000 * 2) / 30)).astype(np.float32)
    soundfile.write(tmp_path / "init.wav", np.stack([sound, sound], 1), 16000)
    init = tmp_path / "init.wav"
    text = f"key,prompt,init,keep\np000,a tone,{init},0-0.2\np001,a tone,{init},0-3\np002,a tone,,\n"
    done = generate(with_prompts(shared, tmp_path, text, seconds=0.4, max_dead=0.9))
    assert [(letter.key, letter.reason) for letter in done.dead] == [("p001", "bad_keep")]
    kept, free = done.clips
    assert kept.init_sha256 == hashlib.sha256(init.read_bytes()).hexdigest()
    assert kept.keep == ((0.0, 0.2),)
    audio, _ = soundfile.read(tmp_path / "out" / str(kept.audio))
    heard = sound[: round(0.1 * 16000) : 2]
    assert np.abs(audio[: round(0.1 * 24000)][::3] - heard).max() < 0.02
    assert free.init_sha256 is None
    assert read_tags((tmp_path / "out" / str(kept.audio)).read_bytes(), "flac")["N2M_INIT_SHA256"] == kept.init_sha256


def plucks(seconds: float) -> np.ndarray:
    """Ten notes a second, each another: something that can be recognised."""
    chance, time = np.random.default_rng(0), np.arange(2400) / 24000
    notes = [np.sin(2 * np.pi * pitch * time) * np.exp(-30 * time) for pitch in chance.uniform(200, 2000, round(10 * seconds))]
    return (0.5 * np.concatenate(notes)).astype(np.float32)


def test_a_copy_of_a_training_clip_is_flagged(shared: Path, tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    soundfile.write(tmp_path / "music" / "track-1.flac", plucks(3.0), 24000)
    label(small_settings(tmp_path))
    text = f"key,prompt,seconds,init,keep\ncopy,a tone,3,{tmp_path / 'music' / 'track-1.flac'},0-2.9\nown,a tone,0.4,,\n"
    settings = with_prompts(shared, tmp_path, text, against=str(tmp_path / "root"))
    copy, own = generate(settings).clips
    assert copy.duplicates is not None
    assert own.duplicates is not None
    assert (copy.duplicates.flagged, own.duplicates.flagged) == (True, False)
    assert copy.duplicates.share > 0.35
    assert "near the training clip" in (tmp_path / "out" / "index.html").read_text()
    with pytest.raises(UserError, match=r"makes clips differently: training changed"):
        generate(settings.model_copy(update={"against": None}))


def test_a_cascade_that_stops_at_a_spectrogram_leaves_spectrograms(shared: Path, tmp_path: Path) -> None:
    changes = {"generation__route": "spectrogram", "generation__stop_after": "spectrogram-generator"}
    done = generate(small_job(shared, str(tmp_path / "out"), **changes))
    for clip in done.clips:
        values = np.load(tmp_path / "out" / str(clip.spectrogram), allow_pickle=False)
        assert values.shape == (80, round(SECONDS * 100))
        assert (clip.audio, clip.score, clip.rms_dbfs, clip.peak) == (None,) * 4


def test_wav_files(shared: Path, tmp_path: Path) -> None:
    done = generate(small_job(shared, str(tmp_path / "out"), format="wav"))
    first = {clip.key: soundfile.read(shared / "out" / str(clip.audio))[0] for clip in generate(small_job(shared)).clips}
    for clip in done.clips:
        data = (tmp_path / "out" / str(clip.audio)).read_bytes()
        assert read_tags(data, "wav")["N2M_REQUEST"] == clip.request
        np.testing.assert_array_equal(soundfile.read(io.BytesIO(data))[0], first[clip.key])


def test_a_place_of_another_kind_is_refused_before_anything_is_made(shared: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (shared / "out").rglob("*")}
    with pytest.raises(UserError, match=r"makes clips differently: generation\.sampling\.guidance changed"):
        generate(small_job(shared, generation__sampling__guidance=3))
    other = str(shutil.copytree(shared / "cascade", tmp_path / "cascade"))
    path = tmp_path / "cascade" / "super-resolution" / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"makes clips differently: weights\.super-resolution changed"):
        generate(small_job(shared, checkpoints=other))
    (tmp_path / "p.csv").write_text("key,prompt\np001,something else\np004,new\n")
    with pytest.raises(UserError, match=r"another prompt, seed or length under 1 of the keys \(p001\).*delete clips/p001\.json"):
        generate(small_job(shared, prompts=str(tmp_path / "p.csv")))
    assert {path: path.stat().st_mtime_ns for path in (shared / "out").rglob("*")} == before


def test_weights_that_are_missing_and_a_place_that_cannot_be_written(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no folder .*nowhere"):
        generate(small_job(shared, str(tmp_path / "out"), checkpoints=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"holds no weights of the waveform-generator"):
        generate(small_job(shared, str(tmp_path / "out"), checkpoints=str(tmp_path / "empty")))
    (tmp_path / "file").write_text("a file")
    with pytest.raises(UserError, match="cannot open"):
        generate(small_job(shared, str(tmp_path / "file")))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90k", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_stops_with_one_message_and_more_room_completes(shared: Path, small_disk: Path) -> None:
    settings = small_job(shared, str(small_disk / "out"))
    with pytest.raises(UserError, match="cannot write .*run the same command again"):
        generate(settings)
    expected = content(str(shared / "out"))
    found = content(settings.out)
    assert all(data == expected[path] for path, data in found.items())
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    generate(settings)
    assert content(settings.out) == expected


def test_the_command_line(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("slow piano\n")
    common = ["--checkpoints", str(shared / "cascade"), "--out", str(tmp_path / "out"), "--workers", "1", "--set", "run.device=cpu"]
    options = ["--seconds", "0.3", "--seed", "4", "--steps", "2", "--guidance", "1", "--route", "spectrogram", "--best-of", "2"]
    made = CliRunner().invoke(
        n2m, ["generate", str(tmp_path / "p.txt"), *common, *options, "--stop-after", "vocoder"], catch_exceptions=False
    )
    assert made.exit_code == 0
    (record,) = generate(
        small_job(
            shared,
            str(tmp_path / "out"),
            prompts=str(tmp_path / "p.txt"),
            seconds=0.3,
            seed=4,
            best_of=2,
            generation={"route": "spectrogram", "stop_after": "vocoder", "sampling": {"steps": 2, "guidance": 1}},
        )
    ).clips
    assert (record.rate, record.seed, record.seconds, len(record.candidates)) == (16000, 4, 0.3, 2)
    assert [(facts.stage, facts.steps, facts.guidance) for facts in record.stages] == [
        ("spectrogram-generator", 2, 1.0),
        ("vocoder", 2, 1.0),
    ]
    assert "give PROMPTS and --out, or -c FILE" in CliRunner().invoke(n2m, ["generate", "--checkpoints", "tiny"]).output


def test_the_example_is_valid_and_mistakes_are_named() -> None:
    settings = read_settings(GenerateSettings, EXAMPLE)
    assert (EXAMPLE.parents[1] / settings.prompts).is_file()
    with pytest.raises(UserError, match=r"unknown key run\.worker; did you mean run\.workers\?"):
        read_settings(GenerateSettings, EXAMPLE, ["run.worker=1"])
