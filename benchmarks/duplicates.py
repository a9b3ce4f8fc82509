"""Does the duplicate check find what was copied, and nothing else?

    python -m benchmarks.duplicates [--pieces 200 --queries 60]

Rendered pieces of 30 s are the training set. Queries are ten seconds of them from anywhere (also with white noise 20 dB below, at 16 kHz,
quieter, as mp3-like 8 bits, and in the middle of twenty seconds of other music), and pieces of another seed, whole and ten seconds of
them: each genre is in the training set many times over, with the same instruments, tempi and drum kits.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.core.ids import hash_uniform, stable_id
from noise2music.labeling.memorization.landmarks import find_landmarks
from noise2music.labeling.memorization.training_set import LEAST_COSINE, LEAST_SHARE, Duplicates, TrainingSet
from noise2music.labeling.scorers.load import load_scorer
from noise2music.labeling.settings import ScorerSettings
from noise2music.models.job.make import embed_audio
from noise2music.synth.render import Piece, render_piece

RATE = 24000
SECONDS = 10
NOISE_DB = 20.0


def cut(audio: Float32s, number: int, seconds: int = SECONDS) -> Float32s:
    """Some seconds from anywhere, to the sample."""
    place = hash_uniform(1, np.array([number], np.uint64))[0]
    start = int(place * (len(audio) - seconds * RATE))
    return audio[start : start + seconds * RATE]


def noised(audio: Float32s, number: int) -> Float32s:
    """With white noise NOISE_DB below its level."""
    noise = np.random.default_rng(number).standard_normal(len(audio)).astype(np.float32)
    return audio + noise * np.float32(np.sqrt(np.mean(audio**2)) * 10 ** (-NOISE_DB / 20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--queries", type=int, default=60)
    options = parser.parse_args()
    scorer = load_scorer(ScorerSettings(), "cpu")
    pieces = [render_piece(0, index) for index in range(options.pieces)]
    started = time.process_time()
    prints = [find_landmarks(piece.audio, RATE) for piece in pieces]
    spent = 1000 * (time.process_time() - started) / len(pieces)
    vectors = np.stack([embed_audio(scorer, piece.audio, RATE) for piece in pieces])
    ids = [stable_id("piece", index) for index in range(len(pieces))]
    known = TrainingSet("", scorer.identity, ids, vectors, prints)
    copied = [index * len(pieces) // options.queries for index in range(options.queries)]
    others = [render_piece(1, index) for index in range(options.queries)]
    print(f"training set: {len(pieces)} rendered pieces of 30 s, {np.mean([len(item.times) for item in prints]):.0f} landmarks each")
    print(f"fingerprint: {spent:.0f} CPU-ms for 30 s; flagged from a share of {LEAST_SHARE} or a cosine of {LEAST_COSINE} on\n")
    print(f"{'query':44} {'own clip found':>14} {'share':>17} {'cosine':>17} {'flagged':>8}")
    spent = 0.0

    def row(title: str, make: Callable[[int], tuple[Float32s, int]], of: list[int]) -> None:
        nonlocal spent
        found: list[Duplicates] = []
        for number in range(options.queries):
            audio, rate = make(number)
            vector = embed_audio(scorer, audio, rate)
            begun = time.process_time()
            found.append(known.find_duplicates(audio, rate, vector))
            spent = time.process_time() - begun
        own = np.mean([item.matching == ids[place] for item, place in zip(found, of, strict=True)]) if of else float("nan")
        shares, cosines = (np.quantile([getattr(item, name) for item in found], [0, 0.5, 1]) for name in ("share", "cosine"))
        shown = " ".join(f"{value:5.3f}" for value in shares), " ".join(f"{value:5.3f}" for value in cosines)
        print(f"{title:44} {own:14.0%} {shown[0]:>17} {shown[1]:>17} {np.mean([item.flagged for item in found]):8.0%}", flush=True)

    def excerpt(number: int) -> Float32s:
        return cut(pieces[copied[number]].audio, number)

    def inside(number: int) -> Float32s:
        other = others[number].audio
        return np.concatenate([other[: 10 * RATE], excerpt(number), other[10 * RATE : 20 * RATE]])

    row("10 s of a training clip", lambda number: (excerpt(number), RATE), copied)
    row("... with noise 20 dB below", lambda number: (noised(excerpt(number), number), RATE), copied)
    row("... at 16 kHz", lambda number: (resample(excerpt(number), RATE, 16000), 16000), copied)
    row("... at 16 kHz, half as loud, with noise", lambda n: (0.5 * resample(noised(excerpt(n), n), RATE, 16000), 16000), copied)
    row("... in eight bits", lambda number: (np.round(excerpt(number) * 128) / np.float32(128), RATE), copied)
    row("... between 20 s of other music", lambda number: (inside(number), RATE), copied)
    row("30 s of a training clip, with noise", lambda number: (noised(pieces[copied[number]].audio, number), RATE), copied)
    row("another piece, 30 s", lambda number: (others[number].audio, RATE), [])
    row("another piece, 10 s", lambda number: (cut(others[number].audio, number), RATE), [])
    row("another piece, 10 s, with noise", lambda number: (noised(cut(others[number].audio, number), number), RATE), [])
    genres = [_same_genre(piece, pieces) for piece in others]
    print(f"\nthe other pieces: {np.mean(genres):.0f} of the training set are of their genre (at least {min(genres)})")
    print(f"look-up: {1000 * spent:.0f} CPU-ms for 10 s")


def _same_genre(piece: Piece, pieces: list[Piece]) -> int:
    return sum(other.truth.genre == piece.truth.genre for other in pieces)


if __name__ == "__main__":
    main()
