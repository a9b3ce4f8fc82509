"""Fit the text map of `starter` on captions that the project composes: `python -m scripts.starter_scorer.fit`

A ridge regression from MiniLM's sentence vectors to the standardised literal mentions of the taggers' 100 tags. No audio is used.
With `--musiccaps`, `--recordings` and `--metadata` a second map is fitted on MusicCaps' captions and aspects, and the recall of both is
printed side by side; that map is not written.
"""

import argparse
import ast
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.labeling.captions.builtin import builtin_sentences, builtin_tags
from noise2music.labeling.scorers.minilm import MiniLM, load_minilm
from noise2music.labeling.scorers.musicnn import load_taggers
from noise2music.labeling.scorers.starter import TEXT_MAP, TextMap, write_arrays
from scripts.starter_scorer.mentions import tag_mentions
from scripts.starter_scorer.recall import measure_recall, read_recordings

SENTENCES = 20000
SEED = 1
RARE = 2e-3
"""Added to a tag's variance before it is standardised, so that a tag mentioned once in a thousand captions does not weigh most."""


@dataclass(frozen=True)
class Corpus:
    """Captions of one kind, the texts their mentions are counted in, and the weight of each in the fit."""

    captions: Sequence[str]
    described: Sequence[str]
    weight: float


def composed_corpora(sentences: int = SENTENCES, seed: int = SEED) -> list[Corpus]:
    """The built-in sentences and the built-in tags. A tag says one thing with all its words, so it counts as two sentences."""
    long, short = builtin_sentences(sentences, seed=seed), [tag.text for tag in builtin_tags()]
    return [Corpus(long, long, 1.0), Corpus(short, short, 2.0)]


def musiccaps_corpora(table: Path) -> list[Corpus]:
    """MusicCaps' captions, each with its aspects counted as mentions, and the distinct aspects."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [(row["caption"], ast.literal_eval(row["aspect_list"])) for row in csv.DictReader(stream)]
    aspects = sorted({aspect for _, own in rows for aspect in own})
    return [
        Corpus([caption for caption, _ in rows], [f"{caption} | {', '.join(own)}" for caption, own in rows], 1.0),
        Corpus(aspects, aspects, 0.5),
    ]


def fit_text_map(meaning: Float32s, mentions: Float32s, weights: Float32s, centre: Float32s, ridge: float) -> TextMap:
    """Weighted ridge regression (normal equations, float64) from centred sentence vectors (N, 384) to standardised mentions (N, 100)."""
    inputs = meaning.astype(np.float64) - centre
    share = np.average(mentions, axis=0, weights=weights)
    targets = (mentions - share) / np.sqrt(share * (1.0 - share) + RARE)
    weighted = inputs * weights[:, None]
    solution = np.linalg.solve(weighted.T @ inputs + ridge * np.eye(inputs.shape[1]), weighted.T @ targets)
    return TextMap(centre, solution.astype(np.float32))


def fit_corpora(minilm: MiniLM, corpora: Sequence[Corpus], ridge: float) -> TextMap:
    """The map fitted on some corpora; its centre is the mean of the corpora's means."""
    meaning = [minilm(corpus.captions) for corpus in corpora]
    mentions = [tag_mentions(corpus.described) for corpus in corpora]
    weights = [np.full(len(corpus.captions), corpus.weight, np.float32) for corpus in corpora]
    centre = np.mean([vectors.mean(0, dtype=np.float64) for vectors in meaning], axis=0).astype(np.float32)
    return fit_text_map(np.concatenate(meaning), np.concatenate(mentions), np.concatenate(weights), centre, ridge)


def main() -> None:
    """Fit and save."""
    parser = argparse.ArgumentParser(description="Fit the text map of the scorer `starter` on composed captions.")
    parser.add_argument("--output", type=Path, default=TEXT_MAP)
    parser.add_argument("--ridge", type=float, default=10.0)
    parser.add_argument("--musiccaps", type=Path, metavar="CSV", help="for comparison only")
    parser.add_argument("--recordings", type=Path, metavar="FOLDER", help="for comparison only")
    parser.add_argument("--metadata", type=Path, metavar="CSV", help="columns file, artist, genre, instruments, mood")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN", help="files that are scored but not in the reference")
    options = parser.parse_args()
    compared = (options.musiccaps, options.recordings, options.metadata)
    if any(compared) and not all(compared):
        raise UserError("A comparison needs all three of --musiccaps, --recordings and --metadata.")
    torch.set_num_threads(1)

    minilm = load_minilm()
    composed = fit_corpora(minilm, composed_corpora(), options.ridge)
    made_from = {"sentences": str(SENTENCES), "seed": str(SEED), "tags": str(len(builtin_tags())), "ridge": f"{options.ridge:g}"}
    write_arrays(options.output, {"centre": composed.centre, "weights": composed.weights}, made_from)
    print(f"{options.output}: fitted on {SENTENCES} composed sentences and {made_from['tags']} tags")
    if all(compared):
        _compare(minilm, composed, options)


def _compare(minilm: MiniLM, composed: TextMap, options: argparse.Namespace) -> None:
    recordings = read_recordings(load_taggers(), minilm, options.recordings, options.metadata)
    in_reference = np.array([not any(fnmatch(file, pattern) for pattern in options.exclude) for file in recordings.files])
    maps = {"composed": composed, "MusicCaps": fit_corpora(minilm, musiccaps_corpora(options.musiccaps), 3.0)}
    for title, rows in (("reference's own kind", in_reference), ("all", np.ones(len(in_reference), bool))):
        print(f"{int(rows.sum())} recordings ({title}), recall at 1 / 5 / 10, leaving one artist out:")
        for name, text_map in maps.items():
            print(f"  {name:10}{measure_recall(recordings, text_map, in_reference, rows)}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from None
