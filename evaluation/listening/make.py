"""A listening test is made: clips of systems in, a folder for raters and the key to it out."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store
from noise2music.evaluation.listening.attention import attention_text
from noise2music.evaluation.listening.clip_audio import Heard, OpenFile, measure
from noise2music.evaluation.listening.clip_set import (
    MELODY,
    NOISE,
    THREADS,
    Clip,
    ClipSet,
    ClipSource,
    attention_sources,
    encode_clips,
    protocol_of,
)
from noise2music.evaluation.listening.design import Judgement, balanced_sheets, chance, most_pairs
from noise2music.evaluation.listening.place import write_test
from noise2music.evaluation.listening.questionnaire import Item, Key, KeyEntry, Pair, Questionnaire, questions, sealed
from noise2music.evaluation.listening.settings import ListenSettings
from noise2music.evaluation.listening.systems import common_keys, named, prompt_texts, read_systems
from noise2music.evaluation.sources import Source


@dataclass(frozen=True)
class Made:
    """A test that was written. said: what its maker should know, a line each. comparisons: judgements that count, of all sheets."""

    key: Key
    clips: int
    prompts: int
    comparisons: int
    said: tuple[str, ...]


def make_listening_test(settings: ListenSettings) -> Made:
    """Write a test into `settings.out`: `page/` for the raters, key.json for who made it.

    Prompts of which a system has no clip, or one that cannot be used, are left out for all and counted. The same settings and clips give
    the same bytes. Raises UserError.
    """
    systems = read_systems(settings.systems)
    keys, lacking = common_keys(systems)
    said = [f"{label} has no clip of {len(keys):,} prompts: {named(keys)}" for label, keys in lacking.items() if keys]
    said += [f"{system.label}, {key}: {error.reason}: {error.message}" for system in systems for key, error in sorted(system.lost.items())]
    texts = prompt_texts(systems, settings.prompts)
    if "text" in settings.ask and (without := [key for key in keys if key not in texts]):
        raise UserError(
            f"the prompts of {len(without):,} clips are not known ({named(without)}). Give a file with the columns key and prompt "
            "(--prompts FILE), or ask for quality only (--ask quality)."
        )
    order = sorted(keys, key=lambda key: chance(settings.seed, "prompt", key))
    heard, unusable = _measured(systems, order, _wanted(settings, len(systems)), settings.seconds)
    said += unusable
    prompts = [key for key in order if (systems[0].label, key) in heard]
    if settings.pairs > most_pairs(len(systems), len(prompts)):
        raise UserError(
            f"{len(systems)} systems with {len(prompts)} common usable prompts make {most_pairs(len(systems), len(prompts))} pairs, and a "
            f"rater shall hear {settings.pairs} (--pairs). Give more clips, or ask for fewer pairs."
        )
    sheets = balanced_sheets(len(systems), len(prompts), settings.sheets, settings.pairs, settings.repeats, settings.seed)
    practice = _practice(prompts, sheets)
    clips = encode_clips(_sources(settings, systems, prompts, heard, [*sheets, [practice]]), settings.seconds, settings.loudness)
    labels = [system.label for system in systems]
    questionnaire, key = _sealed(settings, labels, prompts, texts, sheets, practice, clips)
    write_test(Store(settings.out), questionnaire, key, clips.files)
    comparisons = settings.sheets * settings.pairs
    return Made(key, len(clips.files), len(prompts), comparisons, (*said, *clips.said))


def _wanted(settings: ListenSettings, systems: int) -> int:
    """How many prompts it takes, so that each two clips are heard by `raters_a_pair`."""
    of_two = systems * (systems - 1) // 2
    least = -(-settings.pairs // of_two)
    return max(least, -(-settings.sheets * settings.pairs // (of_two * settings.raters_a_pair)))


def _measured(systems: Sequence[Source], order: Sequence[str], wanted: int, seconds: float) -> tuple[dict[Clip, Heard], list[str]]:
    """The first `wanted` prompts whose clips can all be used, measured; and what is wrong with the others that were looked at."""

    def one(clip: tuple[Source, str]) -> Heard | RowError:
        system, key = clip
        try:
            return measure(lambda: system.open(key), seconds)
        except RowError as error:
            return error

    heard: dict[Clip, Heard] = {}
    said = []
    with ThreadPoolExecutor(THREADS) as pool:
        ahead, used = list(order), 0
        while ahead and used < wanted:
            batch, ahead = ahead[: wanted - used], ahead[wanted - used :]
            results = list(pool.map(one, [(system, key) for key in batch for system in systems]))
            for row, key in enumerate(batch):
                of_key = results[row * len(systems) : (row + 1) * len(systems)]
                wrong = [(s, r) for s, r in zip(systems, of_key, strict=True) if isinstance(r, RowError)]
                said += [f"{system.label}, {key}: {error.reason}: {error.message}" for system, error in wrong]
                if not wrong:
                    used += 1
                    heard |= {(s.label, key): r for s, r in zip(systems, of_key, strict=True) if isinstance(r, Heard)}
    return heard, said


def _sources(
    settings: ListenSettings,
    systems: Sequence[Source],
    prompts: Sequence[str],
    heard: Mapping[Clip, Heard],
    sheets: Sequence[Sequence[Judgement]],
) -> dict[Clip, ClipSource]:
    """What is heard on the sheets, all clips of a prompt of one length, and the sounds of absurd pairs."""
    lengths = [min(settings.seconds, *(heard[system.label, key].seconds for system in systems)) for key in prompts]
    sources: dict[Clip, ClipSource] = {}
    for number, place in sorted({(s, judged.prompt) for sheet in sheets for judged in sheet for s in judged.systems}):
        clip = systems[number].label, prompts[place]
        sources[clip] = ClipSource(_opener(systems[number], prompts[place]), heard[clip], lengths[place])
    return sources | (attention_sources(min(lengths), settings.seed) if settings.absurd else {})


def _opener(system: Source, key: str) -> OpenFile:
    return lambda: system.open(key)


def _practice(prompts: Sequence[str], sheets: Sequence[Sequence[Judgement]]) -> Judgement:
    """A pair to begin with, of the prompt that is judged least."""
    counts = Counter(judged.prompt for sheet in sheets for judged in sheet)
    return Judgement((0, 1), min(range(len(prompts)), key=lambda number: (counts[number], number)))


def _sealed(
    settings: ListenSettings,
    labels: Sequence[str],
    prompts: Sequence[str],
    texts: Mapping[str, str],
    sheets: Sequence[Sequence[Judgement]],
    practice: Judgement,
    clips: ClipSet,
) -> tuple[Questionnaire, Key]:
    items: dict[str, KeyEntry] = {}

    def item(judged: Judgement, identifier: str) -> Item:
        prompt = prompts[judged.prompt]
        shown = texts.get(prompt, "") if "text" in settings.ask else ""
        return Item(id=identifier, text=shown, clips=tuple(clips.names[labels[s], prompt] for s in judged.systems))

    def pair(judged: Judgement) -> Pair:
        first, second = judged.systems
        return Pair(systems=(labels[first], labels[second]), prompt=prompts[judged.prompt])

    made = []
    for number, sheet in enumerate(sheets):
        identifiers = [stable_id(clips.salt, "item", number, place) for place in range(len(sheet))]
        shown = [item(judged, identifier) for judged, identifier in zip(sheet, identifiers, strict=True)]
        for judged, identifier in zip(sheet, identifiers, strict=True):
            of = None if judged.again is None else identifiers[judged.again]
            items[identifier] = KeyEntry(role="judged" if of is None else "repeated", sheet=number, pair=pair(judged), of=of)
        if settings.absurd:
            right = int(chance(settings.seed, "absurd", number) < 0.5)
            sides = (clips.names[NOISE], clips.names[MELODY]) if right else (clips.names[MELODY], clips.names[NOISE])
            text = attention_text("pair") if "text" in settings.ask else ""
            absurd = Item(id=stable_id(clips.salt, "absurd", number), text=text, clips=sides)
            shown.insert(1 + math.floor(chance(settings.seed, "absurd place", number) * len(shown)), absurd)
            items[absurd.id] = KeyEntry(role="absurd", sheet=number, right=right)
        made.append(shown)
    first = item(practice, stable_id(clips.salt, "practice"))
    items[first.id] = KeyEntry(role="practice", sheet=None, pair=pair(practice))
    checks = f"{settings.repeats} repeats, {int(settings.absurd)} absurd"
    design = f"{len(sheets)} sheets of {settings.pairs} pairs, {checks}; seed {settings.seed}"
    protocol = {**protocol_of(clips, settings.seconds, settings.must_hear), "design": design}
    return sealed("pairs", questions(settings.ask), settings.must_hear, [first], made, labels, protocol, items)
