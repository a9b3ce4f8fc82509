"""Groups of connected numbers, by union-find over pairs."""

from collections.abc import Iterable


def connected(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Pairs of numbers -> for every number in a pair the smallest number that it is connected with. The order of pairs does not matter."""
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
