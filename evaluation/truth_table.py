"""The truth about recordings from a table: their tags by kind, each row matched with its recording as metadata is."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from noise2music.core.errors import UserError
from noise2music.core.settings import Settings
from noise2music.core.tables.tables import table_rows
from noise2music.core.tally import Tally, most_common_first
from noise2music.evaluation.listening.audit import aspect_of
from noise2music.evaluation.tag_names import tempo_word, truth_words
from noise2music.labeling.corpus.facts import read_tempo
from noise2music.labeling.corpus.metadata import MetadataMatch, read_metadata
from noise2music.labeling.settings import Columns

KINDS = ("genre", "instrument", "mood", "tempo", "voice")
_MIXED = "tags"
_EXAMPLES = 3


class TruthColumns(Settings):
    """Which columns of a truth table hold what; what is not told goes by the usual names (data/label_truth.toml).

    Attributes:
        key: The column with the recording's name, as in the metadata of `n2m label`.
        genre: Columns with genres; cells are split at commas, semicolons and bars.
        instrument: Columns with instruments. A voice among them is of the kind voice.
        mood: Columns with moods.
        tempo: Columns with beats a minute, or with words.
        voice: Columns about singing.
        tags: Columns with tags of any kind; the built-in vocabulary knows which.
    """

    key: str | None = None
    genre: tuple[str, ...] | None = None
    instrument: tuple[str, ...] | None = None
    mood: tuple[str, ...] | None = None
    tempo: tuple[str, ...] | None = None
    voice: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Truth:
    """tags: kind -> recording -> its tags, at least one. columns: that were read, by kind. rows: of the table. said: what is not as one
    would expect.
    """

    tags: Mapping[str, Mapping[str, tuple[str, ...]]]
    columns: Mapping[str, tuple[str, ...]]
    rows: int
    said: tuple[str, ...] = ()


def read_truth(uri: str, columns: TruthColumns, keys: Collection[str]) -> Truth:
    """The tags of recordings, which `keys` names.

    Raises UserError: the table cannot be read, has no row, no column of a key or of tags, or no row names a recording.
    """
    key, of_kind = _columns(uri, columns)
    tags: dict[str, dict[str, tuple[str, ...]]] = {kind: {} for kind in KINDS}
    said: dict[str, None] = {}
    matched = rows = 0
    unknown = Counter[str]()
    examples: tuple[str, ...] = ()
    for column_kind, names in of_kind.items():
        notes = Tally()
        metadata = read_metadata(uri, Columns(key=key, tags=names), notes)
        match = metadata.match(keys)
        rows, examples = len(metadata.rows), match.without_file[:_EXAMPLES]
        matched = max(matched, match.match_count)
        said.update(dict.fromkeys(_said(uri, match, notes)))
        for recording, row in match.tracks.items():
            for tag in row.facts.tags if row else ():
                kind, word = _kind(column_kind, tag)
                if kind not in KINDS:
                    unknown[tag] += 1
                elif word not in tags[kind].get(recording, ()):
                    tags[kind][recording] = (*tags[kind].get(recording, ()), word)
    if not matched:
        raise UserError(
            f"{uri}: none of its {rows:,} rows names one of the {len(keys):,} labelled recordings by its column {key!r}. "
            f"Rows: {', '.join(map(repr, examples))}. Recordings: {', '.join(map(repr, sorted(keys)[:_EXAMPLES]))}. "
            "Name the column that holds the recordings' names (columns.key), or mend the table."
        )
    if unknown:
        few = ", ".join(list(most_common_first(unknown))[:_EXAMPLES])
        said[f"{unknown.total():,} tags are of no kind ({', '.join(KINDS)}) and count for nothing: {few}"] = None
    return Truth({kind: found for kind, found in tags.items() if found}, of_kind, rows, tuple(said))


def _columns(uri: str, columns: TruthColumns) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The column of the key, and those of each kind that has some."""
    there: dict[str, None] = {}
    for row in table_rows(uri, None):
        there.update(dict.fromkeys(row.cells))
    if not there:
        raise UserError(f"{uri} holds no row. Each row of a truth table says the tags of one recording.")
    usual = truth_words().columns
    key = columns.key or next((name for name in usual["key"] if name in there), None)
    has = ", ".join(repr(name) for name in list(there)[:20])
    if key is None:
        raise UserError(f"{uri} has no column {' or '.join(map(repr, usual['key']))}; it has {has}. Name the right one as columns.key.")
    of_kind: dict[str, tuple[str, ...]] = {}
    for kind in (*KINDS, _MIXED):
        chosen: tuple[str, ...] | None = getattr(columns, kind)
        names = tuple(name for name in usual[kind] if name in there and name != key) if chosen is None else chosen
        if names:
            of_kind[kind] = names
    if not of_kind:
        raise UserError(f"{uri} has no column of tags that is known; it has {has}. Name some, for example columns.genre = ['style'].")
    return key, of_kind


def _kind(column: str, tag: str) -> tuple[str, str]:
    """The kind of a tag from a column of such a kind, and the tag; "" for a text without a letter."""
    tempo = read_tempo(tag) if column == "tempo" else None
    if tempo is not None:
        return "tempo", tempo_word(tempo)
    if not any(mark.isalpha() for mark in tag):
        return "", tag
    if column == _MIXED:
        return aspect_of(tag), tag
    return ("voice" if column == "instrument" and aspect_of(tag) == "voice" else column), tag


def _said(uri: str, match: MetadataMatch, notes: Tally) -> list[str]:
    said = [f"{uri}: {count:,} × {reason}, for example {notes.examples[reason][0]}" for reason, count in sorted(notes.lost.items())]
    if match.ambiguous_files:
        first = min(match.ambiguous_files)
        said.append(f"{uri}: rows of {len(match.ambiguous_files):,} recordings contradict each other and are not used: {first!r}")
    if match.ambiguous_rows:
        first = min(match.ambiguous_rows)
        said.append(f"{uri}: {len(match.ambiguous_rows):,} rows could mean several recordings and are not used, for example {first!r}")
    return said
