"""Make the reference statistics of `starter` from unlabelled music: `python -m scripts.starter_scorer.reference AUDIO_FOLDER...`

Reads the first 30 s of every audio file and writes mean and standard deviation of the 100 tag probabilities: numbers, no audio.
"""

import argparse
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.audio.open_reader import open_reader
from noise2music.core.audio.resample import resample
from noise2music.core.errors import RowError, UserError
from noise2music.labeling.scorers import musicnn as musicnn_mel
from noise2music.labeling.scorers.musicnn import Tagger, load_taggers, tag_probabilities
from noise2music.labeling.scorers.starter import REFERENCE, reference_statistics, write_arrays

# Tag probabilities of recordings, for the commands that make and judge what `starter` ships.


SECONDS = 30


def recording_probabilities(taggers: Sequence[Tagger], file: Path) -> Float32s:
    """The first 30 s of a recording -> (100,) mean tag probabilities. Raises RowError when it cannot be decoded."""
    with file.open("rb") as stream:
        reader = open_reader(stream)
        audio = reader.read(0, SECONDS * reader.rate).audio
    windows = musicnn_mel.windows(resample(audio, reader.rate, musicnn_mel.SAMPLE_RATE))
    return np.asarray(tag_probabilities(taggers, windows).double().mean(0), np.float32)


AUDIO_SUFFIXES = frozenset({".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav", ".webm"})


def audio_files(folders: list[Path], excluded: list[str]) -> Iterator[Path]:
    """Audio files below the folders whose names match none of the patterns, in name order. Raises UserError where a folder is missing."""
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder}.")
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() in AUDIO_SUFFIXES and file.is_file() and not any(fnmatch(file.name, pattern) for pattern in excluded):
                yield file


def main() -> None:
    """Make them, and say where."""
    parser = argparse.ArgumentParser(description="Make the reference statistics of the scorer `starter` from unlabelled music.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="AUDIO_FOLDER")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN", help="file names to leave out, for example 'drum_*'")
    parser.add_argument("--output", type=Path, default=REFERENCE)
    options = parser.parse_args()
    torch.set_num_threads(1)

    taggers, rows = load_taggers(), []
    for file in audio_files(options.folders, options.exclude):
        try:
            rows.append(recording_probabilities(taggers, file))
        except RowError as error:
            print(f"left out {file.name}: {error}")
    if len(rows) < 2:
        raise UserError("Reference statistics need at least two recordings.")
    statistics = reference_statistics(np.stack(rows))
    write_arrays(options.output, {"mean": statistics.mean, "spread": statistics.spread}, {"recordings": str(len(rows))})
    print(f"{options.output}: mean and spread of 100 tags over {len(rows)} recordings")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from None
