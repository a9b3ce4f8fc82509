"""Finds the tracks that an opt-out list names. The rule is that of every table (corpus.matching), but an entry removes all that it may
mean.
"""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from noise2music.core.ids import stable_id
from noise2music.labeling.corpus.describe import HOW, Oddity, quote
from noise2music.labeling.corpus.matching import Matcher
from noise2music.labeling.corpus.opt_out import Entry, song_form
from noise2music.labeling.corpus.spelling import decoded, folded, step_of

FILE_COLUMNS = ("track_id", "title", "artist")
PROBE_COLUMNS = ("track_id", "key", "sha256", "tag_title", "tag_artist")
UNMET = "opt_out_unmet"
T = TypeVar("T")

_EXAMPLES = 3
_EVERY = 1 << 60
_WILD = re.compile(r"[*?]")
_WORD = re.compile(r"[^\W_]")
_STARTS_ELSEWHERE = re.compile(r"\s*[\"']?(?:[/\\]|[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]+://|\.\.?[/\\])")
_ARTISTS = re.compile(r"[,;/|&]|\s(?:feat|ft|featuring|with|vs)\b\.?", re.IGNORECASE)


@dataclass(frozen=True)
class OptedOut:
    """tracks: ids of the tracks that are named. unmet: entries that name none, in the list's order. notes: warnings about entries, unmet
    ones first.
    """

    tracks: frozenset[str] = frozenset()
    unmet: tuple[str, ...] = ()
    notes: tuple[Oddity, ...] = ()


def opted_out(entries: Sequence[Entry], parts: Iterable[tuple[pa.Table, pa.Table]], dead: Iterable[str] = ()) -> OptedOut:
    """Which tracks the entries name.

    parts: (FILE_COLUMNS of schemas.INVENTORY, PROBE_COLUMNS of schemas.PROBE) of each part, read once; memory grows with the entries
    and with what they name, not with the corpus. dead: keys of files that cannot be used anyway; an entry may mean one of those.
    """
    if not entries:
        return OptedOut()
    index = _EntryIndex(entries)
    for files, probes in parts:
        file_rows = {row["track_id"]: row for row in files.select(list(FILE_COLUMNS)).to_pylist()}
        for row in probes.select(list(PROBE_COLUMNS)).to_pylist():
            index.offer(row, file_rows.get(row["track_id"], {}))
    for key in dead:
        index.offer({**dict.fromkeys(PROBE_COLUMNS), "key": key, "track_id": stable_id("track", key)}, {})
    return index.result()


class _EntryIndex:
    """All entries, indexed by what they may name. Tracks are offered one by one."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._direct: list[set[str]] = [set() for _ in entries]
        self._ids = _index(enumerate(entry.ids for entry in entries))
        self._hashes = _index(enumerate(entry.hashes for entry in entries))
        self._songs = _index(enumerate(entry.songs for entry in entries))
        self._matcher = Matcher((name for entry in entries for name in entry.names), _EVERY)
        self._folders = _index((number, set(_folders(entry.names))) for number, entry in enumerate(entries))
        self._in_folder: defaultdict[int, set[str]] = defaultdict(set)
        patterns = {number: own for number, entry in enumerate(entries) if (own := _patterns(entry.names))}
        self._patterns = {number: re.compile("|".join(own), re.DOTALL) for number, own in patterns.items()}
        every = "|".join(one for own in patterns.values() for one in own)
        self._any_pattern = re.compile(every, re.DOTALL) if every else None

    def offer(self, probe_row: Mapping[str, Any], file_row: Mapping[str, Any]) -> None:
        """Find the entries that name this track."""
        key = probe_row["key"]
        numbers = {*self._ids.get(probe_row["track_id"], ()), *self._hashes.get(probe_row["sha256"], ())}
        if self._songs:
            for title, artist in ((file_row.get("title"), file_row.get("artist")), (probe_row["tag_title"], probe_row["tag_artist"])):
                for song in _songs(title, artist):
                    numbers.update(self._songs.get(song, ()))
        path = folded(decoded(key)) if self._any_pattern or self._folders else ""
        if self._any_pattern and self._any_pattern.fullmatch(path):
            numbers.update(number for number, pattern in self._patterns.items() if pattern.fullmatch(path))
        for number in numbers:
            self._direct[number].add(key)
        if self._folders:
            for folder, is_whole in _above(path):
                for number in (*self._folders.get((folder, False), ()), *(self._folders.get((folder, True), ()) if is_whole else ())):
                    self._in_folder[number].add(key)
        self._matcher.offer(key)

    def result(self) -> OptedOut:
        """The result, once every track was offered."""
        tracks: set[str] = set()
        unmet: list[Oddity] = []
        remarks: list[Oddity] = []
        for number, entry in enumerate(self._entries):
            keys, step = self._files_of(number, entry)
            tracks.update(stable_id("track", key) for key in keys)
            if not keys:
                unmet.append(Oddity(UNMET, entry.text, "no file is meant by this entry of the opt-out list"))
            elif len(keys) > 1:
                first = ", ".join(map(quote, keys[:_EXAMPLES])) + (", ..." if len(keys) > _EXAMPLES else "")
                remarks.append(Oddity("opt_out_several", entry.text, f"this entry takes out {len(keys)} files: {first}"))
            elif step:
                remarks.append(Oddity("opt_out_loose", entry.text, f"this entry takes out {quote(keys[0])}: {step}"))
        return OptedOut(frozenset(tracks), tuple(item.key for item in unmet), (*unmet, *remarks))

    def _files_of(self, number: int, entry: Entry) -> tuple[list[str], str | None]:
        """The files that an entry names, sorted, and the looser step that was needed, in words (None for an exact match)."""
        keys = set(self._direct[number])
        steps: list[str | None] = [None] if keys else []
        for name in entry.names:
            for bits, nearest in self._matcher.matches[name].by.items() if name in self._matcher.matches else ():
                keys.update(nearest)
                step = step_of(bits)
                steps.append(HOW[step] if step else None)
        if not keys or any(is_folder(name) for name in entry.names):
            keys |= self._in_folder[number]
        if not keys:
            for name in entry.names:
                keys.update(self._matcher.in_other_folders(name))
            steps = ["its folder is another, and the name is the same"]
        return sorted(keys), next(iter(steps), None)


def is_folder(name: str) -> bool:
    """Whether a name is marked as a folder by a slash at its end."""
    return name.strip().strip("\"'").endswith(("/", "\\"))


def _folders(names: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """(folder, whether it must start at the corpus's root), in the loosest form, for names that may be folders."""
    for name in names:
        path = folded(decoded(name))
        if path:
            yield path, not is_folder(name)
        if path and is_folder(name) and _STARTS_ELSEWHERE.match(name):
            steps = path.split("/")
            yield from (("/".join(steps[start:]), True) for start in range(1, len(steps)))


def _above(path: str) -> Iterator[tuple[str, bool]]:
    """(folder, whether it starts at the corpus's root) for all folders that a file lies in."""
    steps = path.split("/")[:-1]
    for end in range(1, len(steps) + 1):
        for start in range(end):
            yield "/".join(steps[start:end]), start == 0


def _patterns(names: Iterable[str]) -> list[str]:
    """Regular expressions over a file's loosest form, for names with "*" or "?" among other characters.

    A pattern fits a whole path or the end of one, and "*" goes over folders too. "[live]" is both a class of letters and itself.
    """
    patterns: dict[str, None] = {}
    for name in names:
        path = folded(decoded(name))
        steps = path.split("/")
        starts = [0]
        if _STARTS_ELSEWHERE.match(name):
            starts += [start for start in range(1, len(steps)) if not any(map(_WILD.search, steps[:start]))]
        for start in starts:
            pattern = "/".join(steps[start:])
            if _WILD.search(pattern) and _WORD.search(pattern):
                for form in (pattern, pattern.replace("[", "[[]")):
                    patterns[f"(?:.*/)?(?:{fnmatch.translate(form)})"] = None
    return list(patterns)


def _songs(title: str | None, artist: str | None) -> Iterator[tuple[str | None, str | None]]:
    """All entries that would name a song with this title and artist; each of several artists counts."""
    titles = [form] if title and (form := song_form(title)) else []
    artists = {song_form(one): None for one in (artist, *_ARTISTS.split(artist))} if artist else {}
    artists.pop("", None)
    yield from ((one, None) for one in titles)
    yield from ((None, one) for one in artists)
    yield from ((one, other) for one in titles for other in artists)


def _index(named: Iterable[tuple[int, Iterable[T]]]) -> dict[T, list[int]]:
    """What is named -> the numbers of the entries that name it."""
    numbers: defaultdict[T, list[int]] = defaultdict(list)
    for number, items in named:
        for item in items:
            numbers[item].append(number)
    return dict(numbers)
