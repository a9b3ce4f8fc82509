"""Closed forms of the model, the paper's listening test, and what has no limit."""

import numpy as np
import pytest

from noise2music.evaluation.listening.bradley_terry import ELO, better, elo_of_wins, fit, groups, paper_wins, separated, unbeaten

RNG = np.random.default_rng(0)


def of_two(first: list[int], second: list[int]) -> np.ndarray:
    """Counts of two systems: outcomes with 0 as A, and with 1 as A."""
    counts = np.zeros((2, 2, 3))
    counts[0, 1], counts[1, 0] = first, second
    return counts


def test_the_papers_listening_test() -> None:
    elo = elo_of_wins(paper_wins())
    assert list(elo) == ["MusicCaps (real)", "Noise2Music waveform", "MusicLM", "Riffusion", "Mubert"]
    assert [round(value, 1) for value in elo.values()] == [232.6, 77.0, 61.7, -167.4, -203.9]
    assert better(elo["Noise2Music waveform"] - elo["MusicLM"]) == pytest.approx(0.522, abs=5e-4)


def test_two_systems() -> None:
    """Alike as A and as B: strength is the logarithm of wins to losses, whatever the ties."""
    found = fit(of_two([60, 10, 30], [30, 10, 60])[None])
    assert found.strengths[0] == pytest.approx([np.log(2) / 2, -np.log(2) / 2], abs=1e-4)
    assert found.position[0] == pytest.approx(0, abs=1e-9)
    assert found.ties is not None
    # P(alike) = 10 / 100, and the others are sqrt(2) and 1 / sqrt(2) beside e^t.
    assert np.exp(found.ties[0]) == pytest.approx(10 / 90 * (2**0.5 + 2**-0.5), abs=1e-4)


def test_the_effect_of_being_heard_first() -> None:
    """Equal systems, and A wins two of three whoever it is."""
    found = fit(of_two([66, 0, 33], [66, 0, 33])[None])
    assert found.strengths[0] == pytest.approx([0, 0], abs=1e-9)
    assert found.position[0] == pytest.approx(np.log(2), abs=1e-4)
    assert found.ties is None


def test_expected_wins_are_the_observed() -> None:
    """What a maximum of the likelihood means: expected and observed outcomes have the same sums."""
    counts = RNG.integers(1, 30, (1, 4, 4, 3)).astype(float) * (1 - np.eye(4))[None, :, :, None]
    found = fit(counts)
    assert found.ties is not None
    s = found.strengths[0]
    half = (s[:, None] - s[None] + found.position[0]) / 2
    shares = np.stack([np.exp(half), np.full((4, 4), np.exp(found.ties[0])), np.exp(-half)], axis=-1)
    expected = counts[0].sum(axis=-1, keepdims=True) * shares / shares.sum(axis=-1, keepdims=True)
    for table in (expected, counts[0]):
        table[..., 0] += table[..., 1] / 2
        table[..., 2] += table[..., 1] / 2
    assert expected[..., 0].sum(axis=1) + expected[..., 2].sum(axis=0) == pytest.approx(
        counts[0, ..., 0].sum(axis=1) + counts[0, ..., 2].sum(axis=0), abs=0.01
    )
    assert expected[..., 0].sum() == pytest.approx(counts[0, ..., 0].sum(), abs=0.01)


def test_names_and_company_change_nothing() -> None:
    """Systems in another order, tables fitted together or alone."""
    tables = RNG.integers(1, 30, (3, 4, 4, 3)).astype(float) * (1 - np.eye(4))[None, :, :, None]
    together, order = fit(tables), [2, 0, 3, 1]
    alone = fit(tables[1:2])
    assert together.strengths[1] == pytest.approx(alone.strengths[0], abs=1e-9)
    turned = fit(tables[1:2][:, order][:, :, order])
    assert turned.strengths[0] == pytest.approx(alone.strengths[0][order], abs=1e-9)
    swapped = fit(np.swapaxes(tables, 1, 2)[..., ::-1])
    assert swapped.strengths == pytest.approx(together.strengths, abs=1e-9)
    assert swapped.position == pytest.approx(-together.position, abs=1e-9)


def test_who_never_lost_has_no_limit_and_a_finite_value() -> None:
    counts = np.zeros((3, 3, 3))
    counts[0, 1], counts[1, 0] = [10, 0, 0], [0, 0, 10]
    counts[1, 2], counts[2, 1] = [6, 1, 4], [4, 1, 6]
    assert unbeaten(counts) == ([0], [])
    assert separated(counts)
    strengths = fit(counts[None]).strengths[0] * ELO
    assert np.isfinite(strengths).all()
    assert strengths[0] - strengths[1] > 800
    counts[0, 1, 1] = 1
    assert unbeaten(counts) == ([], [])
    assert not separated(counts)


def test_who_was_never_compared_is_in_another_group() -> None:
    counts = np.zeros((4, 4, 3))
    counts[0, 2], counts[1, 3] = [3, 0, 2], [1, 1, 1]
    assert groups(counts) == [[0, 2], [1, 3]]
    counts[3, 2] = [0, 0, 1]
    assert groups(counts) == [[0, 1, 2, 3]]
