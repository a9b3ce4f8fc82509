"""Counts what each rule took away, with three examples a rule that do not depend on order or workers."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from noise2music.core.ids import stable_id

EXAMPLES = 3
EXAMPLE_CHARACTERS = 300


@dataclass
class Tally:
    """lost: how many texts each rule took. examples: up to three of them a rule, those whose hash is smallest."""

    lost: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def lose(self, rule: str, text: str, times: int = 1) -> None:
        """Count a text `times` times, and store it as an example when its hash is among the smallest."""
        self.lost[rule] += times
        self.examples[rule] = first_examples((*self.examples.get(rule, ()), text[:EXAMPLE_CHARACTERS]))

    def add(self, other: "Tally") -> None:
        """Add another tally to this one."""
        self.lost.update(other.lost)
        self.examples = merge_examples([self.examples, other.examples])


def most_common_first(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts in descending order, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def first_examples(texts: Sequence[str]) -> tuple[str, ...]:
    """The EXAMPLES different texts whose hash is smallest."""
    return tuple(heapq.nsmallest(EXAMPLES, dict.fromkeys(texts), key=lambda text: (stable_id("example", text), text)))


def merge_examples(many: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """Examples of several parts -> examples of all of them."""
    rules = sorted({rule for examples in many for rule in examples})
    return {rule: first_examples([text for examples in many for text in examples.get(rule, ())]) for rule in rules}
