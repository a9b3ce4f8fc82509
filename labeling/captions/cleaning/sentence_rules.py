"""Rules that look at one sentence by itself.

Its shape ("words", "quotes", "low_information"): length, whole sentences, paired quotes, and more content than praise. Its speaker
("refusal", "second_person"). Its subject ("trivia"): lyrics and their story, charts, sales, awards and lives. Its language ("language").
"""

import re

import py3langid

from noise2music.labeling.captions.cleaning.phrases import read_phrases
from noise2music.labeling.captions.cleaning.rule import Judge
from noise2music.labeling.captions.cleaning.word_lists import allowed_words, word_lists
from noise2music.labeling.corpus.songs import Song

REFUSALS = "refusals.txt"
TRIVIA = "trivia.txt"
MARGIN = 10.0
"""How much likelier (natural logarithm) another language must be. Short sentences full of terms are hard to classify."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_BEGINS_LATE = re.compile(r"^(?:and|or|but|which|that|whose|then)\b")
_TITLE = re.compile(r"\bthe title\b(?! (?:theme|screen))", re.IGNORECASE)
_GREETING = re.compile(r"^(?:sure|okay|ok|absolutely|great)\s*[,!.:]", re.IGNORECASE)
_PERSON = re.compile(
    r"""
    \b(?i:you|your|yours|yourself|you'(?:ll|re|ve|d)|we|we'(?:ll|re|ve|d)|our|ours|ourselves|my|mine|myself|me|let's)\b
    | \bI\b(?!\s*[-–—/,|]?\s*(?:to\s+|and\s+)?(?:[iIvV]{1,3}[iI]*\b|chord))(?<![ivIV][-–—/,|]I)(?<!to\ I)(?<!Part\ I)(?<!Movement\ I)
    | \bI'(?:m|ve|ll|d)\b | (?<![A-Z.])\bus\b
    | ^(?:close|imagine|listen|picture|feel|enjoy|think|relax|get|take|put|turn|sit|let|give|don't|try|prepare)\b(?!\s*(?:,|is|are|good))
    """,
    re.VERBOSE,
)
_COMMANDS = re.compile(r"^(?:Close|Imagine|Listen|Picture|Enjoy|Think of|Sit back|Get ready|Prepare|Turn (?:up|it)|Put on|Don't)\b")
_LYRICS = re.compile(
    r"(?<!\bno )(?<!without )(?<!any )\blyrics?\b|[♪♫]|^(?:(?:oh|la|na|ooh|yeah|hey|da|doo|baby)[,\s!]+){2,}", re.IGNORECASE
)
_YEAR = re.compile(r"(?<![\d.,/-])(?:1[6-9]\d\d|20[0-4]\d)(?!\s?(?:s\b|'s\b|[Hh]z|bpm|BPM|-?style))(?![\d/-]|\.\d|'s\b|s\b)")
_QUOTED = re.compile(r'"([^"]+)"')
_SUNG = re.compile(
    r"\b(?:sings?|singing|repeats?|repeating|shouts?|goes|chants?|raps?|lines?|words|phrase|refrain|hook|saying|says)\b", re.IGNORECASE
)
_SUNG_WORDS = 4
_BEAT = re.compile(r"\b(?:4|four)[ -]on[ -]the[ -]floor\b", re.IGNORECASE)


def has_length(text: str, least: int, most: int) -> bool:
    """Whether a text has so many words."""
    return least <= sum(1 for _ in _WORD.finditer(text)) <= most


def is_whole(text: str) -> bool:
    """Whether a text neither begins nor ends in the middle of a sentence."""
    if _BEGINS_LATE.match(text) or text.endswith(("...", "…", ",", "-", "–", "(")):
        return False
    words, lists = _WORD.findall(text), word_lists().shape
    if not words or words[-1].lower() in lists.hanging:
        return False
    return text.endswith((".", "!", "?")) or words[-1].lower() not in lists.hanging_without_stop


def quotes(text: str, _song: Song) -> str | None:
    """None when quotes or brackets do not come in pairs."""
    return text if _is_balanced(text) else None


def low_information(text: str, _song: Song) -> str | None:
    """None when a sentence has few words besides general praise, and none of them is about music."""
    words = [word.lower().removesuffix("'s") for word in _WORD.findall(text)]
    lists, allowed = word_lists().shape, allowed_words()
    vague = sum(word in lists.vague for word in words)
    content_words = [word for word in words if word not in lists.vague and word not in lists.function and word not in lists.subjects]
    is_of_music = any(word in allowed or word.removesuffix("s") in allowed for word in content_words)
    return text if len(content_words) >= 1 + (len(words) > 12) and (is_of_music or len(content_words) >= vague) else None


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


def refusal(text: str, _song: Song) -> str | None:
    """None for refusals, for talk about the task, and for admitted guesses."""
    return None if read_phrases(REFUSALS).are_in(text) or _TITLE.search(text) or _GREETING.match(text) else text


def second_person(text: str, _song: Song) -> str | None:
    """None for sentences that address somebody or mention the speaker: "you", "we", "I", and commands."""
    return None if _PERSON.search(text) or _COMMANDS.match(text) else text


def trivia(text: str, _song: Song) -> str | None:
    """None for facts about a song that cannot be heard, and for its lyrics."""
    if read_phrases(TRIVIA).are_in(text) or _YEAR.search(text) or _LYRICS.search(text):
        return None
    for quoted in _QUOTED.findall(text):
        words = len(_BEAT.sub("", quoted).split())
        if words >= _SUNG_WORDS or (words >= 2 and _SUNG.search(text)):
            return None
    return text


def language(code: str) -> Judge:
    """A judge that says None for sentences in a language other than `code` (ISO 639-1), by the classifier of py3langid."""

    word_list = word_lists().language

    def judge(text: str, _song: Song) -> str | None:
        if code == "en" and text.isascii():
            # One word that only English has, or two of those that it shares, are enough in plain letters.
            words = set(text.lower().split())
            if not words.isdisjoint(word_list.english) or len(words & word_list.shared) > 1:
                return text
        ranked = py3langid.rank(text)
        own_score = next((score for name, score in ranked if name == code), None)
        if own_score is None or ranked[0][1] - own_score > MARGIN:
            return None
        return text

    return judge
