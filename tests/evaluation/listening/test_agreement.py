"""Krippendorff's alpha on the data that he gives himself."""

import pytest

from noise2music.evaluation.listening.raters import krippendorff_alpha

OBSERVERS = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
"""Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units."""
UNITS = [[float(value) for value in unit if value != "."] for unit in zip(*map(str.split, OBSERVERS), strict=True)]


def test_the_published_values() -> None:
    assert krippendorff_alpha(UNITS, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(UNITS, "interval") == pytest.approx(0.849, abs=5e-4)


def test_all_agree_or_nothing_can_be_said() -> None:
    assert krippendorff_alpha([[1, 1], [2, 2, 2]]) == pytest.approx(1)
    assert krippendorff_alpha([[1], [2], []]) is None
    assert krippendorff_alpha([[3, 3], [3, 3]]) is None
    assert krippendorff_alpha([[1, 2], [2, 1]]) == pytest.approx(-0.5)
