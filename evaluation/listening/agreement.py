"""How far raters agree: Krippendorff's alpha, which any number of raters a unit will do for."""

from collections.abc import Sequence
from typing import Literal

import numpy as np


def krippendorff_alpha(units: Sequence[Sequence[float]], metric: Literal["interval", "nominal"] = "interval") -> float | None:
    """Values that raters gave, a list for each unit -> 1 where all agree, 0 where agreement is that of chance.

    Units with fewer than two values say nothing. None where no two values can be compared, or all are the same.
    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    pairable = [np.asarray(unit, np.float64) for unit in units if len(unit) > 1]
    if not pairable:
        return None
    values = np.concatenate(pairable)

    def distances(of: np.ndarray) -> float:
        """Summed over all ordered pairs."""
        if metric == "interval":
            return float(2 * (len(of) * (of * of).sum() - of.sum() ** 2))
        _, counts = np.unique(of, return_counts=True)
        return float(len(of) ** 2 - (counts**2).sum())

    observed = sum(distances(unit) / (len(unit) - 1) for unit in pairable) / len(values)
    expected = distances(values) / (len(values) * (len(values) - 1))
    return 1 - observed / expected if expected > 0 else None
