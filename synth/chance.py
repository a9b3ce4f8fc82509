"""Draws for one piece: each a pure function of (seed, piece, purpose), so no draw depends on another one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from noise2music.core.ids import hash_uniform, id_to_int, stable_id

T = TypeVar("T")


@dataclass(frozen=True)
class Chance:
    """Randomness below one path of purposes, for example (piece 7, "melody", bar 3)."""

    seed: int
    path: tuple[str | int, ...]

    def at(self, *purpose: str | int) -> "Chance":
        """The draws of a narrower purpose."""
        return Chance(self.seed, (*self.path, *purpose))

    def uniform(self, *purpose: str | int) -> float:
        """One number in (0, 1)."""
        key = id_to_int(stable_id("render", *self.path, *purpose))
        return float(hash_uniform(self.seed, np.array([key], np.uint64))[0])

    def yes(self, probability: float, *purpose: str | int) -> bool:
        """True with this probability."""
        return self.uniform(*purpose) < probability

    def whole(self, low: int, high: int, *purpose: str | int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + int(self.uniform(*purpose) * (high - low + 1))

    def between(self, low: float, high: float, *purpose: str | int) -> float:
        """A number in (low, high)."""
        return low + (high - low) * self.uniform(*purpose)

    def pick(self, options: Sequence[T], *purpose: str | int) -> T:
        """One of the options, all equally likely."""
        return options[int(self.uniform(*purpose) * len(options))]

    def weighted(self, options: Sequence[tuple[T, float]], *purpose: str | int) -> T:
        """One of (option, weight), in proportion to the weights."""
        point = self.uniform(*purpose) * sum(weight for _, weight in options)
        for option, weight in options:
            point -= weight
            if point < 0:
                return option
        return options[-1][0]

    def some(self, options: Sequence[T], count: int, *purpose: str | int) -> tuple[T, ...]:
        """`count` different options (fewer when there are not as many), in drawn order."""
        order = sorted(range(len(options)), key=lambda place: self.uniform(*purpose, place))
        return tuple(options[place] for place in order[:count])
