"""Reads captions from files: MusicCaps-form tables, lists of tags, lines of JSON. Unreadable rows are counted by reason."""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from noise2music.core.errors import UserError
from noise2music.core.storage import is_remote, local_path, read_uri
from noise2music.core.tables.cell_items import UnreadableCellError, is_list_text, list_items, looks_listed, plain_text, split_plain
from noise2music.core.tables.encodings import decode_text
from noise2music.core.tables.row import Row, missing, require_columns
from noise2music.core.tables.tables import format_of, table_rows, text_rows
from noise2music.core.tally import Tally
from noise2music.labeling.captions.text import split_sentences

TRAIN, EVAL = "train", "eval"
MUSICCAPS_COLUMNS = ("aspect_list", "caption", "is_audioset_eval")
IS_EVAL = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_COMMENT = re.compile(r"#+(?:\s|$)")
_COUNTED = re.compile(r".*[^\s\d.,;|].*(?:[;\t|]|,(?=\S))\s*\d+")


@dataclass(frozen=True)
class RawCaption:
    """A caption as it stands in the file. split: "eval" when it describes a held-out evaluation clip. occurrences: above 1 in counted
    lists.
    """

    text: str
    split: str = TRAIN
    occurrences: int = 1


@dataclass(frozen=True)
class CaptionFile:
    """The content of a vocabulary's file. losses: lost rows and items, by reason. notes: what is not as declared."""

    source: str
    data: bytes
    losses: Tally
    notes: Tally

    def rows(
        self, columns: Sequence[str] | None, text_column: str | None = None, form: str = "csv", hint_columns: Sequence[str] = ()
    ) -> Iterator[Row]:
        """Its rows as a table; `form` where its suffix names no format."""
        form = format_of(self.source) or form
        ways: dict[str, Any] = {"notes": self.notes, "losses": self.losses, "data": self.data}
        return table_rows(self.source, columns, hint_columns=hint_columns, text_column=text_column, form=form, **ways)

    def lose(self, row: Row, reason: str, message: str) -> None:
        """Count a row, or an item of it, that is lost."""
        self.losses.lose(reason, f"{row.where}: {message}")


def open_source(name: str, source: str | None, losses: Tally, notes: Tally) -> CaptionFile:
    """The file of a vocabulary, local or in an object store. Raises UserError when it is not given or not there."""
    if not source:
        raise UserError(f"vocabulary {name} needs a source: give the path or URI of its file as `source`")
    try:
        return CaptionFile(source, read_uri(source), losses, notes)
    except UserError as error:
        near = difflib.get_close_matches(source.rsplit("/", 1)[-1], [] if is_remote(source) else _names_beside(source), n=3)
        advice = f" did you mean {' or '.join(near)}?" if near else ""
        raise UserError(f"vocabulary {name}: {error}{advice}") from error


def _names_beside(source: str) -> list[str]:
    folder = local_path(source).parent
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def musiccaps_rows(file: CaptionFile) -> Iterator[tuple[Row, bool]]:
    """Rows of a MusicCaps-form table, and whether each is held out for evaluation. A row without that is lost as "bad_split"."""
    for row in file.rows(MUSICCAPS_COLUMNS):
        cell = row.cells["is_audioset_eval"]
        is_eval = cell if isinstance(cell, bool) else IS_EVAL.get((plain_text(cell) or "").strip().lower().removesuffix(".0"))
        if is_eval is None:
            file.lose(row, "bad_split", f"is_audioset_eval is {str(cell)[:40]!r}, neither True nor False")
        else:
            yield row, is_eval


def musiccaps(file: CaptionFile, kind: str, caption_split: str) -> Iterator[RawCaption]:
    """Aspects or sentences of a MusicCaps-form table; `caption_split` ("all", "train", "eval") chooses rows by `is_audioset_eval`."""
    for row, is_eval in musiccaps_rows(file):
        split = EVAL if is_eval else TRAIN
        if caption_split in ("all", split):
            for text in _aspects(file, row) if kind == "musiccaps-aspects" else _sentences(file, row):
                yield RawCaption(text, split)


def _sentences(file: CaptionFile, row: Row) -> Iterator[str]:
    for caption in _items(file, row, "caption"):
        for sentence in split_sentences(caption):
            if len(sentence.split()) > 1:
                yield sentence
            else:
                file.lose(row, "fragment", sentence)


def _aspects(file: CaptionFile, row: Row) -> Iterator[str]:
    """The texts of a list, in any of the forms of core.tables.cell_items, or of one without quotes."""
    cell = row.cells["aspect_list"]
    if isinstance(cell, str) and not looks_listed(cell) and not missing(cell):
        try:
            yield from split_plain(cell)
        except UnreadableCellError as error:
            file.lose(row, "bad_aspect_list", str(error))
        return
    yield from _items(file, row, "aspect_list", "bad_aspect_list", looks_listed)


def _items(
    file: CaptionFile, row: Row, column: str, unreadable: str = "bad_list", is_listed: Callable[[str], bool] = is_list_text
) -> Iterator[str]:
    """The texts in a cell, be it one, a list, or written as a list."""
    value = row.cells.get(column)
    if value is None or (isinstance(value, str) and missing(value)) or (isinstance(value, float) and plain_text(value) is None):
        file.lose(row, "missing", f"{column} holds nothing")
        return
    try:
        items = list_items(value) if not isinstance(value, str) or is_listed(value) else [value]
    except UnreadableCellError as error:
        file.lose(row, unreadable if error.reason == "bad_list" else error.reason, str(error))
        return
    for item in items:
        if isinstance(item, str):
            yield item.encode("utf-8", "replace").decode()
        else:
            file.lose(row, "not_text", f"{column} holds {str(item)[:40]!r}, which is no text")


def json_lines(file: CaptionFile, column: str) -> Iterator[RawCaption]:
    """Objects or rows; the caption, or several, stand under `column`, their split under "split" where there is one.

    Raises UserError when no row has the column.
    """
    has_column = False
    names: dict[str, None] = {}
    form = "json" if format_of(file.source) in (None, "txt") else format_of(file.source)
    ways: dict[str, Any] = {"notes": file.notes, "losses": file.losses, "data": file.data}
    for row in table_rows(file.source, None, hint_columns=(column.casefold(),), text_column=column, form=form, **ways):
        value, split = row.cells.get(column), row.cells.get("split", TRAIN)
        if len(names) < 100:
            names.update(dict.fromkeys(row.cells))
        if not isinstance(split, str) or missing(split):
            file.lose(row, "bad_row", f"its split is {str(split)[:40]!r}, which is no text")
        elif not isinstance(value, str | list | dict):
            file.lose(row, "bad_row", f"{column} is {str(value)[:40]!r}, which is no text")
        else:
            has_column = True
            yield from (RawCaption(text, split.strip()) for text in _items(file, row, column))
    if not has_column and names and column not in names:
        require_columns(file.source, list(names), (column,))


def tags(file: CaptionFile, column: str) -> Iterator[RawCaption]:
    """Tags by the suffix: .json (`json_tags`), a table (the given column, or the only one), otherwise one a line."""
    form = format_of(file.source)
    if form == "json" and file.source.lower().endswith(".json"):
        decoded = decode_text(file.source, file.data, file.notes)
        try:
            content = json.loads(decoded.text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{file.source} is not JSON ({error})") from error
        if not (isinstance(content, list) and any(isinstance(item, dict) for item in content)):
            yield from json_tags(content, file.losses, file.source)
            return
    if form in (None, "txt") and not _is_table(file, column):
        yield from _tag_lines(file)
        return
    for row in file.rows((column,), column, "csv" if form in (None, "txt") else str(form)):
        for item in _items(file, row, column):
            pieces = [piece.strip() for piece in item.split("|")] if "|" in item else [item]
            yield from (RawCaption(piece) for piece in pieces if piece or len(pieces) == 1)


def _is_table(file: CaptionFile, column: str) -> bool:
    """Whether a text file is a table: its first line has the column beside others, with a tab between them."""
    first = next((row.cells["line"] for row in text_rows(file.source, "line", losses=Tally(), data=file.data)), "")
    return "\t" in first and column in [cell.strip() for cell in first.split("\t")]


def _tag_lines(file: CaptionFile) -> Iterator[RawCaption]:
    """Lines of a text file; those that begin with "# " are comments. Raises UserError when every line is a text and a number."""
    lines = [row.cells["line"] for row in text_rows(file.source, "line", file.notes, file.losses, file.data)]
    captions = [line for line in lines if not _COMMENT.match(line)]
    if len(captions) < len(lines):
        file.notes.lose("comments", f'{file.source}: lines that begin with "# " are no captions', len(lines) - len(captions))
    if len(captions) > 1 and all(_COUNTED.fullmatch(line) for line in captions):
        raise UserError(
            f"{file.source}: every line ends with a separator and a number, as {captions[0][:60]!r} does. "
            "Name it .csv and give it a header, so that it is clear which column holds the texts."
        )
    yield from (RawCaption(line) for line in captions)


def json_tags(content: object, losses: Tally, source: str = "") -> Iterator[RawCaption]:
    """A list of names or of [name, count] pairs, an object {name: count}, or an object of such lists by group."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from json_tags(value, losses, source) if isinstance(value, list | dict) else _counted(key, value, losses, source)
    elif isinstance(content, list):
        for item in content:
            if isinstance(item, list) and len(item) == 2:
                yield from _counted(item[0], item[1], losses, source)
            else:
                yield from _counted(item, 1, losses, source)
    else:
        losses.lose("not_text", f"{source}: {str(content)[:40]!r} is no text")


def _counted(text: object, count: object, losses: Tally, source: str) -> Iterable[RawCaption]:
    if isinstance(text, str) and isinstance(count, int) and not isinstance(count, bool) and count > 0:
        return (RawCaption(text.encode("utf-8", "replace").decode(), TRAIN, count),)
    reason = "not_text" if not isinstance(text, str) else "bad_count"
    losses.lose(reason, f"{source}: {str(text)[:40]!r} with the count {str(count)[:40]!r}")
    return ()
