"""Mutations of small tables through every reader: rows are read, lost with a reason, or the file is refused in one line."""

import csv
import io
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noise2music.core.errors import UserError
from noise2music.core.tables.tables import table_rows, text_rows
from noise2music.core.tally import Tally
from noise2music.labeling.captions.vocabulary import clean, read_captions
from noise2music.labeling.corpus.metadata import read_metadata
from noise2music.labeling.corpus.opt_out import read_opt_outs
from noise2music.labeling.settings import Columns, VocabularyKind, VocabularySettings
from noise2music.labeling.writer_settings import Songs
from noise2music.models.job.prompts import read_prompts
from noise2music.pipelines.songs import songs_of_table

SECONDS_A_FILE = 5.0
LOST = {"bad_row", "not_utf8", "missing", "not_text", "bad_split", "bad_list", "cut_list", "bad_aspect_list", "bad_count", "fragment"}
ROWS = [
    {"file": "a/lobby.flac", "title": "Lobby", "caption": "A calm piano, slow; soft.", "tags": "['lo-fi', 'chill']", "key": "0"},
    {"file": "b.flac", "title": 'Träne "sad"', "caption": "Loud drums | and 'guitar'.", "tags": "folk; vocals", "key": "F# minor"},
    {"file": "größe.flac", "title": "1979", "caption": "She sings.\nIt ends.", "tags": '["a", "b"]', "key": "-1"},
    {"file": "d.flac", "title": "nan", "caption": "", "tags": "{'rock': 0.9, 'pop': 0}", "key": "11"},
    {"file": "e.flac", "title": "Amen, brother", "caption": "Drums, twice", "tags": "drums|breakbeat", "key": "C"},
]
COLUMNS = Columns(key="file", title="title", tags=("tags",), musical_key=("key",))


def csv_bytes(separator: str, end: str, encoding: str, quoting: Any = csv.QUOTE_MINIMAL) -> bytes:
    """ROWS as a csv."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(ROWS[0]), delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue().encode(encoding)


def parquet_bytes() -> bytes:
    """ROWS as Parquet."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue()


BASES: list[tuple[str, Callable[[], bytes]]] = [
    ("t.csv", lambda: csv_bytes(",", "\n", "utf-8")),
    ("t.csv", lambda: csv_bytes(";", "\r\n", "utf-8-sig")),
    ("t.csv", lambda: csv_bytes(",", "\r", "cp1252", csv.QUOTE_ALL)),
    ("t.tsv", lambda: csv_bytes("\t", "\n", "utf-16")),
    ("t.csv", lambda: ("sep=|\n" + csv_bytes("|", "\n", "utf-8").decode()).encode()),
    ("t.jsonl", lambda: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()),
    ("t.json", lambda: json.dumps(ROWS, indent=1).encode()),
    ("t.parquet", parquet_bytes),
    ("t.txt", lambda: "".join(row["caption"].replace("\n", " ") + " x\n" for row in ROWS).encode()),
    ("t.txt", lambda: "# songs\r1. calm piano\r2. 忧伤的钢琴\r".encode("gbk")),
]


def mutated(random_: random.Random, data: bytes) -> bytes:
    """One to four of the accidents that happen to files."""
    for _ in range(random_.randint(1, 4)):
        here, there = sorted(random_.randrange(len(data) + 1) for _ in range(2))
        piece = data[here : min(there, here + random_.randint(1, 60))]
        kind = random_.randrange(13)
        if kind == 0:
            data = data[:here] + bytes(byte ^ (1 << random_.randrange(8)) for byte in piece) + data[here + len(piece) :]
        elif kind == 1:
            data = data[:there]
        elif kind == 2:
            data = data.replace(*random_.sample([b",", b";", b"\t", b"|"], 2))
        elif kind == 3:
            data = data[:here] + random_.choice([b'"', b'""', b"'", b"\\", b"[", b"{", b"]", b"}"]) + data[here:]
        elif kind == 4:
            data = data.replace(b"\n", random_.choice([b"\r", b"\r\n", b"\n\n", b""]))
        elif kind == 5:
            data = data[:here] + bytes(random_.randrange(256) for _ in range(random_.randint(1, 8))) + data[here:]
        elif kind == 6:
            data = data[:here] + piece * random_.choice([2, 3, 50]) + data[here:]
        elif kind == 7:
            data = data[:here] + data[here + len(piece) :]
        elif kind == 8:
            lines = data.split(b"\n")
            random_.shuffle(lines)
            data = b"\n".join(lines)
        elif kind == 9:
            data = data.decode("utf-8", "replace").encode(
                random_.choice(["cp1252", "gb18030", "cp932", "cp1251", "utf-16", "utf-32"]), "replace"
            )
        elif kind == 10:
            data = random_.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n", b"# note\n", b"\n\n", b"[", b",,,,\n"]) + data
        elif kind == 11:
            data = data.replace(random_.choice([b"caption", b"title", b"file"]), random_.choice([b"Caption", b"", b"title", b"prompt"]), 1)
        else:
            data += random_.choice([b"\n,,,,,\n", b"]", b'"', b"\0", b"\nx\n", b",\n"])
    return data


def one_line(error: UserError, name: str) -> None:
    """The message is one bounded line that names the file."""
    said = str(error)
    assert name in said, said
    assert "\n" not in said, said
    assert len(said) < 4000


def check(path: Path) -> str:
    """Every reader on one file. Gives what came of it, for the count."""
    uri, name = str(path), path.name
    outcome = "read"
    for wanted in (None, ["file", "title"], ["caption"]):
        strict: list[Any] | None
        try:
            strict = list(table_rows(uri, wanted))
        except UserError as error:
            one_line(error, name)
            strict, outcome = None, "refused"
        losses, notes = Tally(), Tally()
        try:
            rows = list(table_rows(uri, wanted, losses=losses, notes=notes))
        except UserError as error:
            one_line(error, name)
            assert strict is None
            continue
        assert set(losses.lost) <= {"bad_row", "not_utf8"}
        assert (strict is None) == bool(losses.lost), (losses, strict)
        if strict is not None:
            assert repr([row.cells for row in rows]) == repr([row.cells for row in strict])
    lines_out, lines_lost = check_lines(path)
    kinds: list[VocabularyKind] = ["tags", "jsonl", "musiccaps-aspects"]
    for kind in kinds:
        losses = Tally()
        try:
            found = list(read_captions("v", VocabularySettings(kind=kind, source=uri), losses))
        except UserError as error:
            one_line(error, name)
            continue
        assert set(losses.lost) <= LOST, losses.lost
        groups, gone = clean(found)
        assert len(groups) + gone.total() == len(found)
        if kind == "tags" and path.suffix == ".txt" and lines_out + lines_lost and not losses.lost.keys() - {"bad_row", "not_utf8"}:
            assert len(found) + losses.lost.total() <= lines_out + lines_lost
    readers: list[Callable[[], object]] = [
        lambda: read_metadata(uri, COLUMNS),
        lambda: list(songs_of_table(Songs(source=uri))),
        lambda: read_opt_outs(uri),
    ]
    for read in readers:
        try:
            read()
        except UserError as error:
            one_line(error, name)
    try:
        prompts = read_prompts(uri, 30.0, 0)
    except UserError as error:
        one_line(error, name)
        return outcome
    keys = Counter(letter.reason for letter in prompts.refused)
    if not keys["key_conflict"]:
        same = prompts.rows - len(prompts.wanted) - len(prompts.refused)
        assert same >= 0
        assert (same == 0) == (not any("equal rows are one" in said for said in prompts.said))
    return outcome


def check_lines(path: Path) -> tuple[int, int]:
    """Lines of text: each is read or lost."""
    losses = Tally()
    try:
        rows = list(text_rows(str(path), "line", losses=losses))
    except UserError as error:
        one_line(error, path.name)
        return 0, 0
    data = path.read_bytes()
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" not in data:
        assert len(rows) + losses.lost.total() <= sum(bool(line.strip()) for line in data.replace(b"\r", b"\n").split(b"\n")) + 1
    return len(rows), losses.lost.total()


def run(folder: Path, seed: int, number: int) -> Counter[str]:
    """So many mutations from a seed."""
    made = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for turn in range(number):
        name, base = BASES[turn % len(BASES)]
        path = folder / name
        data = mutated(made, base())
        path.write_bytes(data)
        started = time.monotonic()
        try:
            outcomes[f"{path.suffix} {check(path)}"] += 1
        except Exception as error:
            raise AssertionError(f"mutation {turn} of seed {seed}: {data!r}") from error
        assert time.monotonic() - started < SECONDS_A_FILE, data
    return outcomes


def test_the_bases_are_read(tmp_path: Path) -> None:
    for name, base in BASES:
        (tmp_path / name).write_bytes(base())
        if name != "t.txt":
            assert [row.cells["file"] for row in table_rows(str(tmp_path / name), ["file", "title"])] == [row["file"] for row in ROWS]
            assert len(read_metadata(str(tmp_path / name), COLUMNS).rows) == 5


def test_mutations(tmp_path: Path) -> None:
    outcomes = run(tmp_path, 0, 300)
    assert outcomes.total() == 300


@pytest.mark.slow
def test_many_mutations(tmp_path: Path) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = run(tmp_path, 1, 2000)
    print(outcomes)
    assert outcomes.total() == 2000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20
