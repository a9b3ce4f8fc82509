"""A little English grammar for composed sentences: articles, number and verb forms."""

import re

_SOUNDS_CONSONANT = re.compile(r"(?:eu|uk|ukulele|uni(?!m)|use|one\b)", re.IGNORECASE)
_SOUNDS_VOWEL = re.compile(r"(?:[aeioué]|8|1[18](?!\d)|hour|R&B|fm\b|mc\b)", re.IGNORECASE)
_ARTICLE = re.compile(r"\b([Aa]) (?=(\S+))")
_SINGULAR_IN_S = frozenset({"rhodes"})
_SOLID_BASSES = ("double bass", "upright bass", "electric bass", "acoustic bass", "fretless bass", "walking bass")
_UNCOUNTED = ("percussion", "brass", "noise", "feedback", "bass", "whistling")


def is_plural(name: str) -> bool:
    """Whether a noun phrase ("synth pads", "taiko drums") takes a plural verb."""
    last = name.split()[-1]
    return last.endswith("s") and not last.endswith("ss") and last not in _SINGULAR_IN_S


def with_article(name: str) -> str:
    """'piano' -> 'a piano'; plurals and things one does not count ("percussion", "sub bass") stay bare."""
    if is_plural(name) or (name.endswith(_UNCOUNTED) and not name.endswith(_SOLID_BASSES)):
        return name
    return f"a {name}"


def third_person(verb_phrase: str) -> str:
    """'carry the tune' -> 'carries the tune'; the first word is the verb, in its base form."""
    verb, _, rest = verb_phrase.partition(" ")
    if re.search(r"[^aeiou]y$", verb):
        verb = verb[:-1] + "ies"
    elif verb.endswith(("s", "sh", "ch", "x", "o")):
        verb += "es"
    else:
        verb += "s"
    return f"{verb} {rest}" if rest else verb


def clause(subject: str, verb_phrase: str) -> str:
    """Subject with article and agreeing verb: ('soft piano', 'play chords') -> 'a soft piano plays chords'."""
    return f"{with_article(subject)} {verb_phrase if is_plural(subject) else third_person(verb_phrase)}"


def _article(match: re.Match[str]) -> str:
    word = match.group(2)
    vowel = bool(_SOUNDS_VOWEL.match(word)) and not _SOUNDS_CONSONANT.match(word)
    return f"{match.group(1)}n " if vowel else match.group(0)


def polish(sentence: str) -> str:
    """Mend 'a' before a vowel sound, and start with a capital."""
    sentence = _ARTICLE.sub(_article, sentence)
    return sentence[0].upper() + sentence[1:]
