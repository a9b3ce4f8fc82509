"""The paper's sets of prompts from the tables that their makers publish: rows of key and prompt, as `n2m generate` takes them."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import read_uri
from noise2music.core.tables.row import Row
from noise2music.core.tables.tables import table_rows
from noise2music.models.job.prompt import check_key

PromptSet = Literal["musiccaps", "audioset", "magnatagatune", "mulamcap"]
SETS: tuple[PromptSet, ...] = get_args(PromptSet)
MUSIC = "/m/04rlf"
"""AudioSet's class "Music". It is left out of a prompt, for nearly every clip has it: the paper speaks of non-trivial labels."""
_NO_TAG = ("clip_id", "mp3_path")


@dataclass(frozen=True)
class SetRow:
    """reference: where the clip lies in the set's own folder of audio, where the table says it."""

    key: str
    prompt: str
    reference: str | None = None


@dataclass(frozen=True)
class PromptRows:
    """rows: in the order of the table. unlabelled: rows without a prompt. refused: keys that cannot name a file, with the reason."""

    rows: tuple[SetRow, ...]
    unlabelled: int
    refused: tuple[str, ...]


def read_prompt_set(name: PromptSet, table: str, balanced: bool = False, ontology: str | None = None) -> PromptRows:
    """Prompts of a set.

    musiccaps: the csv with ytid and caption; `balanced` keeps the thousand of is_balanced_subset. audioset: eval_segments.csv, with
    AudioSet's ontology.json, whose names of a clip's musical classes make the prompt. magnatagatune: annotations_final.csv, whose tags make
    the prompt. mulamcap: any table with key (or ytid, clip_id) and caption (or prompt), several rows a clip; it was never published.
    Raises UserError.
    """
    if balanced and name != "musiccaps":
        raise UserError("only MusicCaps has a balanced subset; leave --balanced out.")
    if (ontology is None) == (name == "audioset"):
        said = "audioset needs --ontology ontology.json, which names the classes" if ontology is None else f"{name} has no ontology"
        raise UserError(f"{said}.")
    found = _rows(name, table, balanced, ontology)
    rows: dict[str, SetRow] = {}
    refused: list[str] = []
    unlabelled = 0
    for row in found:
        try:
            key = check_key(row.key)
        except RowError as error:
            refused.append(error.message)
            continue
        if not row.prompt:
            unlabelled += 1
        elif rows.setdefault(key, row).prompt != row.prompt:
            raise UserError(f"{table}: {key} stands twice, with different texts.")
    if not rows:
        raise UserError(f"{table} holds no prompt of {name}. Is it another set's table?")
    return PromptRows(tuple(rows.values()), unlabelled, tuple(refused))


def prompts_csv(rows: PromptRows) -> bytes:
    """Columns key and prompt."""
    return _csv(("key", "prompt"), [(row.key, row.prompt) for row in rows.rows])


def pairs_csv(rows: PromptRows) -> bytes | None:
    """Columns key and reference, as `n2m evaluate --pairs` takes them; None where the table does not say where clips lie."""
    placed = [(row.key, row.reference) for row in rows.rows if row.reference]
    return _csv(("key", "reference"), placed) if placed else None


def _rows(name: PromptSet, table: str, balanced: bool, ontology: str | None) -> Iterator[SetRow]:
    if name == "musiccaps":
        yield from _musiccaps(table, balanced)
    elif name == "audioset":
        yield from _audioset(table, musical_classes(str(ontology)))
    elif name == "magnatagatune":
        yield from _magnatagatune(table)
    else:
        yield from _mulamcap(table)


def _musiccaps(table: str, balanced: bool) -> Iterator[SetRow]:
    for row in table_rows(table, None, hint_columns=("ytid", "caption")):
        _need(row, "ytid", "caption", *(("is_balanced_subset",) if balanced else ()))
        if not balanced or str(row.cells["is_balanced_subset"]).strip().lower() in ("true", "1", "1.0"):
            yield SetRow(_text(row, "ytid"), _text(row, "caption"))


def _audioset(table: str, classes: Mapping[str, str]) -> Iterator[SetRow]:
    """Lines of: id, from, to, "class,class,..."; those that begin with # are comments."""
    lines = (line for line in read_uri(table).decode("utf-8", "replace").splitlines() if line.strip() and not line.startswith("#"))
    for cells in csv.reader(lines, skipinitialspace=True):
        if len(cells) != 4:
            raise UserError(f"{table}: {','.join(cells)[:80]!r} is no line of AudioSet's segments: id, start, end, classes in quotes.")
        names = [classes[label.strip()] for label in cells[3].split(",") if label.strip() in classes and label.strip() != MUSIC]
        yield SetRow(cells[0].strip(), ", ".join(names))


def musical_classes(ontology: str) -> dict[str, str]:
    """AudioSet's ontology.json -> id and name of every class below Music, itself too. Raises UserError."""
    try:
        entries: dict[str, Any] = {entry["id"]: entry for entry in json.loads(read_uri(ontology))}
        waiting, found = [MUSIC], dict[str, str]()
        while waiting:
            entry = entries[waiting.pop()]
            if entry["id"] not in found:
                found[entry["id"]] = entry["name"]
                waiting += entry["child_ids"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{ontology} is not AudioSet's ontology.json, a list of id, name and child_ids ({error!r}).") from None
    return found


def _magnatagatune(table: str) -> Iterator[SetRow]:
    for row in table_rows(table, None, hint_columns=_NO_TAG):
        _need(row, *_NO_TAG)
        tags = [tag for tag in row.cells if tag not in _NO_TAG and str(row.cells[tag]).strip() in ("1", "1.0")]
        yield SetRow(_text(row, "clip_id"), ", ".join(tags), _text(row, "mp3_path"))


def _mulamcap(table: str) -> Iterator[SetRow]:
    times: dict[str, int] = {}
    for row in table_rows(table, None, hint_columns=("key", "ytid", "clip_id", "caption", "prompt")):
        key = next((_text(row, column) for column in ("key", "ytid", "clip_id") if column in row.cells), "")
        text = next((_text(row, column) for column in ("caption", "prompt") if column in row.cells), "")
        if not key:
            raise UserError(f"{row.where}: a table of captions has a column key, ytid or clip_id, and caption or prompt.")
        times[key] = times.get(key, 0) + 1
        yield SetRow(f"{key}.{times[key]}", text)


def _need(row: Row, *columns: str) -> None:
    missing = [column for column in columns if column not in row.cells]
    if missing:
        raise UserError(f"{row.where}: there is no column {', '.join(missing)}. Is it another set's table?")


def _text(row: Row, column: str) -> str:
    return " ".join(" ".join(row.texts(column)).split())


def _csv(names: tuple[str, str], rows: list[tuple[str, str]]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return sink.getvalue().encode()
