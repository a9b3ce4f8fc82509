"""How well `starter` finds a recording's own description, and a description's recording, by a metadata table that it never learnt from."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from labeling.errors import UserError
from labeling.scorers.base import Float32s
from labeling.scorers.minilm import MiniLM
from labeling.scorers.musicnn import Tagger
from labeling.scorers.starter_recordings import recording_probabilities
from labeling.scorers.starter_space import TextMap, place_audio, place_text, reference_statistics

Bools = npt.NDArray[np.bool_]

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


def read_recordings(taggers: Sequence[Tagger], minilm: MiniLM, folder: Path, metadata: Path) -> Recordings:
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
        tuple(file for file, _, _ in described), probabilities, np.array([artist for _, artist, _ in described]), texts, minilm(texts), own
    )


def measure_recall(recordings: Recordings, text_map: TextMap, in_reference: Bools, scored: Bools) -> Recall:
    """Recall among the recordings `scored` (N,) and their descriptions, leaving one artist out: a recording is placed by statistics
    over the recordings `in_reference` (N,) by other artists. Text to audio: a description is found by the best of its recordings.
    """
    scores = np.empty((len(recordings.own), len(recordings.texts)), np.float32)
    for artist in np.unique(recordings.artists[scored]):
        rows = recordings.artists == artist
        reference = reference_statistics(recordings.probabilities[in_reference & ~rows])
        scores[rows] = place_audio(recordings.probabilities[rows], reference) @ place_text(recordings.meaning, text_map, reference).T
    texts, own = np.unique(recordings.own[scored], return_inverse=True)
    scores = scores[scored][:, texts]
    text_ranks = (scores > np.take_along_axis(scores, own[:, None], 1)).sum(1)
    audio_ranks = np.array([_best_rank(scores[:, text], own == text) for text in range(len(texts))])
    return Recall(
        audio_to_text=tuple(float((text_ranks < rank).mean()) for rank in RANKS),
        text_to_audio=tuple(float((audio_ranks < rank).mean()) for rank in RANKS),
        guess_text=tuple(min(1.0, rank / len(texts)) for rank in RANKS),
    )


def _best_rank(scores: Float32s, own: Bools) -> int:
    return int((scores > scores[own].max()).sum())
