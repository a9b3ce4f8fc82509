"""What a sentence names: instruments, genres, moods, tempo, voices. Whole words in any number and case; a hyphen parts words.

Absence counts as well: "no drums" names drums, "instrumental" says something of voices.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from labeling.builtin.lists import comma_list
from labeling.builtin.tags import LISTS

Kind = Literal["instrument", "genre", "mood", "tempo", "vocal"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_INSTRUMENTS = comma_list("""
    drumming, drumbeat, drummer, kick, snare, bassline, e-guitar, e-bass, guitarist, pianist, violinist, cellist, sax, horn, synthesiser,
    synth keys, pad, beat machine, 808, steel pan, hand clap, turntable, scratching, bodhran, bagpipe, bongo, beat boxing
""")
_GENRES = comma_list("""
    ballad, ballads, edm, bluesy, jazzy, folky, hip-hop, rnb, lo-fi, drum & bass, drum n bass, rock & roll, rock n roll, christmas song,
    christmas songs, children's songs, dance music, symphonies, lullabies, hymns, waltzes
""")
_MOODS = comma_list("""
    melancholy, melancholia, sadness, happiness, joy, joyous, nostalgia, serenity, tension, suspense, excitement, comforting, spirited,
    vibrant, vivacious, enthusiastic, youthful, pensive, mystical, hype, trippy, pleasant, relaxation, energizing, thrilling, frightening
""")
_TEMPO = comma_list("""
    tempo, tempos, tempi, bpm, beats per minute, slow, slower, slowly, slowed, slowing, fast, faster, quick, quickly, brisk, rapid, rapidly,
    mid-tempo, up-tempo, down-tempo, upbeat, unhurried, leisurely, fast-paced, slow-paced, breakneck, speeding up, sped up, double-time,
    half-time, adagio, andante, allegro, presto, largo
""")
_VOCALS = comma_list("""
    vocalist, vocalization, vocalisation, singer, sing, sings, sang, sung, rap, raps, rapper, chant, croon, crooning, hum, hums, acapella,
    soprano, tenor, baritone singer, opera singer, yodel, yodeling, yodels, scatting, vocalizing, harmonizing vocals, narrator
""")
_NOT_INSTRUMENTS = comma_list("""
    triangle, bass drop, solo instrument, unaccompanied instrument, drumless, sampler, vocal samples, noise percussion
""")
_NOT_GENRES = comma_list("""
    dance, acoustic, western, retro, vintage, industrial, alternative, soul, experimental, minimalism, soundtrack, background music,
    elevator music, drone, field recording
""")
_NOT_MOODS = comma_list("soft, loud, bright, raw, cold, quiet, mechanical, urban, bold, wild, retro feel, smooth, noble, grand")
_NOT_VOCALS = comma_list("duet, whistling")

_SOUNDS = (
    "sound|noise|synth|pad|bass|piano|organ|guitar|keyboard|drum|percussi|beat|kick|tambourine|instrument|arrangement|effect|device|element"
)
_PLACES = "room|crowd|street|nature|chatter|light|bird|water|wind"
_NOT_AFTER: Mapping[str, str] = {"horn": "car ", "opera": "soap ", "house": "coffee |tea |haunted |the |your "}
_NOT_BEFORE: Mapping[str, str] = {
    "electronic": rf" (?:\w+ )?(?:{_SOUNDS})",
    "ambient": rf" (?:\w+ )?(?:{_SOUNDS}|{_PLACES})",
    "bass": "[ -](?:singer|voice|vocal)",
    "country": r" (?:of|side|having|where)\b",
    "house": " part(?:y|ies)",
    "kick": r" (?:in|off)\b",
    "soprano": " (?:sax|recorder)",
    "tenor": " sax",
    "trance": "[ -](?:like|induc)",
}


def _spelling(word: str, ending: str) -> str:
    """A word with its endings, not where what stands before or after gives it another meaning: soap opera, "kicks in"."""
    before = "".join(f"(?<!{words})" for words in _NOT_AFTER[word].split("|")) if word in _NOT_AFTER else ""
    after = f"(?!{_NOT_BEFORE[word]})" if word in _NOT_BEFORE else ""
    spaced = r"\d*bpm" if word == "bpm" else re.escape(word).replace(r"\ ", "[ -]").replace(r"\-", "[ -]?")
    return f"{before}{spaced}{ending}{after}"


def _pattern(words: Iterable[str], plural: bool = False) -> re.Pattern[str]:
    """The longest spelling first, so that a bass guitar is not a bass. plural: every word in singular and plural."""
    wanted = {word for word in words if not word.startswith("no ")}
    if plural:
        wanted |= {word[:-1] for word in wanted if word.endswith("s") and not word.endswith("ss")}
    ending = "(?:e?s)?" if plural else ""
    spellings = "|".join(_spelling(word, ending) for word in sorted(wanted, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<!\w)(?:{spellings})(?!\w)", re.IGNORECASE)


LEXICON: Mapping[Kind, re.Pattern[str]] = {
    "instrument": _pattern({*LISTS["instrument"], *_INSTRUMENTS}.difference(_NOT_INSTRUMENTS), plural=True),
    "genre": _pattern({*LISTS["genre"], *_GENRES}.difference(_NOT_GENRES)),
    "mood": _pattern({*LISTS["mood"], *_MOODS}.difference(_NOT_MOODS)),
    "tempo": _pattern(_TEMPO),
    "vocal": _pattern({*LISTS["voice"], *_VOCALS}.difference(_NOT_VOCALS), plural=True),
}


def named(kind: Kind, text: str) -> set[str]:
    """The instruments, genres, ... that a text names, in lower case as they stand there."""
    return {found.group().lower() for found in LEXICON[kind].finditer(text)}
