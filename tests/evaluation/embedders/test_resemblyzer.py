"""Resemblyzer's rows are those of the package's own code, run once (resemblyzer 0.1.4, librosa 0.11, without its preparation of audio)."""

import numpy as np

from noise2music.core.kept_weights import weights_hash
from noise2music.evaluation.embedders.resemblyzer import WEIGHTS
from tests.evaluation.embedders.conftest import network

ORIGINAL = (
    ((237, 149, 20, 9, 13, 125, 173, 243), (0.206939, 0.199656, 0.19223, 0.18502, 0.176038, 0.17237, 0.169142, 0.167067)),
    ((125, 212, 62, 13, 34, 126, 116, 159), (0.203536, 0.196802, 0.195887, 0.191891, 0.188888, 0.17841, 0.17599, 0.173233)),
)
"""Of each row its eight largest numbers."""


def test_rows_are_the_packages_own() -> None:
    time = np.arange(48000) / 16000
    sweep = 0.3 * np.sin(2 * np.pi * (150 * time + 200 * time**2)) * (1 + np.sin(2 * np.pi * 3 * time)) / 2
    rows = network("resemblyzer").embed(sweep.astype(np.float32))
    assert rows.shape == (2, 256)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert (rows >= 0).all()
    for row, (places, values) in zip(rows, ORIGINAL, strict=True):
        assert set(np.argsort(-row)[:8]) == set(places)
        np.testing.assert_allclose(row[list(places)], values, atol=2e-5)


def test_weights_are_the_known_ones() -> None:
    network("resemblyzer")
    weights = WEIGHTS.load()
    assert weights_hash(weights) == WEIGHTS.sha256
    assert sum(values.size for values in weights.values()) == 1_423_616
