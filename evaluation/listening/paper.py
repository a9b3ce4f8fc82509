"""The paper's listening test, ranked as ours is: to stand beside, and to test against."""

import tomllib
from collections.abc import Mapping

import numpy as np

from noise2music.core.data_files import read_text
from noise2music.evaluation.listening.bradley_terry import ELO, fit


def paper_wins() -> dict[str, int]:
    """Source -> number of wins, as the paper prints them."""
    wins: dict[str, int] = tomllib.loads(read_text(__package__, "paper.toml"))["wins"]
    return wins


def elo_of_wins(wins: Mapping[str, float]) -> dict[str, float]:
    """Elo from wins alone, where every two were compared equally often: then a model of Bradley and Terry asks for no more (Ford 1957).

    How the wins fall on the pairs is not known; any way that keeps each one's sum gives the same strengths, so one is made up.
    """
    won = np.array(list(wins.values()), np.float64)
    systems = len(won)
    compared = won.sum() / (systems * (systems - 1) / 2)
    lead = (won - won.mean()) / systems
    pairs = compared / 2 + lead[:, None] - lead[None]
    np.fill_diagonal(pairs, 0.0)
    counts = np.zeros((1, systems, systems, 3))
    counts[0, ..., 0], counts[0, ..., 2] = pairs / 2, pairs.T / 2
    return dict(zip(wins, (fit(counts).strengths[0] * ELO).tolist(), strict=True))
