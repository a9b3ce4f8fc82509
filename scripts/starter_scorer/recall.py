"""How well `starter` finds a recording's own description, and a description's recording, by a metadata table that it never learnt from.

`python -m scripts.starter_scorer.recall FOLDER METADATA` judges what ships; scripts.starter_scorer.fit compares two maps.
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.labeling.scorers.minilm import load_minilm
from noise2music.labeling.scorers.musicnn import Tagger, load_taggers
from noise2music.labeling.scorers.starter import TextMap, audio_vectors, read_text_map, reference_statistics, text_vectors
from scripts.starter_scorer.reference import recording_probabilities

Bools = npt.NDArray[np.bool_]
Encoder = Callable[[Sequence[str]], Float32s]

RANKS = (1, 5, 10)


@dataclass(frozen=True)
class Recordings:
    """N recordings with their tag probabilities (N, 100), artists and descriptions; `texts` are the T distinct descriptions.

    `meaning` (T, 384) holds their sentence vectors and `own` (N,) the row of each recording's description.
    """

    files: tuple[str, ...]
    probabilities: Float32s
    artists: npt.NDArray[np.str_]
    texts: tuple[str, ...]
    meaning: Float32s
    own: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recall:
    """Shares found within the first 1, 5 and 10, each way, and what guessing would find."""

    audio_to_text: tuple[float, ...]
    text_to_audio: tuple[float, ...]
    guess_text: tuple[float, ...]

    def __str__(self) -> str:
        def shares(values: tuple[float, ...]) -> str:
            return " / ".join(f"{value:.2f}" for value in values)

        found = f"audio to text {shares(self.audio_to_text)} (guess {shares(self.guess_text)})"
        return f"{found}, text to audio {shares(self.text_to_audio)}"


def read_recordings(taggers: Sequence[Tagger], encode: Encoder, folder: Path, metadata: Path) -> Recordings:
    """Recordings that a csv table with the columns file, artist, genre, instruments and mood describes.

    A description is "genre, instruments, mood" without what is empty; recordings without any are left out. Raises UserError, RowError.
    """
    try:
        with metadata.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        described = [(row["file"], row["artist"], ", ".join(filter(None, (row["genre"], row["instruments"], row["mood"])))) for row in rows]
    except (OSError, KeyError) as error:
        raise UserError(f"{metadata} is not a table with the columns file, artist, genre, instruments, mood: {error!r}") from error
    described = [row for row in described if row[2]]
    texts = tuple(sorted({text for _, _, text in described}))
    probabilities = np.stack([recording_probabilities(taggers, folder / file) for file, _, _ in described])
    own = np.array([texts.index(text) for _, _, text in described], np.int64)
    return Recordings(
        tuple(file for file, _, _ in described), probabilities, np.array([artist for _, artist, _ in described]), texts, encode(texts), own
    )


def measure_recall(recordings: Recordings, text_map: TextMap, in_reference: Bools, scored: Bools) -> Recall:
    """Recall among the recordings `scored` (N,) and their descriptions, leaving one artist out: a recording is placed by statistics
    over the recordings `in_reference` (N,) by other artists. Text to audio: a description is found by the best of its recordings.
    """
    scores = _scores(recordings, recordings.meaning, text_map, in_reference)
    texts, own = np.unique(recordings.own[scored], return_inverse=True)
    scores = scores[scored][:, texts]
    text_ranks = (scores > np.take_along_axis(scores, own[:, None], 1)).sum(1)
    audio_ranks = np.array([_best_rank(scores[:, text], own == text) for text in range(len(texts))])
    return Recall(
        audio_to_text=tuple(float((text_ranks < rank).mean()) for rank in RANKS),
        text_to_audio=tuple(float((audio_ranks < rank).mean()) for rank in RANKS),
        guess_text=tuple(min(1.0, rank / len(texts)) for rank in RANKS),
    )


def term_areas(
    recordings: Recordings, encode: Encoder, text_map: TextMap, in_reference: Bools, least: int = 3
) -> dict[str, tuple[int, float]]:
    """Every genre, instrument or mood that at least `least` recordings name, and as many do not -> (how many, area under the ROC curve).

    The area is the chance that a recording which names the term scores higher with it than one which does not; ties count half.
    """
    terms = [set(text.split(", ")) for text in recordings.texts]
    counts = {term: sum(term in terms[own] for own in recordings.own) for term in sorted(set().union(*terms))}
    kept = [term for term, count in counts.items() if least <= count <= len(recordings.own) - least]
    scores = _scores(recordings, encode(kept), text_map, in_reference)
    areas = {}
    for column, term in enumerate(kept):
        named = np.array([term in terms[own] for own in recordings.own])
        difference = scores[named, column][:, None] - scores[~named, column][None, :]
        areas[term] = (counts[term], float((difference > 0).mean() + 0.5 * (difference == 0).mean()))
    return areas


def _scores(recordings: Recordings, meaning: Float32s, text_map: TextMap, in_reference: Bools) -> Float32s:
    """(N, texts) scores, each recording placed by the statistics of the recordings `in_reference` by other artists."""
    scores = np.empty((len(recordings.own), len(meaning)), np.float32)
    for artist in np.unique(recordings.artists):
        rows = recordings.artists == artist
        reference = reference_statistics(recordings.probabilities[in_reference & ~rows])
        scores[rows] = audio_vectors(recordings.probabilities[rows], reference) @ text_vectors(meaning, text_map, reference).T
    return scores


def _best_rank(scores: Float32s, own: Bools) -> int:
    return int((scores > scores[own].max()).sum())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Judge the scorer `starter` by recordings that a table describes.")
    parser.add_argument("recordings", type=Path, metavar="FOLDER")
    parser.add_argument("metadata", type=Path, metavar="CSV", help="columns file, artist, genre, instruments, mood")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN", help="files that are scored but not in the reference")
    options = parser.parse_args()
    torch.set_num_threads(1)
    minilm, text_map = load_minilm(), read_text_map()
    recordings = read_recordings(load_taggers(), minilm, options.recordings, options.metadata)
    in_reference = np.array([not any(fnmatch(file, pattern) for pattern in options.exclude) for file in recordings.files])
    for title, rows in (("reference's own kind", in_reference), ("all", np.ones(len(in_reference), bool))):
        print(f"{int(rows.sum())} recordings ({title}): {measure_recall(recordings, text_map, in_reference, rows)}")
    areas = term_areas(recordings, minilm, text_map, in_reference)
    for term, (count, area) in sorted(areas.items(), key=lambda item: -item[1][1]):
        print(f"  {term} ({count} recordings): area under the ROC curve {area:.2f}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from None
