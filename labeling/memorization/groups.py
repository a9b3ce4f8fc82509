"""Pairs -> groups: union-find over the pairs alone."""

from collections.abc import Iterable


def connected(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Pairs of numbers -> the smallest number that each is connected with, for every number that is in a pair; whatever their order."""
    parent: dict[int, int] = {}

    def root(number: int) -> int:
        top = number
        while parent.setdefault(top, top) != top:
            top = parent[top]
        while parent[number] != top:
            parent[number], number = top, parent[number]
        return top

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {number: root(number) for number in list(parent)}
