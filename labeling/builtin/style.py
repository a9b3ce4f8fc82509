"""A style: which instruments, voices and characters a genre brings along, so that a sentence does not put a banjo into techno."""

from dataclasses import dataclass

from labeling.builtin.lists import comma_list


@dataclass(frozen=True)
class Style:
    """One family of genres.

    genres: names that fit "a ... piece". lead: carries a melody. chords: accompanies. bass, beat: empty where the style has none.
    voices: singers and choirs, singular. characters: keys of CHARACTERS.
    """

    genres: tuple[str, ...]
    lead: tuple[str, ...]
    chords: tuple[str, ...]
    bass: tuple[str, ...]
    beat: tuple[str, ...]
    voices: tuple[str, ...]
    characters: tuple[str, ...]


def style(genres: str, lead: str, chords: str, bass: str, beat: str, voices: str, characters: str) -> Style:
    """A style from comma-separated lists."""
    return Style(*(comma_list(text) for text in (genres, lead, chords, bass, beat, voices, characters)))
