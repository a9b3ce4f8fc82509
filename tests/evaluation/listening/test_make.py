"""A listening test on disk: what raters get tells nothing, levels and lengths are alike, and what is missing is named."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.evaluation.listening.attention import attention_text
from noise2music.evaluation.listening.loudness import integrated_loudness
from noise2music.evaluation.listening.make import Made, make_listening_test
from noise2music.evaluation.listening.questionnaire import KEY, PAGE, QUESTIONNAIRE, read_key, read_questionnaire
from noise2music.evaluation.listening.settings import ListenSettings
from tests.evaluation.listening.systems_on_disk import RATES, tone, write_systems
from tests.models.job.made_up_clips import TEXTS, make_clip

SMALL: dict[str, Any] = {"sheets": 3, "pairs": 6, "repeats": 1, "seconds": 0.5}


def make(folder: Path, out: str = "test", **changes: Any) -> Made:
    given = {"systems": [str(folder / name) for name in RATES], "prompts": str(folder / "prompts.csv"), **SMALL, **changes}
    return make_listening_test(ListenSettings(out=str(folder / out), **given))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_raters_are_told_nothing(tmp_path: Path) -> None:
    write_systems(tmp_path)
    made = make(tmp_path)
    sent = contents(tmp_path / "test" / "page")
    assert {name.partition("/")[0] for name in sent} == {"index.html", "test.json", "audio"}
    for name, data in sent.items():
        assert not any(word in name for word in (*RATES, "p0", "attention", "melody", "noise"))
        tags = data if not name.endswith(".flac") else data[:400]
        for word in ("ours", "theirs", "p0", "absurd", "repeated", "practice/"):
            assert word.encode() not in tags or name == "index.html", f"{name} says {word}"
    page = sent["index.html"].decode()
    inside = page.split('id="test">')[1].split("</script>")[0]
    assert not any(word in inside for word in ("ours", "theirs", "real", "absurd", "repeated"))
    assert "<b>held" not in inside
    assert json.loads(inside) == json.loads(sent["test.json"])
    key, questionnaire = read_key(str(tmp_path / "test" / KEY)), read_questionnaire(str(tmp_path / "test" / QUESTIONNAIRE))
    assert key == made.key
    assert key.id == questionnaire.id
    assert set(key.systems) == set(RATES)
    assert len(key.items) == 3 * 8 + 1


def test_levels_lengths_and_rates_are_alike(tmp_path: Path) -> None:
    write_systems(tmp_path)
    made = make(tmp_path, seconds=10.0)
    levels, lengths, rates = set(), set(), set()
    for path in (tmp_path / "test/page/audio").iterdir():
        audio, rate = soundfile.read(path, dtype="float32")
        levels.add(round(integrated_loudness(audio, rate), 1))
        lengths.add(len(audio))
        rates.add(rate)
    assert rates == {48_000}
    assert lengths == {28_800}  # Those of ours, the shortest: the fades and the level tell nothing either.
    assert len(levels) <= 3
    assert max(levels) - min(levels) <= 0.3
    assert made.said == ()


def test_levels_can_stay(tmp_path: Path) -> None:
    write_systems(tmp_path)
    make(tmp_path, loudness=None, absurd=False)
    peaks = [np.abs(soundfile.read(path)[0]).max() for path in (tmp_path / "test/page/audio").iterdir()]
    assert len({round(peak, 2) for peak in peaks}) == 3


def test_a_level_that_would_clip_lowers_all(tmp_path: Path) -> None:
    write_systems(tmp_path)
    spike = tone(400, 0.6, 16_000, 0.001)
    spike[len(spike) // 2] = 1.0
    for prompt in range(5):
        (tmp_path / "ours" / f"p{prompt}.flac").write_bytes(audio_bytes(spike, 16_000))
    made = make(tmp_path)
    assert any("would clip if it were louder" in said and "ours" in said for said in made.said)
    for path in (tmp_path / "test/page/audio").iterdir():
        assert np.abs(soundfile.read(path)[0]).max() < 0.95


def test_the_same_clips_make_the_same_bytes(tmp_path: Path) -> None:
    write_systems(tmp_path)
    first, again = make(tmp_path), make(tmp_path, "again")
    assert contents(tmp_path / "test") == contents(tmp_path / "again")
    assert make(tmp_path).key == first.key == again.key
    other = make(tmp_path, "other", seed=1)
    assert other.key.id != first.key.id
    with pytest.raises(UserError, match="holds another test"):
        make(tmp_path, seed=1)
    assert contents(tmp_path / "test") == contents(tmp_path / "again")


def test_what_is_missing_or_spoilt_is_named_and_left_out_for_all(tmp_path: Path) -> None:
    write_systems(tmp_path, prompts=7)
    (tmp_path / "ours" / "p0.flac").unlink()
    (tmp_path / "theirs" / "p1.flac").write_bytes(audio_bytes(np.zeros(20_000, np.float32), 32_000))
    (tmp_path / "real" / "p2.flac").write_bytes(b"no audio")
    broken = io.BytesIO()
    soundfile.write(broken, np.full(30_000, np.nan, np.float32), 44_100, format="WAV", subtype="FLOAT")
    (tmp_path / "real" / "p3.flac").write_bytes(broken.getvalue())
    (tmp_path / "real" / "notes.txt").write_text("not audio")
    made = make(tmp_path, raters_a_pair=1)
    assert "ours has no clip of 1 prompts: p0" in made.said
    assert any(said.startswith("theirs, p1: silent") for said in made.said)
    assert any(said.startswith("real, p2: not_audio") for said in made.said)
    assert any(said.startswith("real, p3: not_finite") for said in made.said)
    used = {entry.pair.prompt for entry in made.key.items.values() if entry.pair is not None}
    assert used <= {"p4", "p5", "p6"}


def test_a_place_of_n2m_generate(tmp_path: Path) -> None:
    """Its keys and prompts come from its records, not from the names of files."""
    place, theirs = tmp_path / "place", tmp_path / "theirs"
    theirs.mkdir()
    for number in range(3):
        clip = make_clip(open_store(str(place)), number)
        (theirs / f"{clip.key}.wav").write_bytes(audio_bytes(tone(500, 0.5, 32_000, 0.2), 32_000, "wav"))
    (place / "_RUN.json").write_text("{}")
    systems = [f"ours={place}", str(theirs)]
    made = make(tmp_path, systems=systems, prompts=None, pairs=3)
    assert made.key.systems == ("ours", "theirs")
    shown = read_questionnaire(str(tmp_path / "test" / QUESTIONNAIRE))
    assert {item.text for sheet in shown.sheets for item in sheet} == {*TEXTS[:3], attention_text("pair")}
    (tmp_path / "prompts.csv").write_text("key,prompt\nclip-001,something else\n")
    with pytest.raises(UserError, match="have different prompts under the key clip-001"):
        make(tmp_path, "other", systems=systems, pairs=3)
    shutil.rmtree(place / "clips")
    with pytest.raises(UserError, match="holds no clip with audio"):
        make(tmp_path, "other", systems=systems, pairs=3)


def test_no_text_is_shown_where_none_is_asked_for(tmp_path: Path) -> None:
    write_systems(tmp_path)
    make(tmp_path, ask=["quality"], prompts=None)
    shown = read_questionnaire(str(tmp_path / "test" / QUESTIONNAIRE))
    assert [question.name for question in shown.questions] == ["quality"]
    assert {item.text for sheet in shown.sheets for item in sheet} == {""}
    assert (tmp_path / "test" / PAGE).is_file()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"systems": ["ours"]}, "two places with clips or more"),
        ({"systems": ["ours", "nowhere"]}, "there is no folder .*nowhere"),
        ({"systems": ["ours", "x=ours", "x=real"]}, "two systems are called x"),
        ({"systems": ["ours", "empty"]}, "no audio in .*empty"),
        ({"systems": ["ours", "others"]}, "no key has a clip of every system: ours has p0, p1, p2, ...; others has q0"),
        ({"systems": ["ours", "twice"]}, "two clips of one key"),
        ({"prompts": None}, "the prompts of 5 clips are not known"),
        ({"pairs": 100}, "make 15 pairs, and a rater shall hear 100"),
    ],
    ids=["one system", "no folder", "a label twice", "empty", "other keys", "a key twice", "no prompts", "too many pairs"],
)
def test_what_cannot_be_a_test(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    write_systems(tmp_path)
    for name, files in {"empty": [], "others": ["q0.flac"], "twice": ["p0.flac", "p0.wav"]}.items():
        (tmp_path / name).mkdir()
        for file in files:
            shutil.copy(tmp_path / "ours" / "p0.flac", tmp_path / name / file)
    systems = changes.get("systems", [])
    named = [
        f"{label}={tmp_path / name}" if (label := item.rpartition("=")[0]) else str(tmp_path / item)
        for item in systems
        for name in [item.rpartition("=")[2]]
    ]
    with pytest.raises(UserError, match=said):
        make(tmp_path, **{**changes, **({"systems": named} if systems else {})})
    assert not (tmp_path / "test").exists()
