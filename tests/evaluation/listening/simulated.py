"""Tests without sound, and raters of known taste who answer them."""

from collections.abc import Callable, Sequence

import numpy as np

from noise2music.core.ids import stable_id
from noise2music.evaluation.listening.answers import Answer, Answers, checksum
from noise2music.evaluation.listening.bradley_terry import ELO
from noise2music.evaluation.listening.design import balanced_sheets
from noise2music.evaluation.listening.questionnaire import Item, Key, KeyEntry, Pair, Questionnaire, questions, sealed

Choose = Callable[[KeyEntry, np.random.Generator], int]


def made_test(systems: Sequence[str], sheets: int, pairs: int, prompts: int = 40, repeats: int = 3) -> tuple[Questionnaire, Key]:
    """A listening test as `n2m listen make` makes it, with names of files that are nowhere."""
    items: dict[str, KeyEntry] = {}
    shown = []
    for number, sheet in enumerate(balanced_sheets(len(systems), prompts, sheets, pairs, repeats, 0)):
        names = [stable_id("item", number, place) for place in range(len(sheet))]
        for name, judged in zip(names, sheet, strict=True):
            pair = Pair(systems=(systems[judged.systems[0]], systems[judged.systems[1]]), prompt=f"p{judged.prompt}")
            of = None if judged.again is None else names[judged.again]
            items[name] = KeyEntry(role="judged" if of is None else "repeated", sheet=number, pair=pair, of=of)
        absurd = stable_id("absurd", number)
        items[absurd] = KeyEntry(role="absurd", sheet=number, right=number % 2)
        shown.append([Item(id=name, text="", clips=("a.flac", "b.flac")) for name in [*names, absurd]])
    return sealed("pairs", questions(["text", "quality"]), 0.0, [], shown, systems, {}, items)


def listener(elo: dict[str, float], alike: float = 0.5, first: float = 0.0) -> Choose:
    """A rater of these strengths. alike: weight of "both alike" between equals. first: Elo that A has before B."""

    def choose(entry: KeyEntry, chance: np.random.Generator) -> int:
        if entry.pair is None:
            return 5 if entry.right else 1
        a, b = (elo[system] for system in entry.pair.systems)
        half = (a - b + first) / ELO / 2
        weights = np.array([np.exp(half), alike, np.exp(-half)])
        side = int(chance.choice(3, p=weights / weights.sum()))
        return (int(chance.choice([1, 2])), 3, int(chance.choice([4, 5])))[side]

    return choose


def signed(answers: Answers) -> Answers:
    """With the checksum that the page would write."""
    return answers.model_copy(update={"checksum": checksum(answers)})


def answered(questionnaire: Questionnaire, key: Key, choose: Choose, sheet: int, seed: int = 0) -> Answers:
    """What a rater makes of a sheet."""
    chance = np.random.default_rng([seed, sheet])
    given = tuple(
        Answer(
            item=item.id,
            choices={question.name: choose(key.items[item.id], chance) for question in questionnaire.questions},
            heard=(10_000, 10_000),
            ms=30_000,
            skipped=False,
        )
        for item in questionnaire.sheets[sheet]
    )
    return signed(Answers(test=key.id, sheet=sheet, rater=stable_id("rater", seed, sheet), revision=1, answers=given, checksum=""))
