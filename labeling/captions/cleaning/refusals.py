"""Rules "refusal" and "second_person": refusals and talk about the task, and sentences that address the reader or say "I"."""

import re

from noise2music.labeling.captions.cleaning.phrases import read_phrases
from noise2music.labeling.corpus.songs import Song

REFUSALS = "refusals.txt"
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


def refusal(text: str, _song: Song) -> str | None:
    """None for refusals, for talk about the task, and for admitted guesses."""
    return None if read_phrases(REFUSALS).are_in(text) or _TITLE.search(text) or _GREETING.match(text) else text


def second_person(text: str, _song: Song) -> str | None:
    """None for sentences that address somebody or mention the speaker: "you", "we", "I", and commands."""
    return None if _PERSON.search(text) or _COMMANDS.match(text) else text
