"""Rule "contradiction": a sentence must not contradict the song's known voice, tempo, key or instruments."""

import re
from functools import cache, lru_cache

from noise2music.labeling.captions.builtin.tags import tags_by_category
from noise2music.labeling.captions.cleaning.word_lists import fold, word_lists
from noise2music.labeling.corpus.songs import Song

SLOW_FROM, FAST_UNTIL = 110.0, 90.0
"""Beats a minute: no song is slow from the first on, and none is fast up to the second (a ballad has 60 to 80, dance music 115 to 130)."""
NEAR = 0.06
"""How far a stated tempo may be off, as a ratio. Half and double the tempo count as the same."""

_NO_HORN = r"(?!\s+(?:sax\w*|horns?|flutes?|recorders?|clarinets?|trombones?|guitars?|ukuleles?|banjos?|violas?|drums?|clef)\b)"
_FEMALE = re.compile(r"\b(?:female|woman|women|girl|girls|soprano|alto)\b" + _NO_HORN)
_MALE = re.compile(r"\b(?:male|man|men|boy|boys|tenor|baritone|bass singer)\b" + _NO_HORN)
_SUNG = re.compile(
    r"\b(?:vocals?|vocalists?|voices?|singing(?! bowls?)|singers?|sung|rap|rapping|rappers?|choirs?|chorus singing|a cappella|acapella)\b"
)

_NEGATED = re.compile(
    r"\b(?:no|without|not|absence of|free of|lacks?|lacking|devoid of|instead of|never|nor)\b"
    r"(?:(?!\b(?:just|only|but|except)\b)[^.;:]){0,40}$"
)
_VOCAL_CLAIM = re.compile(
    r"\b(?:vocals?|vocalists?|singers?|voices?|sings?|sung|rapping|rappers?|raps|choirs?|"
    r"singing(?! (?:bowls?|saws?|melody|tone|line|lead|legato|timbre|quality|strings?|guitars?|violins?|cellos?)\b)|"
    r"croon\w*|falsetto|lyrics|a cappella|beatbox\w*)\b"
    r"(?!\s*(?:-like|samples?|chops?|fragments?|pads?|patch(?:es)?|synths?)\b|[ -]leading\b)"
)
_INSTRUMENT_SINGS = re.compile(
    r"\b(?:guitar|violin|cello|saxophone|sax|trumpet|flute|lead|synth|line|melody|strings?|piano|solo|fiddle|clarinet|bow)s?\s+(?:that\s+)?$"
)
_VOCAL_DENIED = re.compile(
    r"\binstrumental (?:track|piece|song|composition|music|recording|number|tune|work)\b"
    r"|\bis (?:purely |entirely |completely |an? )?instrumental\b"
    r"|^(?:an? )?(?:\w+ ){0,2}instrumental\b"
    r"(?! (?:sections?|breaks?|bridge|intro|outro|interludes?|passages?|backing|solos?|parts?|hook|arrangements?|accompaniment|backdrop|"
    r"textures?|layers?|palette|bed|core|mix))"
    r"|\b(?:no|without(?: any)?|absence of|lacks?|devoid of)\s+(?:\w+\s+)?(?:vocals?|voices?|singing|singers?|lyrics)\b|\bvoiceless\b"
)

_SUBJECT = (
    r"(?:tempo|pace|beat|groove|rhythm|pulse|song|track|piece|ballad|tune|number|composition|music|jam|waltz|march|dance|movement|anthem)s?"
)
_WORDS_BETWEEN = r"(?:,? (?:and |but |yet )?(?!(?:of|over|under|with|to|in|on|against|and|the|an?)\b)[\w&'-]+){0,3},? "
_DECADES = ("60s", "70s", "80s", "90s")
_SLOW = r"(?:slow|slow-paced|slow-tempo|sluggish|dragging|down-?tempo|unhurried|plodding|languid)"
_FAST = r"(?:fast|fast-paced|fast-tempo|up-?tempo|quick|rapid|brisk|breakneck|furious|racing|speedy|high-speed|frantic)"


def _claims(adjective: str, alone: str) -> re.Pattern[str]:
    """An adjective of tempo said of the whole ("a slow and heavy beat", "the tempo is slow"), not of a part ("slow tremolo", "fast runs"),
    or a word that means nothing else."""
    return re.compile(
        rf"\b{adjective}\b{_WORDS_BETWEEN}(?:{_SUBJECT}|{_genre()})\b"
        rf"|\b{_SUBJECT}(?: itself)? (?:is|feels|stays|remains|sounds|keeps) (?:(?:very|quite|rather|fairly|really|at|a|an) )*{adjective}\b"
        rf"|\b(?:{alone})\b"
    )


def _genre() -> str:
    """A genre that is said of the whole ("a slow blues with"), not of a part ("a slow blues lick")."""
    names = sorted((re.escape(fold(name)) for name in tags_by_category()["genre"] if name not in _DECADES), key=len, reverse=True)
    return rf"(?:{'|'.join(names)})(?=\s*(?:$|[.,;:!?)]|(?:with|that|in|at|for|of|from|featuring|built|driven|led|where|and|but)\b))"


@cache
def _claims_slow() -> re.Pattern[str]:
    return _claims(_SLOW, r"slow-paced|down-?tempo|adagio|largo|lento")


@cache
def _claims_fast() -> re.Pattern[str]:
    return _claims(_FAST, r"fast-paced|up-?tempo|breakneck|presto|vivace|prestissimo")


_BEATS = re.compile(
    r"\b(\d{2,3}(?:\.\d+)?)\s*(?:bpm|beats (?:per|a) minute)\b"
    r"|\b(?:bpm|tempo) (?:of|is) (?:(?:around|about|roughly|approximately|exactly) )?(\d{2,3}(?:\.\d+)?)\b"
)

_KEY = re.compile(r"\b([A-G])(?:\s?(#|♯|b|♭|sharp|flat)|-(sharp|flat))?[\s-](major|minor)\b(?! (?:chord|third|seventh|sixth|scale))")
_MODE = re.compile(r"\b(?:in|uses|stays in|has) an? (major|minor) (?:key|mode|tonality)\b")
_SONG_KEY = re.compile(r"^\s*([A-Ga-g])[\s-]?(#|♯|b|♭|sharp|flat)?\s*(major|minor|maj|min|m|M)?(?![^\s,;])")
_NOTES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SHIFTS = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}


def contradiction(text: str, song: Song) -> str | None:
    """None when the sentence contradicts the song's tags, instruments, tempo or key."""
    if not (song.tags or song.instruments or song.tempo or song.musical_key):
        return text
    lower = text.lower()
    wrong = _contradicts_voice(lower, song) or _contradicts_tempo(lower, song.tempo) or _contradicts_key(text, song.musical_key)
    return None if wrong or _denies_instrument(lower, song.instruments) else text


def _contradicts_voice(text: str, song: Song) -> bool:
    is_instrumental, female, male, sung = _voice_facts(song.tags, song.instruments)
    if is_instrumental == sung:
        return False
    if is_instrumental:
        return _claims_voice(text)
    if any(not _NEGATED.search(text[: match.start()]) for match in _VOCAL_DENIED.finditer(text)):
        return True
    claims_female, claims_male = bool(_FEMALE.search(text)), bool(_MALE.search(text))
    one_sided = claims_female != claims_male and female != male and _claims_voice(text)
    return one_sided and claims_female != female


@lru_cache(maxsize=4096)
def _voice_facts(tags: tuple[str, ...], instruments: tuple[str, ...]) -> tuple[bool, bool, bool, bool]:
    """Whether it is instrumental, sung by women, by men, by anybody."""
    tags_and_instruments, instrumental = [*tags, *instruments], word_lists().contradiction.instrumental
    voices = [name for name in tags_and_instruments if name not in instrumental and _SUNG.search(name)]
    female, male = (any(pattern.search(name) for name in voices) for pattern in (_FEMALE, _MALE))
    return any(name in instrumental for name in tags_and_instruments), female, male, bool(voices)


def _claims_voice(text: str) -> bool:
    for match in _VOCAL_CLAIM.finditer(text):
        before = text[: match.start()]
        if not _NEGATED.search(before) and not _INSTRUMENT_SINGS.search(before):
            return True
    return False


def _contradicts_tempo(text: str, tempo: float | None) -> bool:
    if tempo is None:
        return False
    for first, second in _BEATS.findall(text):
        number = first or second
        if not any(abs(float(number) / (tempo * ratio) - 1) <= NEAR for ratio in (0.5, 1.0, 2.0)):
            return True
    wrong = _claims_slow() if tempo >= SLOW_FROM else _claims_fast() if tempo <= FAST_UNTIL else None
    return wrong is not None and any(not _NEGATED.search(text[: match.start()]) for match in wrong.finditer(text))


def _contradicts_key(text: str, song_key: str | None) -> bool:
    read = _SONG_KEY.match(song_key or "")
    if read is None:
        return False
    pitch, mode = _pitch(read[1], read[2]), _mode(read[3])
    for match in _KEY.finditer(text):
        if match.start() == 0 and match[0].startswith("A "):
            continue  # An article: "A minor melody".
        if _pitch(match[1], match[2] or match[3]) != pitch or (mode and match[4] != mode):
            return True
    return mode is not None and any(claimed != mode for claimed in _MODE.findall(text.lower()))


def _pitch(note: str, shift: str | None) -> int:
    return (_NOTES[note.lower()] + _SHIFTS.get(shift or "", 0)) % 12


def _mode(name: str | None) -> str | None:
    return {"major": "major", "maj": "major", "M": "major", "minor": "minor", "min": "minor", "m": "minor"}.get(name or "")


def _denies_instrument(text: str, instruments: tuple[str, ...]) -> bool:
    pattern = _denial(instruments)
    return pattern is not None and bool(pattern.search(text))


@lru_cache(maxsize=4096)
def _denial(instruments: tuple[str, ...]) -> re.Pattern[str] | None:
    """ "no piano", "without any drums", for an instrument that is known to play."""
    names = sorted({re.escape(name.lower().removesuffix("s")) for name in instruments if len(name) > 2}, key=len, reverse=True)
    if not names:
        return None
    return re.compile(
        rf"\b(?:no|without|without any|absence of|lacks|devoid of) (?:any )?(?:{'|'.join(names)})s?\b(?!-| (?:solo|riff|line|part)s?)"
    )
