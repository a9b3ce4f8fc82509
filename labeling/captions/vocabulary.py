"""A vocabulary: a named set of captions, normalised and deduplicated, with every loss counted by its reason.

`keyed` and `merge` are the two halves of the grouping, so that Beam can do it by key; `vocabulary_table` does it in this process.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.tally import Tally
from noise2music.labeling.captions.builtin import builtin_sentences, builtin_tags
from noise2music.labeling.captions.readers import EVAL, TRAIN, RawCaption, json_lines, musiccaps, open_source, tags
from noise2music.labeling.captions.text import MAX_CHARACTERS, caption_key, key_id, normalise_caption
from noise2music.labeling.schemas import VOCABULARY
from noise2music.labeling.settings import VocabularySettings

Losses = Counter[str]


@dataclass(frozen=True)
class Variant:
    """One occurrence of a caption in its display form, to be merged with the others that have the same key."""

    text: str
    split: str
    occurrences: int = 1


def read_captions(name: str, settings: VocabularySettings, losses: Tally, notes: Tally | None = None) -> Iterator[RawCaption]:
    """The captions of a vocabulary in the order of its source. Unreadable rows are counted in `losses`.

    notes: what about the source is not as declared. Raises UserError when the source or a column is missing.
    """
    kind = settings.kind
    if kind in ("builtin", "builtin-tags"):
        yield from (RawCaption(tag.text) for tag in builtin_tags() if tag.is_label)
    if kind in ("builtin", "builtin-sentences"):
        yield from (RawCaption(sentence) for sentence in builtin_sentences())
    if kind.startswith("builtin"):
        return
    file = open_source(name, settings.source, losses, Tally() if notes is None else notes)
    try:
        if kind == "tags":
            yield from tags(file, settings.column)
        elif kind == "jsonl":
            yield from json_lines(file, settings.column)
        else:
            yield from musiccaps(file, kind, settings.caption_split)
    except UserError as error:
        raise UserError(f"vocabulary {name}: {error}") from error


def check_captions(name: str, settings: VocabularySettings, captions: int, losses: Losses, examples: Iterable[str] = ()) -> None:
    """Raises UserError when a vocabulary has no caption. It names the file, and the losses by reason."""
    if captions:
        return
    lost = ", ".join(f"{count:,} x {reason}" for reason, count in sorted(losses.items()) if count)
    chosen = f' with caption_split = "{settings.caption_split}"' if settings.caption_split != "all" else ""
    example = next(iter(examples), "")
    raise UserError(
        f"vocabulary {name}: {settings.source or settings.kind} holds no caption{chosen}, so nothing can be labelled from it. "
        + (f"Lost: {lost}{f', for example {example}' if example else ''}. Mend these rows" if lost else "Fill the file")
        + " or take the vocabulary out of the configuration."
    )


def keyed(raw: Iterable[RawCaption], losses: Losses) -> Iterator[tuple[str, Variant]]:
    """(key, variant) of every caption that has meaning and is not too long; the others are counted as "empty" or "too_long"."""
    for caption in raw:
        if len(caption.text) > MAX_CHARACTERS and len(" ".join(caption.text.split())) > MAX_CHARACTERS:
            losses["too_long"] += 1
            continue
        text = normalise_caption(caption.text)
        key = caption_key(text)
        if key:
            yield key, Variant(text, caption.split, caption.occurrences)
        else:
            losses["empty"] += 1


def merge(caption_id: str, variants: Iterable[Variant]) -> dict[str, Any]:
    """All variants of one caption, in any order -> its row of schemas.VOCABULARY.

    The text is the most frequent variant (ties: the first in code point order). A caption that any held-out text uses is held out:
    "eval" wins over every other split, and every other split over "train".
    """
    spellings: Counter[str] = Counter()
    splits = set()
    for variant in variants:
        spellings[variant.text] += variant.occurrences
        splits.add(variant.split)
    return {
        "caption_id": caption_id,
        "caption": min(spellings, key=lambda text: (-spellings[text], text)),
        "occurrences": spellings.total(),
        "split": min(splits, key=lambda split: (split == TRAIN, split != EVAL, split)),
    }


def clean(raw: Iterable[RawCaption]) -> tuple[dict[str, list[Variant]], Losses]:
    """Captions by key, and how many were lost for which reason; all but one of those with the same key are lost as "duplicate"."""
    losses: Losses = Counter()
    groups: dict[str, list[Variant]] = {}
    for key, variant in keyed(raw, losses):
        groups.setdefault(key, []).append(variant)
    duplicates = sum(len(variants) - 1 for variants in groups.values())
    if duplicates:
        losses["duplicate"] = duplicates
    return groups, losses


def statistics(captions: int, losses: Losses) -> dict[str, float]:
    """Stage statistics: "read", "captions" and "lost:REASON", where read = captions + all that was lost."""
    lost = {f"lost:{reason}": float(count) for reason, count in sorted(losses.items())}
    return {"read": captions + sum(lost.values()), **lost, "captions": float(captions)}


def vocabulary_table(name: str, settings: VocabularySettings) -> tuple[pa.Table, dict[str, float]]:
    """A whole vocabulary -> table of schemas.VOCABULARY sorted by caption id, and statistics. Raises UserError as read_captions does."""
    unreadable = Tally()
    groups, losses = clean(read_captions(name, settings, unreadable))
    losses += unreadable.lost
    rows = sorted((merge(key_id(key), variants) for key, variants in groups.items()), key=lambda row: str(row["caption_id"]))
    check_captions(name, settings, len(rows), losses, (text for texts in unreadable.examples.values() for text in texts))
    return pa.Table.from_pylist(rows, VOCABULARY), statistics(len(rows), losses)
