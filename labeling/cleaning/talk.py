"""Rules on who speaks to whom: refusals and talk about the task, and sentences that address the reader or say "I"."""

import re

from labeling.songs import Song

_REFUSAL = re.compile(
    r"""
    \bas\ an?\ (?:AI|artificial|language\ model|large\ language|assistant|chatbot)
    | \b(?:AI|language)\s+(?:language\s+)?(?:model|assistant)\b
    | \bI(?:'m|\ am)\s+(?:sorry|unable|not\ able|not\ sure|not\ familiar|unfamiliar|afraid|an\ AI)
    | \bI\s+(?:can(?:'t|not|\ not)|do\ not|don't|couldn't|could\ not|won't|apologi[sz]e|hope\ (?:this|that|these)|would\ (?:guess
        |assume|imagine))\b
    | \bapologies\b | ^(?:sorry|unfortunately|sure|certainly|of\ course|okay|ok|absolutely|great|thanks|thank\ you)\b\s*[,!.:]
    | \bunfortunately\b.{0,60}\b(?:information|known|available|details?)\b
    | \b(?:here|below|following)\ (?:is|are|'s)\b.{0,80}\b(?:descriptions?|sentences?|captions?|summary|possible|example)\b | \bhere's\b
    | \bbased\ (?:solely\ |only\ |purely\ )?on\ (?:the|its|their|this)\ (?:\w+\s+)?(?:title|name|artist|information|facts|data
        |description|tags|metadata|context)\b
    | \b(?:song|track|piece|tune|work)(?:'s)?\ (?:title|name)\b | \b(?:the|its)\ title\b(?!\ (?:theme|screen))
    | \b(?:judging|guessing|going)\ (?:by|from)\ (?:the|its)\ (?:title|name)\b | \bthe\ title\ (?:suggests?|implies|indicates|hints?
        |evokes?)\b
    | \b(?:limited|little|no|not\ enough|insufficient|any|more|further|additional)\ (?:\w+\s+)?(?:information|context|details)\b
    | \b(?:without|lack(?:ing)?)\ (?:\w+\s+){0,3}(?:information|context|hearing|listening|access|knowledge)\b
    | \b(?:unknown\ artist|not\ (?:possible|available|provided|specified|known)|is\ unknown|difficult\ to\ say|hard\ to\ (?:say|tell)
        |impossible\ to)\b
    | \b(?:speculative|speculation|hypothetical|fictional|fictitious|imaginary|as\ requested|placeholder|the\ prompt|the\ instructions?
        |your\ request)\b
    | \b(?:this|the|these|my|above|following)\ (?:descriptions?|captions?|summar(?:y|ies))\b | \b(?:these|my|above
        |following)\ (?:sentences?|responses?|answers?)\b
    | \b(?:let\ me\ know|please\ (?:note|provide|let|specify|share)|feel\ free|note\ that|keep\ in\ mind|hope\ this\ helps|if\ needed
        |is\ needed|
        for\ more\ details|describe\ the\ (?:song|music)|the\ user)\b
    | \b(?:song|music)\ (?:captions?|descriptions?)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
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
    return None if _REFUSAL.search(text) else text


def second_person(text: str, _song: Song) -> str | None:
    """None for sentences that speak to somebody or of the speaker: "you", "we", "I", and commands."""
    return None if _PERSON.search(text) or _COMMANDS.match(text) else text
