import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.tally import Tally
from noise2music.labeling.corpus.opt_out import list_entries, read_opt_outs
from noise2music.labeling.corpus.opted_out import OptedOut, opted_out

SHA = "ab" * 32
TRACKS: dict[str, tuple[str | None, str | None]] = {
    "Miles/Kind of Blue/01 So What.mp3": ("So What", "Miles Davis"),
    "Miles/Kind of Blue/02 Blue.mp3": ("Blue in Green", "Miles Davis, Bill Evans"),
    "Miles/Live/01 So What.live.mp3": ("So What (live)", "Miles Davis"),
    "other/Träne.flac": ("Träne", "Ångström feat. Me"),
    "other/song #1 # two.wav": (None, None),
    "000/000002.mp3": (None, None),
    "a.mp3": (None, None),
}
WHAT, BLUE, LIVE, TEAR, HASHES, TWO, A = TRACKS


def parts(tracks: dict[str, tuple[str | None, str | None]] = TRACKS, in_tags: bool = False):  # type: ignore[no-untyped-def]
    """Two parts, with titles in the metadata table or in the files' tags."""
    for half in (0, 1):
        mine = [(key, *said) for number, (key, said) in enumerate(tracks.items()) if number % 2 == half]
        ids = [stable_id("track", key) for key, _, _ in mine]
        titles, artists = ([said[1] for said in mine], [said[2] for said in mine])
        nothing = [None] * len(mine)
        table, tags = ((nothing, nothing), (titles, artists)) if in_tags else ((titles, artists), (nothing, nothing))
        text = pa.string()
        files = pa.table({"track_id": ids, "title": pa.array(table[0], text), "artist": pa.array(table[1], text)})
        yield (
            files,
            pa.table(
                {
                    "track_id": ids,
                    "key": [key for key, _, _ in mine],
                    "sha256": [SHA if key == A else stable_id(key) * 4 for key, _, _ in mine],
                    "tag_title": pa.array(tags[0], text),
                    "tag_artist": pa.array(tags[1], text),
                }
            ),
        )


def named(text: str, **options: bool) -> set[str]:
    """Keys that a list names."""
    ids = opted_out(tuple(list_entries(text)), parts(**options)).tracks
    return {key for key in TRACKS if stable_id("track", key) in ids}


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        (WHAT, {WHAT}),
        ("C:\\Music\\" + WHAT.replace("/", "\\"), {WHAT}),
        ("/data/music/" + WHAT, {WHAT}),
        (WHAT.upper(), {WHAT}),
        ("./" + WHAT, {WHAT}),
        (f'"{WHAT}"', {WHAT}),
        ("01 So What", {WHAT}),
        ("s3://b/m/Miles/Kind%20of%20Blue/01%20So%20What.mp3", {WHAT}),
        ("elsewhere/01 So What.mp3", {WHAT}),
        ("TRÄNE", {TEAR}),
        ("2.0", {TWO}),
        (stable_id("track", BLUE), {BLUE}),
        (stable_id("track", BLUE).upper(), {BLUE}),
        (SHA.upper(), {A}),
        ("sha256:" + SHA, {A}),
        (f"SHA-256 = {SHA.upper()}", {A}),
        (f"{SHA}  gone/where.mp3", {A}),
        (f"{'0' * 64} *./{TEAR}", {TEAR}),
        (f"SHA256 (x/{TEAR}) = {'0' * 64}", {TEAR}),
        ("title: so what | artist: MILES DAVIS", {WHAT}),
        ("Artist: Miles Davis | Title: Blue In Green", {BLUE}),
        ("Miles Davis - So What", {WHAT}),
        ("Bill Evans – Blue in green!", {BLUE}),
        ("angstrom - trane", {TEAR}),
        ("artist: Miles Davis", {WHAT, BLUE, LIVE}),
        ('title: "Träne"', {TEAR}),
        ("Miles/Kind of Blue/*", {WHAT, BLUE}),
        ("kind of blue/*.mp3", {WHAT, BLUE}),
        ("C:\\Music\\Miles\\Live\\*", {LIVE}),
        ("*.live.mp3", {LIVE}),
        ("*/0? *what*", {WHAT, LIVE}),
        ("Miles/Kind of Blue/", {WHAT, BLUE}),
        ("Miles/Kind of Blue", {WHAT, BLUE}),
        ("Kind of Blue\\", {WHAT, BLUE}),
        ("D:\\all\\Miles\\", {WHAT, BLUE, LIVE}),
        (HASHES, {HASHES}),
        (HASHES + " # asked by mail", {HASHES}),
        ("a.mp3  # asked by mail", {A}),
    ],
)
def test_an_entry_takes_out_what_it_names_in_whatever_form(entry: str, keys: set[str]) -> None:
    assert named(entry) == keys
    assert named(f"\ufeff# a list\r\n\r\n  {entry} \r# end\n") == keys


def test_titles_inside_the_files_count_too() -> None:
    assert named("Miles Davis - So What", in_tags=True) == {WHAT}


@pytest.mark.parametrize(
    "entry", ["# a.mp3", "#", "b.mp3", "a.mp3x", "*", "?*", "/", "artist: Miles", "title: | artist:", "So What", "Miles Davis -"]
)
def test_what_is_not_named_stays(entry: str) -> None:
    assert named(entry) == set()


def test_what_meets_nothing_several_or_another_spelling_is_said() -> None:
    entries = tuple(list_entries(f"gone.mp3\n{A}\nartist: Miles Davis\nTRÄNE\n{'0' * 64}\nelsewhere/02 Blue.mp3\n"))
    found = opted_out(entries, parts())
    assert found.unmet == ("gone.mp3", "0" * 64)
    assert [(note.reason, note.key) for note in found.notes] == [
        ("opt_out_unmet", "gone.mp3"),
        ("opt_out_unmet", "0" * 64),
        ("opt_out_several", "artist: Miles Davis"),
        ("opt_out_loose", "TRÄNE"),
        ("opt_out_loose", "elsewhere/02 Blue.mp3"),
    ]
    assert found.notes[2].message.startswith("this entry takes out 3 files: 'Miles/Kind of Blue/01 So What.mp3', ")


def test_an_exact_entry_takes_out_no_other_file_of_that_name() -> None:
    tracks = dict.fromkeys(["x.mp3", "a/x.mp3", "X.mp3", "x.wav"], (None, None))
    found = opted_out(tuple(list_entries("x.mp3")), parts(tracks))
    assert found == OptedOut(frozenset({stable_id("track", "x.mp3")}))
    both = opted_out(tuple(list_entries("x")), parts(tracks)).tracks
    assert {stable_id("track", key) for key in ("x.mp3", "x.wav")} <= both


def test_an_entry_may_mean_a_file_that_is_dead() -> None:
    found = opted_out(tuple(list_entries("broken/b.mp3")), parts(), ["broken/b.mp3"])
    assert found.unmet == ()


def test_a_table_names_tracks_in_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"Path,Title,Artist,SHA256,why\nC:\\m\\A.MP3,,,,mail\n,So What,Miles Davis,,\n,,,{SHA},\n,,Bill Evans,,\n,,,,nothing\n")
    entries = read_opt_outs(str(path))
    assert [entry.text for entry in entries] == [
        "key C:\\m\\A.MP3",
        "title So What, artist Miles Davis",
        f"sha256 {SHA}",
        "artist Bill Evans",
    ]
    ids = opted_out(entries, parts()).tracks
    assert {key for key in TRACKS if stable_id("track", key) in ids} == {A, WHAT, BLUE}


def test_a_title_beside_a_file_takes_out_no_other_song_of_that_title(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(
        json.dumps({"file": A, "title": "So What"}) + "\n" + json.dumps({"id": stable_id("track", TWO), "artist": "Miles Davis"})
    )
    ids = opted_out(read_opt_outs(str(path)), parts()).tracks
    assert ids == {stable_id("track", A), stable_id("track", TWO)}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", "a.mp3\n".encode("utf-16")[:-1], "cut or damaged"),
        ("a.txt", b"a\n\0\n", "line 2"),
        ("a.txt", b"PK\x03\x04\0\0", "is a zip file"),
        ("a.csv", b"why,when\nx,y\n", "needs a column key, track_id, sha256, title or artist; it has 'why', 'when'"),
        ("a.csv", b"", "is empty"),
    ],
)
def test_a_list_that_cannot_be_read_stops_the_run(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=words):
        read_opt_outs(str(tmp_path / name))
    with pytest.raises(UserError, match="cannot read"):
        read_opt_outs(str(tmp_path / "gone.txt"))


@given(st.text(st.sampled_from("aA01 .*?[]#-|:/\\\"'%\n\rätitle"), max_size=60))
@settings(max_examples=200)
def test_any_list_is_read_and_its_entries_are_met_or_named(text: str) -> None:
    entries = tuple(list_entries(text))
    found = opted_out(entries, parts())
    assert len(found.unmet) <= len(entries)
    assert bool(found.tracks) == (len(found.unmet) < len(entries))
    assert opted_out(entries[::-1], list(parts())[::-1]).tracks == found.tracks


@pytest.mark.parametrize(("encoding", "words"), [("utf-16", "utf-16"), ("latin-1", "cp1252")])
def test_another_encoding_is_read_and_said(tmp_path: Path, encoding: str, words: str) -> None:
    (tmp_path / "a.txt").write_bytes("a.mp3\nTräne.mp3\n".encode(encoding))
    notes = Tally()
    assert [entry.text for entry in read_opt_outs(str(tmp_path / "a.txt"), notes)] == ["a.mp3", "Träne.mp3"]
    assert words in notes.examples["encoding"][0]
