"""Matches a metadata table with a corpus, and reports what does not match."""

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from noise2music.core.errors import UserError
from noise2music.core.tables.tables import table_rows
from noise2music.core.tally import Tally
from noise2music.labeling.corpus.matching import match_names
from noise2music.labeling.corpus.metadata import Metadata, MetadataMatch, read_metadata
from noise2music.labeling.corpus.spelling import folded, stem_of
from noise2music.labeling.settings import Corpus

EXAMPLES = 3
_MAX_CHARACTERS = 120
_TRIED_ROWS = 2000
_COMPARED = 50
HOW = {
    "spelling": "its path is written in another way",
    "folder": "one of the two paths has more folders in front",
    "case": "upper and lower case differ",
    "suffix": "the suffix differs or is missing",
    "number": "the name is the same number",
}


@dataclass(frozen=True)
class Oddity:
    """One row or file that did not match exactly. key: a file's key or a row's name. about_file: whether it is a file's key."""

    reason: str
    key: str
    message: str
    about_file: bool = False


def describe(corpus: Corpus, keys: Collection[str], notes: Tally | None = None) -> tuple[Metadata, MetadataMatch]:
    """The corpus's metadata table, and which row describes which file; both empty without a table.

    notes: what in the table is not as declared. Reads only the table, so it can run before anything expensive. Raises UserError: the table
    cannot be read, or too few rows match a file: less than `corpus.min_matched` of the rows or of the files, whichever are fewer.
    """
    if not corpus.metadata:
        return Metadata({}, frozenset()), MetadataMatch(dict.fromkeys(keys))
    metadata = read_metadata(corpus.metadata, corpus.columns, notes)
    described = metadata.match(keys)
    rows = len(metadata.rows)
    least = min(rows, len(keys))
    if keys and (described.match_count == 0 or described.match_count < corpus.min_matched * least):
        raise UserError(_complaint(corpus, keys, described, rows) if rows else _nameless(corpus, metadata.keyless))
    return metadata, described


def oddities(described: MetadataMatch) -> Iterator[Oddity]:
    """Rows and files that matched by a looser step or not at all, each once, in a fixed order."""
    for step, rows in sorted(described.by_step.items()):
        for key, name in sorted(rows.items()):
            yield Oddity(f"matched_by_{step}", key, f"described by the row {quote(name)}: {HOW[step]}", True)
    for key, row in sorted(described.tracks.items()):
        if row is None:
            yield Oddity("file_without_metadata", key, "no row of the metadata table describes it", True)
    for name in described.without_file:
        if name in described.ambiguous_rows:
            files = ", ".join(map(quote, described.ambiguous_rows[name]))
            yield Oddity("ambiguous_row", name, f"this row of the metadata table could mean {files}, so it is used for none")
        elif name in described.second_rows:
            yield Oddity(
                "second_row", name, f"another row of the metadata table describes {quote(described.second_rows[name])} more exactly"
            )
        elif name in described.hints:
            yield Oddity("row_without_file", name, f"no file has this path; in another folder there is {quote(described.hints[name][0])}")
        else:
            yield Oddity("row_without_file", name or "(no name)", "no file is meant by this row of the metadata table")


def quote(text: str) -> str:
    """A name in a message: quoted, and not too long."""
    return repr(text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…")


def _nameless(corpus: Corpus, keyless: int) -> str:
    what = f"{corpus.metadata}: none of {keyless} rows has a name in column {corpus.columns.key!r}"
    return f"{what}. Name the column that holds the files in `corpus.columns.key`, mend the table, or leave out corpus.metadata."


def _complaint(corpus: Corpus, keys: Collection[str], described: MetadataMatch, rows: int) -> str:
    what = f"{corpus.metadata}: {described.match_count} of {rows} rows meet a file of {corpus.audio}, which has {len(keys)}"
    names = [name for name in described.without_file if name][:EXAMPLES]
    files = [key for key in sorted(described.tracks) if described.tracks[key] is None][:EXAMPLES]
    examples = f"Rows: {', '.join(map(quote, names)) or 'none'}. Files: {', '.join(map(quote, files)) or 'none'}"
    least = f" (corpus.min_matched = {corpus.min_matched:g})" if described.match_count else ""
    return (
        f"{what}{least}. {examples}. {_nearest(corpus, keys, described, names)} "
        f"Name the column that holds the files in `corpus.columns.key` (now {corpus.columns.key!r}), mend the table, "
        + ("lower corpus.min_matched, " if described.match_count else "")
        + "or leave out corpus.metadata."
    )


def _nearest(corpus: Corpus, keys: Collection[str], described: MetadataMatch, names: Sequence[str]) -> str:
    """A sentence about what comes nearest to a match."""
    column, matches, row_count = _best_column(corpus, keys)
    if matches > described.match_count:
        return f"The column {column!r} would meet {matches} files (in the first {row_count} rows)."
    if described.ambiguous_rows:
        name, could = next(iter(sorted(described.ambiguous_rows.items())))
        return f"{len(described.ambiguous_rows)} rows could mean several files, for example {quote(name)}: {', '.join(map(quote, could))}."
    if described.hints:
        name, same = next(iter(sorted(described.hints.items())))
        return f"Nearest: {quote(name)} and {quote(same[0])} have one name in different folders; give paths that end alike, or names alone."
    stems = defaultdict(list)
    for key in islice(sorted(keys), _TRIED_ROWS):
        stems[folded(stem_of(key))].append(key)
    for name in names[:_COMPARED]:
        near = difflib.get_close_matches(folded(stem_of(name)), stems, n=1)
        if near:
            return f"Nearest: {quote(name)} is most like {quote(stems[near[0]][0])}, which is another name."
    return "No name of a row is like that of any file."


def _best_column(corpus: Corpus, keys: Collection[str]) -> tuple[str, int, int]:
    """Among the table's first rows: the column whose cells match most files, how many files, and how many rows were read."""
    cells: defaultdict[str, set[str]] = defaultdict(set)
    row_count = 0
    try:
        for row in islice(table_rows(corpus.metadata or "", None), _TRIED_ROWS):
            row_count += 1
            for name in row.cells:
                with suppress(UserError):
                    cells[name].update(row.texts(name)[:1])
    except UserError:
        return "", 0, 0  # Another column cannot be read, or is there twice: no hint then.
    matches = {name: len({key for key, _ in match_names(keys, values).matches.values()}) for name, values in cells.items()}
    best = max(matches, key=lambda name: (matches[name], name), default="")
    return best, matches.get(best, 0), row_count
