"""Tag probabilities of recordings, for the commands that make and judge what `starter` ships."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labeling.open_reader import open_reader
from labeling.resample import resample
from labeling.scorers import musicnn_mel
from labeling.scorers.base import Float32s
from labeling.scorers.musicnn import Tagger, tag_probabilities

SECONDS = 30


def recording_probabilities(taggers: Sequence[Tagger], file: Path) -> Float32s:
    """The first 30 s of a recording -> (100,) mean tag probabilities. Raises RowError when it cannot be decoded."""
    with file.open("rb") as stream:
        reader = open_reader(stream)
        audio = reader.read(0, SECONDS * reader.rate).audio
    windows = musicnn_mel.windows(resample(audio, reader.rate, musicnn_mel.SAMPLE_RATE))
    return np.asarray(tag_probabilities(taggers, windows).double().mean(0), np.float32)
