"""Rules on the shape of a sentence: its length, that it is whole, its quotes, and that it says more than praise."""

import re

from labeling.builtin.lists import comma_list
from labeling.cleaning.capitals import ALLOWED
from labeling.songs import Song

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_HANGING = frozenset(
    comma_list("a, an, the, and, or, but, with, of, from, into, as, which, while, its, their, is, are, was, has, very, each")
)
_HANGING_WITHOUT_STOP = _HANGING | frozenset(
    comma_list(
        "to, in, on, at, for, by, that, over, under, his, her, more, some, like, between, through, features, includes, contains, "
        "combines, has, have, feat, feature, include"
    )
)
_BEGINS_LATE = re.compile(r"^(?:and|or|but|which|that|whose|then)\b")
_SUBJECTS = frozenset(
    comma_list(
        "song, songs, track, tracks, music, musical, piece, pieces, tune, tunes, composition, recording, number, work, sound, "
        "sounds, sounding"
    )
)
_VAGUE = frozenset(
    comma_list(
        "great, good, nice, beautiful, wonderful, amazing, awesome, fantastic, incredible, excellent, perfect, "
        "lovely, best, better, bad, popular, famous, known, well-known, iconic, classic, timeless, masterpiece, hit, favorite, "
        "favourite, unique, own, special, interesting, catchy, memorable, unforgettable, remarkable, notable, must-listen, listen, "
        "listening, listeners, listener, fans, fan, lovers, hear, style, kind, type, sort, way, lot, lots, wide, range, variety, "
        "various, different, many, several, elements, element, things, thing, true, truly, really, very, quite, so, such, too, "
        "most, much, more, just, also, never, always, ever, gets, get, old, new, every, time, times, one, all, everyone, everybody, "
        "people, world, years, made, make, makes, making, love, loves, loved, enjoy, enjoyed, experience, sure, overall, "
        "combination, blend, mix, mixture, example, quality, high-quality, well, well-made, crafted, well-crafted, stands, stand, "
        "test, out, impressive, simple, simply, definitely, certainly, describes, description, described"
    )
)
_FUNCTION = frozenset(
    comma_list(
        "a, an, the, this, that, these, those, it, it's, its, there, is, are, was, were, be, been, being, has, have, had, having, "
        "do, does, did, will, would, can, could, may, might, should, and, or, but, of, to, in, on, at, for, by, from, into, as, "
        "with, without, not, no, which, who, what, when, where, while, than, then, if, about, over, up, down, some, any, each, "
        "other, same, like, because, his, her, their"
    )
)


def has_length(text: str, least: int, most: int) -> bool:
    """Whether a text has so many words."""
    return least <= sum(1 for _ in _WORD.finditer(text)) <= most


def is_whole(text: str) -> bool:
    """Whether a text neither begins nor ends in the middle of a sentence."""
    if _BEGINS_LATE.match(text) or text.endswith(("...", "…", ",", "-", "–", "(")):
        return False
    words = _WORD.findall(text)
    return bool(words) and words[-1].lower() not in (_HANGING if text.endswith((".", "!", "?")) else _HANGING_WITHOUT_STOP)


def quotes(text: str, _song: Song) -> str | None:
    """None when quotes or brackets do not come in pairs."""
    return text if _is_balanced(text) else None


def low_information(text: str, _song: Song) -> str | None:
    """None when little is left without the words that any song could be praised with, and none of it is a word of music."""
    words = [word.lower().removesuffix("'s") for word in _WORD.findall(text)]
    vague = sum(word in _VAGUE for word in words)
    told = [word for word in words if word not in _VAGUE and word not in _FUNCTION and word not in _SUBJECTS]
    is_of_music = any(word in ALLOWED or word.removesuffix("s") in ALLOWED for word in told)
    return text if len(told) >= 1 + (len(words) > 12) and (is_of_music or len(told) >= vague) else None


def _is_balanced(text: str) -> bool:
    if text.count('"') % 2:
        return False
    open_brackets: list[str] = []
    for mark in text:
        if mark in "([":
            open_brackets.append(mark)
        elif mark in ")]" and (not open_brackets or open_brackets.pop() != {")": "(", "]": "["}[mark]):
            return False
    return not open_brackets
