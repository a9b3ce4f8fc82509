"""Score histograms: they add up over parts, and their figures are those of the scores themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.flows.pages.label.scores import BARS, BINS, count_scores, quantile, score_report, share_above

cosines = st.lists(st.floats(-1, 1), max_size=60).map(lambda values: np.array(values, np.float64))


@settings(max_examples=40)
@given(cosines, cosines)
def test_parts_add_up(first: np.ndarray, second: np.ndarray) -> None:
    together = count_scores(np.concatenate([first, second]))
    assert (count_scores(first) + count_scores(second) == together).all()
    assert together.sum() == len(first) + len(second)


@settings(max_examples=40)
@given(cosines.filter(len), st.sampled_from([0.05, 0.5, 0.95, 1.0]))
def test_quantile_is_that_of_the_scores(scores: np.ndarray, level: float) -> None:
    exact = np.sort(scores)[int(np.ceil(level * len(scores) - 1e-9)) - 1]
    assert quantile(count_scores(scores), level) == pytest.approx(exact, abs=1.01 / BINS)


def test_nothing_is_no_quantile_and_nan_is_no_score() -> None:
    counts = count_scores(np.array([np.nan, np.inf]))
    assert counts.sum() == 0
    assert quantile(counts, 0.5) is None
    assert share_above(counts, 0.0) is None
    report = score_report({"labels": counts, "null": counts}, "labels", "null")
    assert report.chance is None
    assert report.series[0].shares == ()


def test_share_above_counts_the_bins_above() -> None:
    counts = count_scores(np.linspace(-0.99995, 0.99995, BINS))
    assert share_above(counts, 0.90005) == pytest.approx(0.05, abs=1e-4)


@settings(max_examples=40)
@given(cosines.filter(len), cosines)
def test_bars_hold_every_score_between_round_edges(scores: np.ndarray, other: np.ndarray) -> None:
    report = score_report({"labels": count_scores(scores), "null": count_scores(other)}, "labels", "null")
    assert 1 <= len(report.edges) - 1 <= BARS
    assert sum(report.series[0].shares) == pytest.approx(1)
    step = report.edges[1] - report.edges[0]
    assert np.abs(np.array(report.edges) / step - np.rint(np.array(report.edges) / step)).max() < 1e-3
    assert report.edges[0] <= scores.min() + 1e-9
    assert report.edges[-1] >= min(scores.max(), 1 - 2 / BINS)
