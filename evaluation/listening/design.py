"""Who hears which pairs: a balanced design, a pure function of the seed.

Over all sheets each pair of systems comes equally often, with each prompt equally often, and each of the two equally often as A. Within a
sheet pairs of systems are even too, and a prompt comes again only when all others had their turn.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from noise2music.core.ids import hash_uniform, id_to_int, stable_id


@dataclass(frozen=True)
class Judgement:
    """One pair on a sheet. systems: numbers, that of A first. prompt: number. again: place on the sheet that it repeats, sides swapped."""

    systems: tuple[int, int]
    prompt: int
    again: int | None = None


def chance(seed: int, *key: str | int) -> float:
    """In (0, 1): a pure function of seed and key."""
    return float(hash_uniform(seed, np.array([id_to_int(stable_id("listening", *key))], np.uint64))[0])


def most_pairs(systems: int, prompts: int) -> int:
    """How many pairs a sheet can have without one that comes twice."""
    return systems * (systems - 1) // 2 * prompts


def balanced_sheets(systems: int, prompts: int, sheets: int, pairs: int, repeats: int, seed: int) -> list[list[Judgement]]:
    """For each rater `pairs` judgements and `repeats` of them again, in the second half and with sides swapped.

    Raises ValueError where a sheet would need more pairs than there are, or more repeats than pairs.
    """
    if not 1 <= pairs <= most_pairs(systems, prompts) or not 0 <= repeats <= pairs:
        raise ValueError(f"{pairs} pairs and {repeats} repeats do not fit {systems} systems and {prompts} prompts")
    drawn = _drawn(systems, prompts, sheets, pairs, seed)
    return [_with_repeats(sheet, repeats, seed, number) for number, sheet in enumerate(drawn)]


def _drawn(systems: int, prompts: int, sheets: int, pairs: int, seed: int) -> list[list[Judgement]]:
    """Greedily: always what came least so far, ties by chance."""
    of_two = list(combinations(range(systems), 2))
    cells = np.zeros((len(of_two), prompts), np.int64)
    first = np.zeros(len(of_two), np.int64)  # How often the first of the two was A, less how often it was B.
    as_a: Counter[int] = Counter()
    numbers = np.arange(prompts, dtype=np.uint64)
    made = []
    for sheet in range(sheets):
        sheet_pairs, sheet_prompts = np.zeros(len(of_two), np.int64), np.zeros(prompts, np.int64)
        sheet_first = np.zeros(len(of_two), np.int64)
        heard = np.zeros((len(of_two), prompts), bool)
        judgements = []
        for turn in range(pairs):
            free = [number for number in range(len(of_two)) if not heard[number].all()]
            pair = min(free, key=lambda n: (sheet_pairs[n], cells[n].sum(), chance(seed, "pair", sheet, turn, n)))
            luck = hash_uniform(seed, np.array([id_to_int(stable_id("prompt", sheet, turn))], np.uint64), numbers)
            order = np.lexsort((luck, cells.sum(axis=0), cells[pair], sheet_prompts, heard[pair]))
            prompt = int(order[0])
            i, j = of_two[pair]
            lean = (first[pair], sheet_first[pair], as_a[i] - as_a[j])
            leads = next((side < 0 for side in lean if side), chance(seed, "side", sheet, turn) < 0.5)
            judgements.append(Judgement((i, j) if leads else (j, i), prompt))
            step = 1 if leads else -1
            first[pair] += step
            sheet_first[pair] += step
            as_a[i if leads else j] += 1
            as_a[j if leads else i] -= 1
            sheet_pairs[pair] += 1
            sheet_prompts[prompt] += 1
            cells[pair, prompt] += 1
            heard[pair, prompt] = True
        made.append(judgements)
    return made


def _with_repeats(sheet: list[Judgement], repeats: int, seed: int, number: int) -> list[Judgement]:
    """In an order by chance; what is repeated stands in the first half, its repeat in the last third, where there is room for that."""
    order = sorted(range(len(sheet)), key=lambda place: chance(seed, "order", number, place))
    mixed = [sheet[place] for place in order]
    early = sorted(range(max(repeats, len(mixed) // 2)), key=lambda place: chance(seed, "repeat", number, place))[:repeats]
    for count, place in enumerate(early):
        first, second = mixed[place].systems
        least = max(max(early) + 1, len(sheet) * 2 // 3)
        room = len(mixed) - least + 1
        again = Judgement((second, first), mixed[place].prompt, place)
        mixed.insert(least + int(chance(seed, "room", number, count) * room), again)
    return mixed
