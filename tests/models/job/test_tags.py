"""Tags inside a clip: what is written is read, the sound stays, and the bytes are a pure function."""

import io
import json
from typing import get_args

import mutagen
import numpy as np
import pytest
import soundfile

from noise2music.core.audio.encode import AudioFormat, audio_bytes
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.tags import clip_tags, read_tags, with_tags
from tests.models.job.made_up_clips import STAGES

AUDIO = (0.3 * np.sin(np.arange(4800) * 0.1)).astype(np.float32)
PROMPTS = ("slow piano", "тихая 🎻\nдве строки", "x" * 10_000, "a=b")


@pytest.mark.parametrize("kind", get_args(AudioFormat))
@pytest.mark.parametrize("text", PROMPTS)
def test_a_clip_that_is_found_alone_says_where_it_came_from(kind: AudioFormat, text: str) -> None:
    prompt = Prompt("k", text, 0.2, 5, negative="drums", keep=((0.0, 0.1),))
    tags = clip_tags(prompt, 2, STAGES, "cd" * 32, "noise2music 1")
    plain = audio_bytes(AUDIO, 24000, kind)
    data = with_tags(plain, kind, tags)
    assert data == with_tags(plain, kind, tags)
    assert read_tags(data, kind) == tags
    assert tags["N2M_REQUEST"] == prompt.request
    assert json.loads(tags["N2M_WEIGHTS"])["waveform-generator"] == "a1" * 32
    assert json.loads(tags["N2M_SAMPLING"])["waveform-cascader"] == {"sampler": "ddim", "steps": 25, "guidance": 1.0}
    assert (tags["N2M_KEY"], tags["N2M_SEED"], tags["N2M_SAMPLE"], tags["N2M_KEEP"]) == ("k", "5", "2", "[[0.0, 0.1]]")
    sound, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate == 24000
    np.testing.assert_array_equal(sound, np.rint(AUDIO * 32768).astype(np.int16))
    easy = mutagen.File(io.BytesIO(data))
    title = easy.tags["TITLE"][0] if kind == "flac" else easy.tags["TIT2"].text[0]
    assert len(title) <= 200
    assert "\n" not in title


def test_nothing_of_ours_in_a_plain_file() -> None:
    assert read_tags(audio_bytes(AUDIO, 24000, "flac"), "flac") == {}
    assert read_tags(audio_bytes(AUDIO, 24000, "wav"), "wav") == {}
    with pytest.raises(mutagen.MutagenError):
        read_tags(b"nothing", "flac")
