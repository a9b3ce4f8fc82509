"""Rule "trivia": removes lyrics and their story, charts, sales, releases, awards, and the lives of musicians."""

import re

from noise2music.labeling.captions.cleaning.phrases import read_phrases
from noise2music.labeling.corpus.songs import Song

TRIVIA = "trivia.txt"
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


def trivia(text: str, _song: Song) -> str | None:
    """None for facts about a song that cannot be heard, and for its lyrics."""
    if read_phrases(TRIVIA).are_in(text) or _YEAR.search(text) or _LYRICS.search(text):
        return None
    for quoted in _QUOTED.findall(text):
        words = len(_BEAT.sub("", quoted).split())
        if words >= _SUNG_WORDS or (words >= 2 and _SUNG.search(text)):
            return None
    return text
