"""Make the reference statistics of `starter` from unlabelled music: `python -m labeling.scorers.starter_reference AUDIO_FOLDER...`

Reads the first 30 s of every audio file and writes mean and standard deviation of the 100 tag probabilities: numbers, no audio.
"""

import argparse
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch

from labeling.errors import RowError, UserError
from labeling.scorers.musicnn import load_taggers
from labeling.scorers.starter_recordings import recording_probabilities
from labeling.scorers.starter_space import REFERENCE, reference_statistics, write_arrays

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
