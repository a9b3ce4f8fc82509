"""songs: which songs the LLM describes, from a table of songs or from the corpus's own tracks. Listed where the run is started."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.tables.fields import clean_field
from noise2music.core.tables.tables import table_rows
from noise2music.core.tally import Tally
from noise2music.labeling.corpus.facts import Facts, fact_names, read_facts
from noise2music.labeling.corpus.songs import Song, songs_table
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity, canonical_json
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.schemas import SONGS
from noise2music.labeling.writer_settings import Songs
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter

VERSION = 1
_TRACK_COLUMNS = ["title", "artist", "tags", "instruments", "tempo", "musical_key", "excluded"]


def songs(session: Session) -> Dataset:
    """The table of songs, or schemas.INGEST where there is none -> schemas.SONGS, in parts by song id.

    Rows that say the same are one song; one without a title is left out and counted. Raises UserError when the table cannot be read.
    """
    settings = session.settings.songs
    notes = Tally()
    rows = list(songs_of_table(settings, notes) if settings.source else _from_tracks(session.dataset("ingest")))
    listed = {song.song_id: song for song in rows if song is not None}
    left_out = Counter(no_title=rows.count(None), duplicate=len(rows) - rows.count(None) - len(listed))

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, SONGS)

        def tables(context: PartContext) -> Iterator[pa.Table]:
            if context.part == 0:
                context.warnings.add(notes)
                for reason, number in (+left_out).items():
                    context.count(f"excluded:{reason}", number)
            mine = [song for song_id, song in listed.items() if part_of(song_id, context.parts) == context.part]
            yield songs_table(mine)

        for part in parts:
            writer.write(part, tables)

    inputs = {"songs": hashlib.sha256(canonical_json([sorted(listed), left_out]).encode()).hexdigest()}
    return session.build("songs", VERSION, make_parts, inputs=inputs)


def songs_of_table(settings: Songs, notes: Tally | None = None) -> Iterator[Song | None]:
    """The rows of `[songs] source` in order, None for one without a title. notes: what in the table is not as declared.

    Raises UserError when the table cannot be read, or no row of it has a title.
    """
    columns = settings.columns
    names = [name for name in (columns.title, columns.artist, *fact_names(columns)) if name]
    rows = titled = 0
    for row in table_rows(settings.source or "", names, notes=notes):
        title = clean_field(", ".join(row.texts(columns.title)))
        artist = clean_field(", ".join(row.texts(columns.artist))) if columns.artist else None
        rows, titled = rows + 1, titled + bool(title)
        yield Song.of(title, artist, read_facts(row, columns)) if title else None
    if not titled:
        holds = f"{rows:,} rows, and none has a title in column {columns.title!r}" if rows else "no row"
        raise UserError(f"{settings.source} holds {holds}: there is no song to describe. Fill it, or name its columns in [songs.columns].")


def _from_tracks(tracks: Dataset) -> Iterator[Song | None]:
    for table in tracks.tables(_TRACK_COLUMNS):
        for row in table.to_pylist():
            if row["excluded"]:
                continue
            facts = Facts(tuple(row["tags"]), tuple(row["instruments"]), row["tempo"], row["musical_key"])
            yield Song.of(row["title"], row["artist"], facts) if row["title"] else None
