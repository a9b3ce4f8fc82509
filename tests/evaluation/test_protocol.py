"""Protocols as data: what they cut, their hashes, and what differs between two."""

from pathlib import Path

import numpy as np
import pytest

from noise2music.core.errors import RowError, UserError
from noise2music.core.settings import Settings
from noise2music.evaluation.protocol import Protocol, differences, read_protocol, scored_part
from noise2music.models.generation.guards import level_dbfs
from tests.evaluation.sounds import RATE, tone


def test_the_paper_hears_the_middle_ten_seconds() -> None:
    paper = read_protocol("paper")
    audio = np.arange(30 * RATE, dtype=np.float32) / (30 * RATE)
    heard = scored_part(audio, RATE, paper)
    assert (len(heard), heard[0]) == (10 * RATE, audio[10 * RATE])
    short = scored_part(audio[: 3 * RATE], RATE, paper)
    assert (short == audio[: 3 * RATE]).all()
    assert len(scored_part(tone("k00", 12), 48_000, paper)) == 4 * RATE
    assert len(scored_part(audio, RATE, read_protocol("whole"))) == 30 * RATE


def test_too_short() -> None:
    with pytest.raises(RowError, match=r"the clip has 0\.90 s; the protocol wants 1 s or more") as caught:
        scored_part(tone("k00", 0.9), RATE, read_protocol("paper"))
    assert caught.value.reason == "too_short"


def test_loudness() -> None:
    rms = Protocol(name="level", sample_rate=RATE, part="start", seconds=1, loudness="rms", rms_dbfs=-20)
    for level in (0.01, 0.2):
        assert level_dbfs(scored_part(tone("k00", level=level), RATE, rms)) == pytest.approx(-20, abs=1e-3)
    with pytest.raises(RowError, match="silent"):
        scored_part(np.zeros(RATE, np.float32), RATE, rms)


def test_digest_and_differences() -> None:
    paper, whole = read_protocol("paper"), read_protocol("whole")
    assert paper.digest == paper.model_copy(update={"name": "other"}).digest
    assert paper.digest != whole.digest
    assert differences(paper, paper.as_record()) == []
    assert differences(whole, paper.as_record()) == ["part is middle there and whole here", "seconds is 10 there and not set here"]
    assert isinstance(paper, Settings)


def test_bad_protocols(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="built in are paper and whole"):
        read_protocol("papr")
    for text, said in (
        ('name = "x"\nsample_rate = 16000\npart = "middle"', "need them"),
        ('name = "x"\nsample_rate = 16000\npart = "whole"\nseconds = 3', "goes without seconds"),
        ('name = "x"\nsample_rate = 16000\npart = "whole"\nloudness = "rms"', "needs rms_dbfs"),
        ('name = "x"\nsample_rate = 16000\npart = "whole"\nlength = 3', "length"),
        ("name = ", "not valid TOML"),
    ):
        (tmp_path / "own.toml").write_text(text)
        with pytest.raises(UserError, match=said):
            read_protocol(str(tmp_path / "own.toml"))
