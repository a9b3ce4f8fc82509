"""Reads captions from files: MusicCaps-form csv, lists of tags, lines of JSON. What cannot be read is counted by reason."""

import ast
import csv
import difflib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from labeling.errors import UserError
from labeling.sentences import split_sentences

TRAIN, EVAL = "train", "eval"
MUSICCAPS_COLUMNS = ("aspect_list", "caption", "is_audioset_eval")
MAX_LIST_CHARACTERS = 20_000
HELD_OUT = {"true": True, "1": True, "false": False, "0": False}

Losses = Counter[str]


@dataclass(frozen=True)
class RawCaption:
    """A caption as it was found. split: "eval" when it describes a held-out evaluation clip. occurrences: above 1 in counted lists."""

    text: str
    split: str = TRAIN
    occurrences: int = 1


def open_source(name: str, source: str | None) -> BinaryIO:
    """The file of a vocabulary, local or in an object store. Raises UserError when it is not given or not there."""
    if not source:
        raise UserError(f"vocabulary {name} needs a source: give the path or URI of its file as `source`")
    from labeling.storage import Store, is_remote, local_path

    try:
        if is_remote(source):
            folder, _, file = source.rpartition("/")
            return Store(folder).reader(file)
        return local_path(source).open("rb")
    except OSError as error:
        beside = [] if is_remote(source) else _names_beside(source)
        advice = _nearest(source.rsplit("/", 1)[-1], beside) or "check the path; relative paths start at the working folder"
        raise UserError(f"vocabulary {name}: cannot read {source} ({error.strerror or type(error).__name__}): {advice}") from error


def _names_beside(source: str) -> list[str]:
    from labeling.storage import local_path

    folder = local_path(source).parent
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _nearest(wanted: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _missing(name: str, source: str, wanted: str, names: Sequence[str]) -> UserError:
    advice = _nearest(wanted, names) or f"it has {', '.join(names[:12]) or 'no columns'}"
    return UserError(f"vocabulary {name}: {source} has no column {wanted!r}: {advice}")


def csv_rows(name: str, source: str, file: BinaryIO, columns: Sequence[str], losses: Losses) -> Iterator[dict[str, str]]:
    """Rows of a csv whose header has `columns`. A row with cells too few or too many is lost as "bad_row", one not in UTF-8 as "not_utf8".

    Raises UserError when a column is missing.
    """
    text = io.TextIOWrapper(cast(Any, file), "utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text)
    try:
        header = [cell.strip() for cell in next(rows, [])]
    except csv.Error as error:
        raise UserError(f"vocabulary {name}: {source} is not a csv file ({error})") from error
    for column in columns:
        if column not in header:
            raise _missing(name, source, column, header)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            losses["bad_row"] += 1
            continue
        if not row:
            continue
        if len(row) != len(header):
            losses["bad_row"] += 1
        elif any("\udc80" <= mark <= "\udcff" for cell in row for mark in cell if not cell.isascii()):
            losses["not_utf8"] += 1
        else:
            yield dict(zip(header, row, strict=True))


def musiccaps(name: str, source: str, file: BinaryIO, kind: str, caption_split: str, losses: Losses) -> Iterator[RawCaption]:
    """Aspects or sentences of a MusicCaps-form csv; `caption_split` ("all", "train", "eval") chooses rows by `is_audioset_eval`."""
    for row in csv_rows(name, source, file, MUSICCAPS_COLUMNS, losses):
        held_out = HELD_OUT.get(row["is_audioset_eval"].strip().lower())
        if held_out is None:
            losses["bad_split"] += 1
            continue
        split = EVAL if held_out else TRAIN
        if caption_split not in ("all", split):
            continue
        texts = _aspects(row["aspect_list"], losses) if kind == "musiccaps-aspects" else _sentences(row["caption"], losses)
        for text in texts:
            yield RawCaption(text, split)


def _sentences(caption: str, losses: Losses) -> Iterator[str]:
    for sentence in split_sentences(caption):
        if len(sentence.split()) > 1:
            yield sentence
        else:
            losses["fragment"] += 1


def _aspects(cell: str, losses: Losses) -> Iterator[str]:
    """The strings of a Python list literal; nothing is evaluated but literals."""
    try:
        if len(cell) > MAX_LIST_CHARACTERS:
            raise ValueError("too long")
        aspects = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        aspects = None
    if not isinstance(aspects, list):
        losses["bad_aspect_list"] += 1
        return
    for aspect in aspects:
        if isinstance(aspect, str):
            yield aspect
        else:
            losses["not_text"] += 1


def text_lines(file: BinaryIO, losses: Losses) -> Iterator[str]:
    """Lines of a UTF-8 file, blank ones left out; a line in another encoding is lost as "not_utf8"."""
    for position, line in enumerate(file):
        try:
            text = line.decode("utf-8-sig" if position == 0 else "utf-8").strip()
        except UnicodeDecodeError:
            losses["not_utf8"] += 1
            continue
        if text:
            yield text


def json_lines(name: str, source: str, file: BinaryIO, column: str, losses: Losses) -> Iterator[RawCaption]:
    """One JSON object a line; the caption stands under `column`, its split under "split" where there is one.

    Raises UserError when no line has the column.
    """
    found = 0
    seen: dict[str, None] = {}
    for line in text_lines(file, losses):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            losses["bad_row"] += 1
            continue
        text = row.get(column) if isinstance(row, dict) else None
        if isinstance(row, dict) and text is None and len(seen) < 100:
            seen.update(dict.fromkeys(row))
        split = row.get("split", TRAIN) if isinstance(row, dict) else None
        if not isinstance(text, str) or not isinstance(split, str) or not split.strip():
            losses["bad_row"] += 1
            continue
        found += 1
        yield RawCaption(text, split.strip())
    if not found and seen:
        raise _missing(name, source, column, list(seen))


def tags(name: str, source: str, file: BinaryIO, column: str, losses: Losses) -> Iterator[RawCaption]:
    """Tags by the suffix of `source`: .json, .csv (the given column, or the only one), otherwise one a line."""
    suffix = source.rsplit(".", 1)[-1].lower()
    if suffix == "json":
        try:
            content = json.load(file)
        except (ValueError, RecursionError) as error:
            raise UserError(f"vocabulary {name}: {source} is not JSON ({error})") from error
        yield from json_tags(content, losses)
    elif suffix == "csv":
        yield from _csv_tags(name, source, file, column, losses)
    else:
        yield from (RawCaption(text) for text in text_lines(file, losses))


def _csv_tags(name: str, source: str, file: BinaryIO, column: str, losses: Losses) -> Iterator[RawCaption]:
    content = file.read()
    header = [cell.strip() for cell in content.split(b"\n", 1)[0].decode("utf-8-sig", "replace").split(",")]
    if len(header) > 1 or column in header:
        yield from (RawCaption(row[column]) for row in csv_rows(name, source, io.BytesIO(content), (column,), losses))
    else:
        headed = io.BytesIO(column.encode() + b"\n" + content.removeprefix(b"\xef\xbb\xbf"))
        yield from (RawCaption(row[column]) for row in csv_rows(name, source, headed, (column,), losses))


def json_tags(content: object, losses: Losses) -> Iterator[RawCaption]:
    """A list of names or of [name, count] pairs, an object {name: count}, or an object of such lists by group."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from json_tags(value, losses) if isinstance(value, list | dict) else _counted(key, value, losses)
    elif isinstance(content, list):
        for item in content:
            if isinstance(item, list) and len(item) == 2:
                yield from _counted(item[0], item[1], losses)
            else:
                yield from _counted(item, 1, losses)
    else:
        losses["not_text"] += 1


def _counted(text: object, count: object, losses: Losses) -> Iterable[RawCaption]:
    if isinstance(text, str) and isinstance(count, int) and not isinstance(count, bool) and count > 0:
        return (RawCaption(text, TRAIN, count),)
    losses["not_text" if not isinstance(text, str) else "bad_count"] += 1
    return ()
