"""Rules on who speaks to whom: refusals and talk about the task, and sentences that address the reader or say "I"."""

import re

from labeling.cleaning.phrases import Phrases
from labeling.songs import Song

_REFUSAL = Phrases("""
    as a|an ai|artificial|language|large|assistant|chatbot
    ai|language (language) model|assistant
    i'm|i sorry|unable|unfamiliar|afraid
    i am sorry|unable|unfamiliar|afraid
    i'm not able|sure|familiar
    i am not able|sure|familiar
    i'm|am an ai
    i can't|cannot|don't|couldn't|won't|apologize|apologise
    i can|do|could not
    i hope this|that|these
    i would guess|assume|imagine
    apologies
    ^sorry|unfortunately|certainly|thanks
    ^sure|okay|ok|absolutely here|i|this|these
    ^of course
    ^thank you
    unfortunately (*) (*) (*) (*) (*) information|known|available|detail|details
    here|below|following is|are (*) (*) (*) (*) (*) (*) description|descriptions|sentence|sentences|caption|captions
    here|below|following is|are (*) (*) (*) (*) (*) (*) summary|possible|example
    here's
    based (solely|only|purely) on the|its|their|this (*) title|name|artist|information|facts|data|description|tags|metadata|context
    song|song's|track|track's|piece|piece's|tune|tune's|work title|name
    judging|guessing|going by|from the|its title|name
    its title
    limited|little|no|insufficient|any|more|further|additional (*) information|context|details
    not enough (*) information|context|details
    without|lack|lacking (*) (*) (*) information|context|hearing|listening|access|knowledge
    unknown artist
    not possible|available|provided|specified|known
    is unknown
    description|information|audio unavailable
    difficult|hard to say|tell
    impossible to say|tell|know
    speculative|speculation|hypothetical|fictional|fictitious|imaginary|placeholder
    as requested
    the prompt|instruction|instructions|user
    your request
    this|the|these|my|above|following description|descriptions|caption|captions|summary|summaries
    these|my|above|following sentence|sentences|response|responses|answer|answers
    let me know
    please note|provide|let|specify|share
    feel free
    note that
    keep in mind
    hope this helps
    if|is needed
    for more details
    describe the song|music
    song|music caption|captions|description|descriptions
""")
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
    """None for refusals, for talk about the task, and for guesses that say they are guesses."""
    return None if _REFUSAL.are_in(text) or _TITLE.search(text) or _GREETING.match(text) else text


def second_person(text: str, _song: Song) -> str | None:
    """None for sentences that speak to somebody or of the speaker: "you", "we", "I", and commands."""
    return None if _PERSON.search(text) or _COMMANDS.match(text) else text
