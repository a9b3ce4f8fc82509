"""The chain of cleaning rules: every reply is split into sentences, and each sentence passes the rules in order."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import assert_never

from noise2music.core.data_files import content_hash
from noise2music.core.tally import Tally
from noise2music.labeling.captions.builtin.tags import tags_by_category
from noise2music.labeling.captions.cleaning.contradiction import contradiction
from noise2music.labeling.captions.cleaning.describes_music import SIDES, exemplars, not_music
from noise2music.labeling.captions.cleaning.names import names
from noise2music.labeling.captions.cleaning.phrases import read_phrases
from noise2music.labeling.captions.cleaning.sentence_rules import (
    REFUSALS,
    TRIVIA,
    Rule,
    Sentence,
    each,
    has_length,
    is_whole,
    language,
    low_information,
    quotes,
    refusal,
    second_person,
    tidy,
    trivia,
)
from noise2music.labeling.captions.cleaning.word_lists import word_lists
from noise2music.labeling.captions.contamination import HeldOutTexts, find_contamination
from noise2music.labeling.captions.text import split_sentences
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.writer_settings import Clean, RuleName

VERSION = 2
"""Raise it when the code of a rule, or code that rules use (sentences, normalise, contamination, minilm), changes the result."""

RULE_REASONS: Mapping[str, str] = {
    "tidy": "headings, labels, code, links and what has no letter are no sentences",
    "words": "too short or too long for a caption, or without its beginning or end",
    "language": "captions are in one language",
    "refusal": "refuses, guesses aloud or talks of the task",
    "names": "names the song, its artist or somebody else: a caption describes music, not a song",
    "trivia": "lyrics, charts, sales, awards, releases, lives: nothing that can be heard",
    "second_person": "speaks to somebody, or of the speaker",
    "quotes": "a quote or bracket opens or closes alone",
    "low_information": "could be said of any song",
    "contradiction": "contradicts what is known of the song",
    "held_out": "repeats a caption that is held out for evaluation",
    "not_music": "describes something else than music",
    "duplicate": "the same words as another caption",
    "near_duplicate": "nearly the same words as a better caption",
}
"""Why each rule removes a sentence, for people."""


def rules_identity() -> str:
    """Hash of VERSION and of all words, phrases and exemplars, so that changed rules give a new vocabulary."""
    phrases = [read_phrases(name).lines for name in (REFUSALS, TRIVIA)]
    return content_hash(VERSION, word_lists(), tags_by_category(), *map(exemplars, SIDES), *phrases)


class Chain:
    """The rules of `[clean]`, in their order. held_out: evaluation captions that no caption may repeat, None without any."""

    def __init__(self, settings: Clean, held_out: HeldOutTexts | None) -> None:
        self._rules = [(name, _rule(name, settings, held_out)) for name in settings.rules]

    def clean(self, replies: Sequence[tuple[Song, str]], tally: Tally) -> list[list[str]]:
        """The sentences that survive, reply by reply. `tally` counts what each rule removes.

        The result for a sentence depends on its text and its song alone.
        """
        sentences = [(number, Sentence(text, song)) for number, (song, reply) in enumerate(replies) for text in split_sentences(reply)]
        for name, rule in self._rules:
            texts = rule([sentence for _, sentence in sentences])
            survivors = []
            for (number, sentence), text in zip(sentences, texts, strict=True):
                if text is None:
                    tally.lose(name, sentence.text)
                else:
                    survivors.append((number, sentence if text == sentence.text else Sentence(text, sentence.song)))
            sentences = survivors
        by_reply: list[list[str]] = [[] for _ in replies]
        for number, sentence in sentences:
            by_reply[number].append(sentence.text)
        return by_reply


def _rule(name: RuleName, settings: Clean, held_out: HeldOutTexts | None) -> Rule:
    match name:
        case "tidy":
            return each(tidy)
        case "words":
            least, most = settings.min_words, settings.max_words
            return each(lambda text, _song: text if has_length(text, least, most) and is_whole(text) else None)
        case "language":
            return each(language(settings.language))
        case "refusal":
            return each(refusal)
        case "names":
            return each(names)
        case "trivia":
            return each(trivia)
        case "second_person":
            return each(second_person)
        case "quotes":
            return each(quotes)
        case "low_information":
            return each(low_information)
        case "contradiction":
            return each(contradiction)
        case "held_out":
            return each(lambda text, _song: text if held_out is None or not find_contamination([text], held_out) else None)
        case "not_music":
            return partial(not_music, settings.music_threshold)
        case _:
            assert_never(name)
