"""Rule "names": a caption describes music, not a song, so it holds no title, no artist and no other name."""

import re
from dataclasses import dataclass
from functools import lru_cache

from noise2music.labeling.captions.cleaning.word_lists import allowed_words, fold, word_lists
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.scorers.minilm import load_minilm_words

_WORD = re.compile(r"[^\W_]+(?:[.'’&+-][^\W_]+)*")
_CREDITS = re.compile(r"\s*(?:\b(?:feat|ft|featuring|vs|with|and|x|presents|pres|prod|und|y|et)\b\.?|[,;&/+×])\s*", re.IGNORECASE)
_ASIDE = re.compile(r"[(\[].*?[)\]]|\s[-–—]\s.*$")
_PITCH = re.compile(r"^[a-g]b?(?:m|maj|min|dim|aug|sus)?$")
_OF_A_PEOPLE = re.compile(r"^[a-z]{3,}(?:ian|ean|ese|ish|ic|esque|ali)$")
_DEGREE = re.compile(r"^[a-h]-(?:flat|sharp)$")
_TITLE_SHORT = 2
_ACTS = re.compile(
    r"\s(?:opens|begins|starts|closes|ends|unfolds|features|showcases|blends|combines|mixes|fuses|delivers|offers|presents|captures|"
    r"creates|evokes|embodies|sings|performs|plays|uses|employs|relies|channels|(?:is|was) an?)\b"
)
"""Verbs after a song or artist that opens a sentence: "Coral opens with a harp". A common noun would have an article."""
FREQUENT = 16_000
"""How many of the tokeniser's words, which come by frequency, count as common: "crisp" is among them, "holm" is not."""
_OPENERS = '"“(['


@dataclass(frozen=True)
class _Names:
    """title: its words. is_lower: whether it has no capitals. artists: their names as words. tokens: words that identify an artist."""

    title: tuple[str, ...]
    is_lower: bool
    artists: tuple[tuple[str, ...], ...]
    tokens: frozenset[str]


def names(text: str, song: Song) -> str | None:
    """None when the sentence holds the song's title or artist, or a word with a capital that can only be a name."""
    matches = list(_WORD.finditer(text))
    words = [_bare(match[0]) for match in matches]
    song_names = _names(song)
    if _has_title(text, matches, words, song_names.title, song_names.is_lower) or any(
        _has_phrase(matches, words, artist) for artist in song_names.artists
    ):
        return None
    first = words[0] if words else ""
    if (
        (first in song_names.tokens or (first,) == song_names.title)
        and first not in allowed_words()
        and _ACTS.match(text, matches[0].end())
    ):
        return None
    for index in range(len(matches)):
        if words[index] in song_names.tokens and _stands_out(text, matches, index):
            return None
        if _is_name(text, matches, index):
            return None
    return text


def _has_title(text: str, matches: list[re.Match[str]], words: list[str], title: tuple[str, ...], is_lower: bool) -> bool:
    """Whether the sentence holds the title: in quotes, with its capitals, or as words that are no chance (three or more, not "drum and
    bass").

    is_lower: the title is written without capitals, so that a rare word of it is the title in any case.
    """
    for start in _places(words, title):
        before = text[: matches[start].start()].rstrip()[-1:]
        after = text[matches[start + len(title) - 1].end() :][:2]
        if before in _OPENERS and before and any(mark in after for mark in '"”)]'):
            return True
        capitals = [matches[start + offset][0][0].isupper() or matches[start + offset][0][0].isdigit() for offset in range(len(title))]
        if len(title) == 1:
            if capitals[0] and start > 0 and not _after_stop(text, matches, start) and not _is_all_capitals(matches[start][0]):
                return True
            if len(title[0]) > 3 and not _is_common(title[0]) and (capitals[0] or is_lower):
                return True
        elif sum(capitals[1:]) >= 1 or not _is_common_phrase(title):
            return True
    return False


def _is_common_phrase(title: tuple[str, ...]) -> bool:
    """Whether the words may stand together by chance: up to two common words, or more that all speak of music."""
    if len(title) > _TITLE_SHORT:
        return all(word in allowed_words() or word in word_lists().names.links for word in title)
    return all(_is_common(word) for word in title)


def _has_phrase(matches: list[re.Match[str]], words: list[str], phrase: tuple[str, ...]) -> bool:
    """Whether the sentence holds an artist's whole name, with a capital after its first word or with an uncommon word."""
    return any(
        any(matches[start + offset][0][0].isupper() for offset in range(min(1, len(phrase) - 1), len(phrase)))
        if all(_is_common(word) for word in phrase)
        else True
        for start in _places(words, phrase)
    )


def _places(words: list[str], phrase: tuple[str, ...]) -> list[int]:
    if not phrase:
        return []
    size = len(phrase)
    return [start for start in range(len(words) - size + 1) if words[start] == phrase[0] and tuple(words[start : start + size]) == phrase]


def _stands_out(text: str, matches: list[re.Match[str]], index: int) -> bool:
    """Whether a word of an artist's name is written as a name, or is no common word."""
    word = matches[index][0]
    if not _is_common(_bare(word)):
        return True
    return word[0].isupper() and index > 0 and not _after_stop(text, matches, index) and not _is_all_capitals(word)


def _is_name(text: str, matches: list[re.Match[str]], index: int) -> bool:
    word = matches[index][0]
    if not word[0].isupper() or _is_allowed(word):
        return False
    if index > 0 and not _after_stop(text, matches, index):
        return True
    following = matches[index + 1][0] if index + 1 < len(matches) else ""
    touches = bool(following) and text[matches[index].end() : matches[index + 1].start()] == " "
    if touches and following[0].isupper() and not _is_allowed(following):
        return True
    return word.endswith(("'s", "’s")) and _bare(word) not in word_lists().names.owners and len(_bare(word)) > 2


def _is_allowed(word: str) -> bool:
    bare, allowed = _bare(word), allowed_words()
    pieces = [piece for piece in re.split(r"[-&/.]", bare) if piece]
    return (
        _is_all_capitals(word)
        or any(mark.isdigit() for mark in word)
        or bare in allowed
        or _DEGREE.match(bare) is not None
        or bare.removesuffix("s") in allowed
        or _PITCH.match(bare) is not None
        or (bare not in word_lists().names.first_names and _OF_A_PEOPLE.match(bare) is not None)
        or all(piece in allowed or (number > 0 and _is_common(piece)) for number, piece in enumerate(pieces))
    )


def _is_all_capitals(word: str) -> bool:
    """Abbreviations and single letters: EDM, R&B, A."""
    letters = [mark for mark in word if mark.isalpha()]
    return len(letters) <= 5 and all(mark.isupper() for mark in letters)


def _after_stop(text: str, matches: list[re.Match[str]], index: int) -> bool:
    """Whether a capital is regular here: after a colon, a full stop, an opening quote or bracket, or a dash."""
    between = text[matches[index - 1].end() : matches[index].start()]
    return any(mark in between for mark in ':.!?"“([–—')


@lru_cache(maxsize=4096)
def _names(song: Song) -> _Names:
    title = tuple(_bare(word) for word in _WORD.findall(_ASIDE.sub("", song.title) or song.title))
    is_lower = song.title == song.title.lower()
    artists = []
    tokens: set[str] = set()
    for credit in (song.artist or "", *_CREDITS.split(song.artist or ""), *_credits_in_title(song.title)):
        words = tuple(_bare(word) for word in _WORD.findall(credit))
        telling = [word for word in words if word not in word_lists().names.group_words and len(word) > 2]
        if telling and len(words) > 1:
            artists.append(words)
        tokens.update(telling if len(words) > 1 or not _is_common(words[0] if words else "") else ())
        if len(words) == 1 and telling:
            tokens.add(telling[0])
    return _Names(title, is_lower, tuple(dict.fromkeys(artists)), frozenset(tokens - allowed_words()))


def _credits_in_title(title: str) -> list[str]:
    match = re.search(r"\b(?:feat|ft|featuring|with)\b\.?\s+([^)\]]+)", title, re.IGNORECASE)
    return _CREDITS.split(match[1]) if match else []


def _bare(word: str) -> str:
    plain = word.casefold().replace("’", "'") if word.isascii() else fold(word)
    return plain.removesuffix("'s").removesuffix("'")


@lru_cache(maxsize=65536)
def _is_common(word: str) -> bool:
    """Whether a word is a frequent one of the language, or one that music is described with: "slow", not "kumo"."""
    return word in allowed_words() or word in _frequent_words()


@lru_cache(maxsize=1)
def _frequent_words() -> frozenset[str]:
    return load_minilm_words(FREQUENT)
