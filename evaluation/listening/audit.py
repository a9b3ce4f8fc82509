"""Makes an audit of labels: labels drawn from the current ones of a root, each with its clip, and nothing of its score.

Labels are drawn by what they speak of: an instrument, a genre, a mood, by the words of the built-in vocabulary.
"""

import io
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from heapq import nsmallest
from typing import Any, BinaryIO

import numpy as np

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import hash_uniform, id_to_int, ids_to_uint64, stable_id
from noise2music.core.storage import Store, open_existing
from noise2music.evaluation.listening.attention import attention_text
from noise2music.evaluation.listening.clip_audio import Heard, OpenFile, measure
from noise2music.evaluation.listening.clip_set import (
    NOISE,
    THREADS,
    Clip,
    ClipSet,
    ClipSource,
    attention_sources,
    encode_clips,
    protocol_of,
)
from noise2music.evaluation.listening.design import chance
from noise2music.evaluation.listening.place import write_test
from noise2music.evaluation.listening.questionnaire import Item, Key, KeyEntry, Label, Questionnaire, questions, sealed
from noise2music.evaluation.listening.settings import AuditSettings
from noise2music.labeling.captions.builtin.tags import builtin_tags
from noise2music.labeling.datasets.audio_files import INLINE, REFERENCE, AudioFiles, audio_of_row
from noise2music.labeling.datasets.current import open_current
from noise2music.labeling.datasets.parts import read_parquet

_COLUMNS = ("clip_id", "track_key", "start_ms", "labels")
_SPARE = 1.2
"""Labels drawn beyond those wanted: some clips cannot be heard."""


@dataclass(frozen=True)
class MadeAudit:
    """An audit that was written. labels: how many are judged, of `of` in the root. said: what its maker should know."""

    key: Key
    labels: int
    of: int
    clips: int
    said: tuple[str, ...]


def make_audit(settings: AuditSettings) -> MadeAudit:
    """Write an audit into `settings.out`: `page/` for the raters, key.json for who made it.

    Every label of the root is equally likely to be drawn, by a hash of clip, vocabulary and caption. Raises UserError.
    """
    root = open_existing(settings.root)
    drawn, total = _drawn(root, settings)
    if not drawn:
        raise UserError(f"{settings.root} has no labels to judge.")
    opened = _audio(root, drawn)
    with ThreadPoolExecutor(THREADS) as pool:
        heard = dict(zip(opened, pool.map(lambda file: _measure(file, settings.seconds), opened.values()), strict=True))
    wrong = {clip: found for clip, found in heard.items() if isinstance(found, RowError)}
    usable = [row for row in drawn if row["clip_id"] not in wrong][: settings.labels]
    if not usable:
        raise UserError(f"no clip of {settings.root} can be heard, the first: {next(iter(wrong.values())).message}")
    sources: dict[Clip, ClipSource] = {}
    for row in usable:
        found = heard[row["clip_id"]]
        if isinstance(found, Heard):
            sources["", row["clip_id"]] = ClipSource(opened[row["clip_id"]], found, min(settings.seconds, found.seconds))
    if settings.absurd:
        sources[NOISE] = attention_sources(min(source.seconds for source in sources.values()), settings.seed)[NOISE]
    clips = encode_clips(sources, settings.seconds, settings.loudness)
    questionnaire, key = _sealed(settings, usable, clips)
    write_test(Store(settings.out), questionnaire, key, clips.files)
    said = [f"{clip}: {error.reason}: {error.message}" for clip, error in sorted(wrong.items())]
    return MadeAudit(key, len(usable), total, len(sources) - settings.absurd, (*said, *clips.said))


def _drawn(root: Store, settings: AuditSettings) -> tuple[list[dict[str, Any]], int]:
    """The labels with the lowest hashes, a fifth more than are wanted, with their clip; and how many labels there are."""
    dataset = open_current(root)
    wanted = round(settings.labels * _SPARE) + 1
    lowest: list[tuple[float, str, dict[str, Any]]] = []
    total = 0
    for record in dataset.manifest.parts:
        for file in record.files:
            path = f"{dataset.path}/{file.path}"
            rows = [
                {"path": path, "vocabulary": label["vocabulary"], "caption": label["caption"], "caption_id": label["caption_id"], **clip}
                for clip in read_parquet(root, path, list(_COLUMNS)).to_pylist()
                for label in clip.pop("labels")
            ]
            total += len(rows)
            ranks = _ranks(rows, settings.seed)
            # Ties cannot be: a hash differs where clip, vocabulary or caption does.
            here = [(float(rank), f"{row['clip_id']} {row['caption_id']}", row) for rank, row in zip(ranks, rows, strict=True)]
            lowest = nsmallest(wanted, [*lowest, *here], key=lambda item: item[:2])
    return [row for _, _, row in lowest], total


def _ranks(rows: Sequence[dict[str, Any]], seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    import pyarrow as pa

    clips, captions = (ids_to_uint64(pa.array([row[name] for row in rows], pa.string())) for name in ("clip_id", "caption_id"))
    vocabularies = np.array([id_to_int(stable_id("audit", row["vocabulary"])) for row in rows], np.uint64)
    return hash_uniform(seed, clips, vocabularies, captions)


def _audio(root: Store, rows: Sequence[dict[str, Any]]) -> dict[str, OpenFile]:
    """Clip -> its FLAC, in the order of the rows."""
    wanted = {row["clip_id"] for row in rows}
    files = AudioFiles(root)
    found: dict[str, bytes] = {}
    try:
        for path in sorted({row["path"] for row in rows}):
            for row in read_parquet(root, path, ["clip_id", *REFERENCE, *INLINE]).to_pylist():
                if row["clip_id"] in wanted:
                    found[row["clip_id"]] = audio_of_row(row, files)
    finally:
        files.close()
    return {row["clip_id"]: _opener(found[row["clip_id"]]) for row in rows}


def _opener(data: bytes) -> OpenFile:
    def opened() -> BinaryIO:
        return io.BytesIO(data)

    return opened


def _measure(opened: OpenFile, seconds: float) -> Heard | RowError:
    try:
        return measure(opened, seconds)
    except RowError as error:
        return error


def _sealed(settings: AuditSettings, rows: Sequence[dict[str, Any]], clips: ClipSet) -> tuple[Questionnaire, Key]:
    items: dict[str, KeyEntry] = {}

    def item(row: dict[str, Any], name: str, of: str | None) -> Item:
        label = Label(
            clip=row["clip_id"],
            track=row["track_key"],
            start_ms=row["start_ms"],
            vocabulary=row["vocabulary"],
            caption=row["caption"],
            aspect=aspect_of(row["caption"]),
        )
        items[name] = KeyEntry(role="judged" if of is None else "repeated", sheet=0, label=label, of=of)
        return Item(id=name, text=row["caption"], clips=(clips.names["", row["clip_id"]],))

    names = [stable_id(clips.salt, "item", place) for place in range(len(rows))]
    shown = [item(row, name, None) for row, name in zip(rows, names, strict=True)]
    early = sorted(range(len(rows) // 2), key=lambda place: chance(settings.seed, "repeat", place))[: settings.repeats]
    for count, place in enumerate(early):
        least = len(rows) * 2 // 3
        again = item(rows[place], stable_id(clips.salt, "again", place), names[place])
        shown.insert(least + int(chance(settings.seed, "room", count) * (len(shown) - least + 1)), again)
    if settings.absurd:
        absurd = Item(id=stable_id(clips.salt, "absurd"), text=attention_text("label"), clips=(clips.names[NOISE],))
        shown.insert(1 + int(chance(settings.seed, "absurd place") * len(shown)), absurd)
        items[absurd.id] = KeyEntry(role="absurd", sheet=0, right=1)
    design = f"{len(rows)} labels, {len(early)} repeats, {int(settings.absurd)} absurd; seed {settings.seed}"
    protocol = {**protocol_of(clips, settings.seconds, settings.must_hear), "design": design}
    return sealed("labels", questions(["label"]), settings.must_hear, [], [shown], [], protocol, items)


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
