"""Rules that look at one sentence by itself, and the types of a rule.

What surrounds it ("tidy"): list markers, markdown, a label in front; headings and code are dropped. Its
shape ("words", "quotes", "low_information"): length, whole sentences, paired quotes, and more content than praise. Its speaker ("refusal",
"second_person"). Its subject ("trivia"): lyrics and their story, charts, sales, awards and lives. Its language ("language").
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import py3langid

from noise2music.labeling.captions.cleaning.phrases import read_phrases
from noise2music.labeling.captions.cleaning.word_lists import allowed_words, word_lists
from noise2music.labeling.captions.text import normalise_caption
from noise2music.labeling.corpus.songs import Song


@dataclass(frozen=True)
class Sentence:
    """A sentence and the song that it was written for."""

    text: str
    song: Song


Judge = Callable[[str, Song], str | None]
"""One sentence -> the sentence, perhaps changed, or None to remove it."""

Rule = Callable[[Sequence[Sentence]], list[str | None]]
"""A Judge for many sentences at once, in their order. Each result depends on its own sentence alone."""


def each(judge: Judge) -> Rule:
    """The rule that judges sentence by sentence."""
    return lambda sentences: [judge(sentence.text, sentence.song) for sentence in sentences]


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


_LABEL = re.compile(
    r"^(?:(?:short|song|music|track)\s+)?(?:description|caption|sentence|answer|output|response|summary)s?\s*\d*\s*[:-]\s+", re.I
)
_HEADING = re.compile(
    r"^(?:instrument(?:s|ation)?|genre|style|mood|tempo|key|vocals?|verse|chorus|bridge|intro|outro|hook|lyrics?|title|song|artist|"
    r"production|tags?|bpm|rhythm|melody|harmony|sentences?|notes?|source|album|year|duration|theme)s?(?:\s+(?:and|&)\s+\w+)?\s*\d*\s*:",
    re.I,
)
_MARKDOWN = re.compile(r"\*\*|__|~~|`+|(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)")
_MARKER = r"\s*(?:[-*•>]\s+|\(?\d{1,3}[.)]\s+)*"
_ALL_MARKED = re.compile(
    rf"^(?:{_MARKER}#{{1,6}}\s+(?P<title>.+)|{_MARKER}(?P<mark>\*\*\*?|___?)(?P<bold>[^*_]+)(?P=mark)(?P<colon>:?))\s*$"
)
"""A line marked as a heading, or all in bold. Most are headings, but some models write whole sentences like that."""
_LEAD_IN = re.compile(rf"^{_MARKER}(?:\*\*|__)(?P<title>[^*_]{{1,60}}?)(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:)\s+(?P<rest>[\"'“(]?[A-Z].*)$")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*$")
_FEWEST_WORDS, _FEWEST_WORDS_OPEN = 3, 7
"""The fewest words of a sentence with an end mark, and of one without."""
_CODE = re.compile(r'^\s*(?:```|---+\s*$|\|)|[{}]|\["|"\s*[:\]]|"\s*,\s*"|</?[a-zA-Z][^<>]*>|https?://|www\.\w|\w\.(?:com|org|net)\b|\\n')
_TRAILING = re.compile(r"\s*(?:\[\d+\]|\(\d+\))\s*$")


_PLAIN = re.compile(r"[A-Z][A-Za-z0-9 ,;'-]*[.!?]")


def tidy(text: str, _song: Song) -> str | None:
    """The bare sentence, normalised as captions are (labeling.captions.text); None for headings, code, links and what has no letter."""
    if _PLAIN.fullmatch(text) and "  " not in text:
        return text
    if marked := _ALL_MARKED.match(text):
        text = marked["title"] or marked["bold"]
        if marked["colon"] or not _is_sentence(text):
            return None
    elif (led := _LEAD_IN.match(text)) and not _HEADING.match(f"{led['title']}:") and _is_sentence(led["rest"]):
        text = led["rest"]
    if _CODE.search(text):
        return None
    bare = normalise_caption(_MARKDOWN.sub("", text))
    if not bare.isascii():
        bare = normalise_caption("".join(mark for mark in bare if unicodedata.category(mark) not in ("So", "Cs", "Co", "Cn", "Sk")))
    bare = normalise_caption(_TRAILING.sub("", _LABEL.sub("", bare)))
    if _HEADING.match(bare) or text.rstrip().endswith(":") or not any(mark.isalpha() for mark in bare):
        return None
    return bare[0].upper() + bare[1:] if bare[0].islower() and bare.endswith((".", "!", "?")) else bare


def _is_sentence(text: str) -> bool:
    """Whether text in bold, or after a bold title, is a sentence: it ends like one or is long, and is not capitalised like a title."""
    bare = normalise_caption(_MARKDOWN.sub("", text))
    words = [word for word in bare.split() if word[0].isalnum()]
    if bare.endswith(":") or _HEADING.match(bare) or sum(word[0].isupper() for word in words) > max(1, len(words) / 2):
        return False
    return len(words) >= (_FEWEST_WORDS if _SENTENCE_END.search(bare) else _FEWEST_WORDS_OPEN)
