"""Tars: the same bytes twice, back to the same rows, and whatever a tar that passed through other hands may hold."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from noise2music.core.errors import UserError
from noise2music.flows.cli import n2m
from noise2music.labeling.datasets.current import read_labels
from noise2music.labeling.datasets.dataset import LATEST
from noise2music.labeling.datasets.export import export, file_names
from noise2music.labeling.datasets.webdataset import import_webdataset
from noise2music.models.data.shards import open_shards
from tests.models.data.made_up_shards import RATE, write_shards

Members = list[tuple[tarfile.TarInfo, bytes]]


def finished(root: Path, **options: object) -> str:
    dataset = write_shards(root, seconds=0.2, **options)  # type: ignore[arg-type]
    (root / LATEST).write_text(json.dumps({"shard": dataset.path}))
    return str(root)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    return finished(tmp_path_factory.mktemp("labels"), change={0: {"title": 'Ünï\n../💿 "x"', "tags": []}, 1: {"artist": None}})


@pytest.fixture(scope="module")
def tars(root: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tars") / "out"
    export(root, str(out), "webdataset", target_mb=0.02)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def members(tar: Path) -> Members:
    with tarfile.open(tar) as file:
        return [(member, file.extractfile(member).read()) for member in file]  # type: ignore[union-attr]


def write_tar(path: Path, items: Members) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as file:
        for member, data in items:
            file.addfile(member, io.BytesIO(data))
    return path


def plain(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(data), 1234567.25  # A broken time makes an extended header, as WebDataset's own writer does.
    return member, data


def by_id(table: pa.Table) -> list[dict]:
    return table.sort_by("clip_id").to_pylist()


def test_back_to_the_same_rows_and_flac(root: str, tars: Path, tmp_path: Path) -> None:
    joined = import_webdataset([str(tars)], str(tmp_path / "joined"), target_mb=0.02)
    assert joined.manifest.dead_reasons == {}
    assert by_id(pq.read_table(tmp_path / "joined")) == by_id(read_labels(root, audio=True))
    assert pq.read_schema(next((tmp_path / "joined").glob("*.parquet"))).metadata[b"huggingface"]
    shards = open_shards(str(tmp_path / "joined"), "train", RATE)
    assert shards.clips == open_shards(root, "train", RATE).clips == 20
    shards.check_all()
    assert import_webdataset([str(tars)], str(tmp_path / "joined"), target_mb=0.02).digest == joined.digest
    with pytest.raises(UserError, match="holds another set already"):
        import_webdataset([str(next(tars.glob("test-*.tar")))], str(tmp_path / "joined"))


def test_what_a_tar_holds(root: str, tars: Path) -> None:
    order = read_labels(root, ["clip_id", "split"]).to_pylist()
    for split in ("train", "test"):
        files = sorted(tars.glob(f"{split}-*.tar"))
        assert len(files) > 1
        assert [path.name for path in files] == [f"{split}-{number:06d}.tar" for number in range(len(files))]
        found = [member for path in files for member, _ in members(path)]
        clips = [row["clip_id"] for row in order if row["split"] == split]
        assert [member.name for member in found] == [f"{clip}.{kind}" for clip in clips for kind in ("flac", "json")]
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in found} == {(0, 0, 0, "", "", 0o644)}


@pytest.mark.parametrize("inline", [False, True])
def test_the_same_labels_give_the_same_bytes(tars: Path, tmp_path: Path, inline: bool) -> None:
    other = finished(tmp_path / "root", inline=inline, change={0: {"title": 'Ünï\n../💿 "x"', "tags": []}, 1: {"artist": None}})
    export(other, str(tmp_path / "out"), "webdataset", target_mb=0.02)
    theirs, ours = contents(tmp_path / "out"), contents(tars)
    if inline:  # Sizes on disk differ a little, and so may where a file is cut; what is in them does not.
        theirs, ours = ({"": b"".join(d for p in sorted(f.glob("*.tar")) for _, d in members(p))} for f in (tmp_path / "out", tars))
    assert theirs == ours


def test_only_what_is_missing_or_changed_is_made(root: str, tars: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = export(root, str(out), "webdataset", target_mb=0.02)
    assert first.written == first.files > 3
    assert first.clips == 24
    names = sorted(path.name for path in out.glob("*.tar"))
    (out / names[0]).unlink()
    (out / names[2]).write_bytes(b"x" + (out / names[2]).read_bytes()[1:])
    (out / "notes.txt").write_text("mine")
    again = export(root, str(out), "webdataset", target_mb=0.02)
    assert (again.written, again.clips, again.bytes) == (2, 24, first.bytes)
    (out / "notes.txt").unlink()
    assert contents(out) == contents(tars)
    assert export(root, str(out), "webdataset", target_mb=0.02).written == 0
    with pytest.raises(UserError, match="another set"):
        export(root, str(out), "webdataset", target_mb=1)
    with pytest.raises(UserError, match="holds .* already"):
        export(root, root, "webdataset")


def test_a_killed_export_goes_on(root: str, tars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from noise2music.labeling.datasets import export as module

    made = []

    def stops_at_the_third(table: pa.Table) -> bytes:
        made.append(len(table))
        if len(made) == 3:
            raise KeyboardInterrupt
        return module_bytes(table)

    module_bytes = module.tar_bytes
    monkeypatch.setattr(module, "tar_bytes", stops_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        export(root, str(tmp_path / "out"), "webdataset", target_mb=0.02)
    assert len(list((tmp_path / "out").glob("*.tar"))) == 2
    made.append(0)
    done = export(root, str(tmp_path / "out"), "webdataset", target_mb=0.02)
    assert done.written == done.files - 2
    assert contents(tmp_path / "out") == contents(tars)


def _add(*more: tuple[tarfile.TarInfo, bytes]) -> Callable[[Members], Members]:
    return lambda found: [*found, *more]


def _link(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    return member, b""


def _change(number: int, change: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda found: [plain(m.name, change(data) if i == number else data) for i, (m, data) in enumerate(found)]


def _json(**values: object) -> Callable[[Members], Members]:
    return _change(1, lambda data: json.dumps(json.loads(data) | values).encode())


CLIP = "0123456789abcdef"


@pytest.mark.parametrize(
    ("change", "reasons", "missing"),
    [
        (_add(plain("../" + CLIP + ".flac", b"x")), {"bad_member": 1}, 0),
        (_add(plain("/" + CLIP + ".json", b"{}"), plain("a\\b.flac", b""), plain("\udcff.flac", b"")), {"bad_member": 3}, 0),
        (_add(_link(CLIP + ".flac", tarfile.SYMTYPE), _link(CLIP + ".json", tarfile.LNKTYPE)), {"bad_member": 2}, 0),
        (_add(_link(CLIP + ".flac", tarfile.FIFOTYPE), _link("folder", tarfile.DIRTYPE)), {"bad_member": 2}, 0),
        (lambda found: [_link("./", tarfile.DIRTYPE), *(plain(f"./{m.name}", data) for m, data in found)], {}, 0),
        (lambda found: [*found, *found[:2]], {"second_clip": 2}, 0),
        (lambda found: found[1:], {"half_clip": 1}, 1),
        (lambda found: [found[0], *found[2:]], {"half_clip": 1}, 1),
        (_change(0, lambda data: b"RIFF" + data[4:]), {"bad_flac": 1}, 1),
        (_change(0, lambda data: data[:41]), {"bad_flac": 1}, 1),
        (_change(1, lambda data: data[:-9]), {"bad_clip": 1}, 1),
        (_change(1, lambda data: b"\xff" + data), {"bad_clip": 1}, 1),
        (_change(1, lambda data: b"[" * 100_000 + data), {"bad_clip": 1}, 1),
        (_json(clip_id=CLIP), {"bad_clip": 1}, 1),
        (_json(title="\ud800"), {"bad_clip": 1}, 1),
        (_json(start_ms=2**70), {"bad_clip": 1}, 1),
        (_json(labels=[{"caption": "x"}]), {"bad_clip": 1}, 1),
        (_json(split=None), {"bad_clip": 1}, 1),
        (_json(sample_rate=48_000), {"bad_flac": 1}, 1),
        (_json(more="is left out"), {}, 0),
    ],
)
def test_what_is_not_whole_is_lost_alone_and_said(
    tars: Path, tmp_path: Path, change: Callable[[Members], Members], reasons: dict, missing: int
) -> None:
    found = members(tars / "train-000000.tar")
    tar = write_tar(tmp_path / "x.tar", change(found))
    manifest = import_webdataset([str(tar)], str(tmp_path / "out")).manifest
    assert manifest.dead_reasons == reasons
    assert manifest.rows == len(found) // 2 - missing
    assert set(manifest.examples) == set(reasons)
    assert pq.read_table(tmp_path / "out").num_rows == manifest.rows
    assert not list(tmp_path.parent.glob(f"{CLIP}*"))


def _header(name: str, size: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.type = kind
    head = bytearray(member.tobuf(tarfile.USTAR_FORMAT)[:512])
    head[124:136] = size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


BASE256 = bytes([0x80]) + (2**60).to_bytes(11)
NEGATIVE = b"\xff" * 10 + (2**16 - 1024).to_bytes(2)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:700],
        lambda data: data[: len(data) // 2 // 512 * 512 + 100],
        lambda data: data[: data.rindex(b"ustar") - 257 + 200],
        lambda data: data[: data.rindex(b"ustar") - 257],
        lambda data: data[:1024] + data[1030:],
        lambda data: data[:0],
        lambda data: b"\x1f\x8b" + data,
        lambda data: data + data,
        lambda data: data[: data.rindex(b"ustar") - 257] + bytes(512) + data[data.rindex(b"ustar") + 255 :],
        lambda data: _header("x.flac", b"77777777777\0") + data,
        lambda data: _header("x.flac", BASE256) + data,
        lambda data: _header("x.flac", NEGATIVE) + data,
        lambda data: data[:0] + _header("x", NEGATIVE) * 3,
        lambda data: _header("x", BASE256, tarfile.XHDTYPE) + data,
        lambda data: _header("x", NEGATIVE, tarfile.XHDTYPE) + data,
        lambda data: _header("x", BASE256, tarfile.GNUTYPE_LONGNAME) + data,
        lambda data: _header("x", b"00000000000\0", tarfile.XHDTYPE) * 5000 + data,
    ],
)
def test_a_tar_that_is_not_whole_is_one_error(tars: Path, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    (tmp_path / "x.tar").write_bytes(change((tars / "train-000000.tar").read_bytes()))
    with pytest.raises(UserError, match=r"x\.tar is no whole tar file"):
        import_webdataset([str(tmp_path / "x.tar")], str(tmp_path / "out"))


def test_a_tar_without_a_clip_and_tars_that_are_not_there(tars: Path, tmp_path: Path) -> None:
    write_tar(tmp_path / "x.tar", [plain("readme.txt", b"hello")])
    for given, said in (("x.tar", "no clip of the tars can be used .*readme.txt"), ("y.tar", "there is no file"), ("out", r"no \.tar in")):
        with pytest.raises(UserError, match=said):
            import_webdataset([str(tmp_path / given)], str(tmp_path / "out"))
    twice = import_webdataset([str(tars), str(tars / "train-000000.tar")], str(tmp_path / "both")).manifest
    assert twice.rows == 24
    assert twice.dead_reasons == {"second_clip": len(members(tars / "train-000000.tar")) // 2}


def test_names_of_splits_in_files() -> None:
    given = ["train", "a b", "a_b", "a/../b", "夜", "all", "TRAIN", "-", "x" * 300]
    names = file_names(dict.fromkeys(given))
    assert (names["train"], names["a_b"], names["all"]) == ("train", "a_b", "all_clips")
    assert len(set(names.values())) == len(given)
    assert all(name.replace("_", "").isalnum() and name.isascii() and len(name) < 70 for name in names.values())


def test_the_commands(root: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        return CliRunner().invoke(n2m, [*arguments], catch_exceptions=False).output

    out, joined = str(tmp_path / "tars"), str(tmp_path / "joined")
    assert run("export", root, out, "--to", "webdataset").startswith("24 clips in 2 files, ")
    assert "nothing had to be written" in run("export", root, out, "--to", "webdataset")
    write_tar(tmp_path / "more.tar", [plain("x.txt", b"")])
    said = run("import-webdataset", out, str(tmp_path / "more.tar"), joined)
    assert said.startswith("24 clips in 2 files, ")
    assert "lost, bad_member: 1, for example" in said
