"""What a caption speaks of: an instrument, a genre, a mood, by the words of the built-in vocabulary."""

import re
from functools import cache

from noise2music.labeling.captions.builtin.tags import builtin_tags

MOST_WORDS = 5
"""A caption with more words speaks of several things at once."""


def aspect_of(caption: str) -> str:
    """ "genre", "instrument", "mood", "tempo", "voice", "production" or "use"; "sentence" for a long caption; "other".

    A caption that is no built-in tag is what the longest tag in it is, the last of equally long ones: "vivacious cello" is an instrument.
    """
    words = " ".join(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", caption.casefold()))
    known = _tags()
    if words in known:
        return known[words]
    parts = words.split()
    if len(parts) > MOST_WORDS:
        return "sentence"
    for length in range(len(parts), 0, -1):
        for start in range(len(parts) - length, -1, -1):
            found = " ".join(parts[start : start + length])
            if aspect := known.get(found) or known.get(found.removesuffix("s")) or known.get(f"{found}s"):
                return aspect
    return "other"


@cache
def _tags() -> dict[str, str]:
    return {tag.text.casefold(): tag.category for tag in builtin_tags()}
