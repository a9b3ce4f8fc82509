"""Reads the metadata table and finds the file of each row."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

from noise2music.core.errors import UserError
from noise2music.core.tables.cell_items import MISSING
from noise2music.core.tables.fields import clean_field
from noise2music.core.tables.tables import table_rows
from noise2music.core.tally import Tally
from noise2music.labeling.corpus.facts import NO_FACTS, Facts, fact_names, read_facts
from noise2music.labeling.corpus.matching import match_names
from noise2music.labeling.corpus.spelling import DRESS, UNICODE, step_of
from noise2music.labeling.settings import Columns

_NO_SPLIT = frozenset(word.lower() for word in MISSING) | {"-"}


@dataclass(frozen=True)
class TrackMetadata:
    """What a row says. Texts are bounded and of one line (core.tables.fields), a split is in lower case; what is missing is None."""

    title: str | None = None
    artist: str | None = None
    licence: str | None = None
    split: str | None = None
    facts: Facts = NO_FACTS


@dataclass(frozen=True)
class MetadataMatch:
    """Which row describes which file: what `Metadata.match` returns.

    tracks: what a row says of each file, None for a file without a row. ambiguous_files: files whose rows differ, with the rows' names.
    by_step: files that a looser step matched (labeling.corpus.spelling.STEPS), each with its row's name.
    ambiguous_rows: names of rows that could mean several files, with some of those.
    second_rows: names of rows whose file has a nearer row, with the file.
    hints: names of rows whose file name is only in another folder, with some of those files.
    without_file: names of all rows that describe no file, sorted; "" for a row without a name. used: how many names describe a file.
    """

    tracks: dict[str, TrackMetadata | None]
    ambiguous_files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    by_step: dict[str, dict[str, str]] = field(default_factory=dict)
    ambiguous_rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    second_rows: dict[str, str] = field(default_factory=dict)
    hints: dict[str, tuple[str, ...]] = field(default_factory=dict)
    without_file: tuple[str, ...] = ()
    used: int = 0

    @property
    def match_count(self) -> int:
        """Files with a row, those whose rows differ among them."""
        return sum(row is not None for row in self.tracks.values()) + len(self.ambiguous_files)


@dataclass(frozen=True)
class Metadata:
    """rows: by name as the table writes it. ambiguous: names that the table has more than once, with different values. keyless: rows
    without a name. repeated: rows whose name stands in an earlier row.
    """

    rows: Mapping[str, TrackMetadata]
    ambiguous: frozenset[str]
    keyless: int = 0
    repeated: int = field(default=0, compare=False)

    def digest(self) -> str:
        """SHA-256 of the table's content; the order of the rows does not matter."""
        rows = (json.dumps([key, key in self.ambiguous, *asdict(row).values()]) for key, row in self.rows.items())
        return hashlib.sha256("\n".join([str(self.keyless), *sorted(rows)]).encode()).hexdigest()

    def match(self, keys: Collection[str]) -> MetadataMatch:
        """Match rows with files (labeling.corpus.matching).

        Of several rows for one file the nearest counts. A file is ambiguous where equally near rows differ, or where one name has two
        rows that differ.
        """
        matching = match_names(keys, self.rows.keys())
        rows_of: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for name, (key, bits) in matching.matches.items():
            rows_of[key].append((bits, name))
        tracks: dict[str, TrackMetadata | None] = dict.fromkeys(keys)
        ambiguous_files: dict[str, tuple[str, ...]] = {}
        by_step: defaultdict[str, dict[str, str]] = defaultdict(dict)
        second_rows: dict[str, str] = {}
        for key, rows in sorted(rows_of.items()):
            nearest, farther = _nearest(rows) if len(rows) > 1 else ([rows[0][1]], [])
            values = {self.rows[name] for name in nearest} if len(nearest) > 1 else {self.rows[nearest[0]]}
            if len(values) > 1 or not self.ambiguous.isdisjoint(nearest):
                ambiguous_files[key] = tuple(nearest)
                del tracks[key]
            else:
                tracks[key] = values.pop()
                step = step_of(min(bits for bits, name in rows if name in nearest))
                if step:
                    by_step[step][key] = nearest[0]
            second_rows.update((name, key) for name in farther if key in ambiguous_files or self.rows[name] != tracks[key])
        rest = self.rows.keys() - matching.matches.keys()
        without = sorted([*rest, *second_rows, *[""] * self.keyless])
        used = len(matching.matches) - len(second_rows) - sum(map(len, ambiguous_files.values()))
        return MetadataMatch(tracks, ambiguous_files, dict(by_step), matching.ambiguous, second_rows, matching.hints, tuple(without), used)


def read_metadata(uri: str, columns: Columns, notes: Tally | None = None) -> Metadata:
    """A csv, jsonl or parquet table, local or in an object store -> Metadata. Rows may be in any order.

    notes: what is not as declared, and values that cannot be read. Raises UserError: the table cannot be read (with the line), a column is
    missing (with the nearest names), there is no row.
    """
    named = (columns.title, columns.artist, columns.licence)
    rows: dict[str, TrackMetadata] = {}
    ambiguous: set[str] = set()
    keyless = repeated = 0
    names = [name for name in (columns.key, *named, columns.split, *fact_names(columns)) if name]
    for row in table_rows(uri, names, notes=notes):
        key = "".join(row.texts(columns.key))
        if not key.strip():
            keyless += 1
            continue
        title, artist, licence = (clean_field(", ".join(row.texts(name))) if name else None for name in named)
        split = clean_split(", ".join(row.texts(columns.split))) if columns.split else None
        read = TrackMetadata(title, artist, licence, split, read_facts(row, columns))
        repeated += key in rows
        if rows.setdefault(key, read) != read:
            ambiguous.add(key)
    if not (rows or keyless):
        raise UserError(f"{uri} holds no row. Fill it, or leave `metadata` out: then the tags inside the files count.")
    rows = {key: TrackMetadata() if key in ambiguous else row for key, row in rows.items()}
    return Metadata(rows, frozenset(ambiguous), keyless, repeated)


def clean_split(text: str) -> str | None:
    """A split's name in lower case and one line; None for an empty cell and for the words that stand for one ("nan", "null", "-")."""
    split = (clean_field(text) or "").lower()
    return None if split in _NO_SPLIT else split


def _nearest(rows: list[tuple[int, str]]) -> tuple[list[str], list[str]]:
    """Rows of one file -> the names of the nearest, and of the rest, both sorted. The notation of a path ("./a.mp3", "a.mp3") is no
    difference here.
    """
    weighed = {name: bits & ~(UNICODE | DRESS) for bits, name in rows}
    sets = set(weighed.values())
    least = {bits for bits in sets if not any(other != bits and other & bits == other for other in sets)}
    return sorted(name for name, bits in weighed.items() if bits in least), sorted(
        name for name, bits in weighed.items() if bits not in least
    )
