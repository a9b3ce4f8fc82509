"""A song as the caption writer sees it: title, artist, and facts about its music."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from noise2music.core.ids import stable_id
from noise2music.labeling.corpus.facts import Facts
from noise2music.labeling.schemas import SONGS


@dataclass(frozen=True)
class Song:
    """Title and artist, and the fields of labeling.corpus.facts.Facts. Texts are bounded and of one line (core.tables.fields)."""

    title: str
    artist: str | None = None
    tags: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    tempo: float | None = None
    musical_key: str | None = None

    @property
    def song_id(self) -> str:
        """Hash of all fields: two equal rows are one song."""
        facts = (*self.tags, "\n", *self.instruments, "\n", repr(self.tempo), self.musical_key or "")
        return stable_id("song", self.title, self.artist or "", *facts)

    @classmethod
    def of(cls, title: str, artist: str | None, facts: Facts) -> "Song":
        """A song from its facts. An instrument that is also among the tags is listed as an instrument only."""
        tags = tuple(tag for tag in facts.tags if tag not in facts.instruments)
        return cls(title, artist, tags, facts.instruments, facts.tempo, facts.musical_key)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Song":
        """A row of schemas.SONGS."""
        lists = {"tags": tuple(row["tags"]), "instruments": tuple(row["instruments"])}
        return cls(row["title"], row["artist"], **lists, tempo=row["tempo"], musical_key=row["musical_key"])


def songs_table(songs: Iterable[Song]) -> pa.Table:
    """Songs -> schemas.SONGS in key order (song id), each song once."""
    rows = {song.song_id: song for song in songs}
    return pa.Table.from_pylist([{"song_id": song_id, **asdict(rows[song_id])} for song_id in sorted(rows)], SONGS)


def read_songs(table: pa.Table) -> dict[str, Song]:
    """schemas.SONGS -> song by id, in the table's order."""
    return {row["song_id"]: Song.from_row(row) for row in table.to_pylist()}
