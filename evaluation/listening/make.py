"""A listening test is made: clips of systems in, a folder for raters and the key to it out."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store
from noise2music.evaluation.listening.attention import attention_text, melody, noise
from noise2music.evaluation.listening.clip_audio import RATE, Heard, OpenFile, common_target, finished, gain_of, measure, middle, sound
from noise2music.evaluation.listening.design import Judgement, balanced_sheets, chance, most_pairs
from noise2music.evaluation.listening.place import write_test
from noise2music.evaluation.listening.questionnaire import AUDIO, Item, Key, KeyEntry, Pair, Questionnaire, questions, sealed
from noise2music.evaluation.listening.settings import ListenSettings
from noise2music.evaluation.listening.systems import System, common_keys, named, prompt_texts, read_systems

_THREADS = 4
_MELODY, _NOISE = "attention/melody", "attention/noise"

Clip = tuple[str, str]
"""(system's label, prompt's key)."""


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
    said += [f"{system.label}, {key}: {why}" for system in systems for key, why in sorted(system.unusable.items())]
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
            f"{len(systems)} systems with {len(prompts)} usable prompts in common make {most_pairs(len(systems), len(prompts))} pairs, and a "
            f"rater shall hear {settings.pairs} (--pairs). Give more clips, or ask for fewer pairs."
        )
    sheets = balanced_sheets(len(systems), len(prompts), settings.sheets, settings.pairs, settings.repeats, settings.seed)
    return _write(settings, systems, prompts, texts, heard, sheets, said)


def _wanted(settings: ListenSettings, systems: int) -> int:
    """How many prompts it takes, so that each two clips are heard by `raters_a_pair`."""
    of_two = systems * (systems - 1) // 2
    least = -(-settings.pairs // of_two)
    return max(least, -(-settings.sheets * settings.pairs // (of_two * settings.raters_a_pair)))


def _measured(systems: Sequence[System], order: Sequence[str], wanted: int, seconds: float) -> tuple[dict[Clip, Heard], list[str]]:
    """The first `wanted` prompts whose clips can all be used, measured; and what is wrong with the others that were looked at."""

    def one(clip: tuple[System, str]) -> Heard | RowError:
        system, key = clip
        try:
            return measure(lambda: system.open(key), seconds)
        except RowError as error:
            return error

    heard: dict[Clip, Heard] = {}
    said = []
    with ThreadPoolExecutor(_THREADS) as pool:
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


def _write(
    settings: ListenSettings,
    systems: Sequence[System],
    prompts: Sequence[str],
    texts: Mapping[str, str],
    heard: Mapping[Clip, Heard],
    sheets: Sequence[Sequence[Judgement]],
    said: list[str],
) -> Made:
    labels = [system.label for system in systems]
    used = sorted({(labels[s], prompts[judged.prompt]) for sheet in sheets for judged in sheet for s in judged.systems})
    practice = _practice(prompts, sheets)
    used = sorted({*used, *((labels[s], prompts[practice.prompt]) for s in practice.systems)})
    lengths = {key: min(settings.seconds, *(heard[label, key].seconds for label in labels)) for key in prompts}
    opened: dict[Clip, OpenFile] = {(s.label, key): _opener(s, key) for s in systems for key in prompts}
    known = dict(heard)
    if settings.absurd:
        length = min(lengths.values())
        for name, audio in ((_MELODY, melody(length, RATE)), (_NOISE, noise(length, RATE, settings.seed))):
            opened["", name], lengths[name] = sound(audio), length
            known["", name] = measure(opened["", name], length)
        used += [("", _MELODY), ("", _NOISE)]
    target, quiet = settings.loudness, None
    if target is not None:
        target, quiet = common_target(target, {f"{label}, {key}".strip(", "): known[label, key] for label, key in used})
        if quiet is not None:
            said.append(f"levels are {target:.1f} LUFS, not {settings.loudness:g}: {quiet} would clip if it were louder")
    audio = _encoded(used, opened, known, lengths, settings.seconds, target)
    # Names come from all that is heard: who has no clips cannot tell from a name whose clip it is.
    salt = stable_id(*(stable_id(*clip, hashlib.sha256(data).hexdigest()) for clip, data in sorted(audio.items())))
    names = {clip: f"{AUDIO.partition('/')[2]}/{stable_id(salt, *clip)}.flac" for clip in audio}
    questionnaire, key = _sealed(settings, labels, prompts, texts, sheets, practice, names, salt, target)
    write_test(Store(settings.out), questionnaire, key, {names[clip]: data for clip, data in audio.items()})
    return Made(key, len(audio), len(prompts), sum(len(sheet) - settings.repeats for sheet in sheets), tuple(said))


def _opener(system: System, key: str) -> OpenFile:
    return lambda: system.open(key)


def _practice(prompts: Sequence[str], sheets: Sequence[Sequence[Judgement]]) -> Judgement:
    """A pair to begin with, of the prompt that is judged least."""
    counts = Counter(judged.prompt for sheet in sheets for judged in sheet)
    prompt = min(range(len(prompts)), key=lambda number: (counts[number], number))
    return Judgement((0, 1), prompt)


def _encoded(
    used: Sequence[Clip],
    opened: Mapping[Clip, OpenFile],
    heard: Mapping[Clip, Heard],
    lengths: Mapping[str, float],
    seconds: float,
    target: float | None,
) -> dict[Clip, bytes]:
    def one(clip: Clip) -> bytes:
        audio, _ = middle(opened[clip], seconds)
        return finished(audio, lengths[clip[1]], gain_of(heard[clip], target))

    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(used, pool.map(one, used), strict=True))


def _sealed(
    settings: ListenSettings,
    labels: Sequence[str],
    prompts: Sequence[str],
    texts: Mapping[str, str],
    sheets: Sequence[Sequence[Judgement]],
    practice: Judgement,
    names: Mapping[Clip, str],
    salt: str,
    target: float | None,
) -> tuple[Questionnaire, Key]:
    items: dict[str, KeyEntry] = {}

    def item(judged: Judgement, identifier: str) -> Item:
        prompt = prompts[judged.prompt]
        shown = texts.get(prompt, "") if "text" in settings.ask else ""
        return Item(id=identifier, text=shown, clips=tuple(names[labels[s], prompt] for s in judged.systems))

    def pair(judged: Judgement) -> Pair:
        first, second = judged.systems
        return Pair(systems=(labels[first], labels[second]), prompt=prompts[judged.prompt])

    made = []
    for number, sheet in enumerate(sheets):
        identifiers = [stable_id(salt, "item", number, place) for place in range(len(sheet))]
        shown = [item(judged, identifier) for judged, identifier in zip(sheet, identifiers, strict=True)]
        for judged, identifier in zip(sheet, identifiers, strict=True):
            of = None if judged.again is None else identifiers[judged.again]
            items[identifier] = KeyEntry(role="judged" if of is None else "repeated", sheet=number, pair=pair(judged), of=of)
        if settings.absurd:
            right = int(chance(settings.seed, "absurd", number) < 0.5)
            identifier = stable_id(salt, "absurd", number)
            clips = (names["", _MELODY], names["", _NOISE])
            text = attention_text("pair") if "text" in settings.ask else ""
            absurd = Item(id=identifier, text=text, clips=clips[::-1] if right else clips)
            shown.insert(1 + math.floor(chance(settings.seed, "absurd place", number) * len(shown)), absurd)
            items[identifier] = KeyEntry(role="absurd", sheet=number, right=right)
        made.append(shown)
    first = item(practice, stable_id(salt, "practice"))
    items[first.id] = KeyEntry(role="practice", sheet=None, pair=pair(practice))
    protocol = {
        "audio": f"the middle {settings.seconds:g} s or, where a prompt's clips are shorter, the shortest one's length; mono, {RATE:,} Hz, 16 bit",
        "loudness": "levels as they are" if target is None else f"{target:.1f} LUFS each (ITU-R BS.1770-5, one channel)",
        "design": f"{len(sheets)} sheets of {settings.pairs} pairs, {settings.repeats} repeats, {int(settings.absurd)} absurd pair, "
        f"seed {settings.seed}",
        "must hear": f"{settings.must_hear:g} s of each clip",
    }
    return sealed("pairs", questions(settings.ask), settings.must_hear, [first], made, labels, protocol, items)
