import csv
import io
import struct
from typing import Any

import mutagen
import numpy as np
import pytest
from mutagen.id3 import ID3, TCON, TCOP, TIT2, TPE1
from PIL import Image

from noise2music.core.errors import RowError
from noise2music.core.tables.fields import MAX_FIELD_CHARACTERS, MAX_TAG_CHARACTERS
from noise2music.labeling.corpus.files import SUFFIXES, content_hash, list_corpus, open_audio
from noise2music.labeling.schemas import PROBE
from noise2music.labeling.stages.probe import probe_file
from tests.core.audio.audio_files import AV_KINDS, MUSIC, encode, encode_av, needs_music, tones, without_xing


def probe(data: bytes) -> dict[str, Any]:
    return probe_file(io.BytesIO(data), "a.mp3", len(data), "0" * 64)


def reason(data: bytes) -> str:
    with pytest.raises(RowError) as caught:
        probe(data)
    return caught.value.reason


def test_a_row_has_the_columns_of_the_schema_but_for_its_place() -> None:
    assert set(probe(encode(tones(1)))) == set(PROBE.names) - {"track_id", "content"}


@pytest.mark.parametrize(
    ("name", "kind", "subtype", "rate"),
    [
        ("wav", "WAV", "PCM_16", 44100),
        ("wav", "WAV", "FLOAT", 192_000),
        ("wav", "RF64", "PCM_24", 44100),
        ("flac", "FLAC", "PCM_16", 44100),
        ("ogg", "OGG", "VORBIS", 32000),
        ("opus", "OGG", "OPUS", 48000),
        ("mp3", "MP3", None, 44100),
        ("aiff", "AIFF", "PCM_16", 22050),
    ],
)
def test_what_libsndfile_reads(name: str, kind: str, subtype: str | None, rate: int) -> None:
    row = probe(encode(tones(2.5, rate, 2), rate, kind, subtype))
    assert (row["format"], row["sample_rate"], row["channels"], row["duration_ms"]) == (name, rate, 2, 2500)


@pytest.mark.parametrize(("kind", "slack_ms"), [("m4a", 0), ("aac", 70), ("webm", 10)])
def test_what_ffmpeg_reads(kind: str, slack_ms: int) -> None:
    rate = AV_KINDS[kind][2]
    row = probe(encode_av(tones(2.5, rate), kind))
    assert (row["format"], row["sample_rate"], row["channels"]) == (kind, rate, 2)
    assert 2500 <= row["duration_ms"] <= 2500 + slack_ms


def test_eight_channels() -> None:
    assert probe(encode(tones(1, 48000, 8), 48000))["channels"] == 8


def test_an_mp3_of_variable_bit_rate_without_its_length_is_measured() -> None:
    audio = tones(10)
    audio[5 * 44100 :] += np.random.default_rng(0).normal(0, 0.1, (5 * 44100, 2)).astype(np.float32)
    row = probe(without_xing(encode(audio, 44100, "MP3")))
    assert row["format"] == "mp3"
    assert row["duration_ms"] == pytest.approx(10_000, abs=60)


def test_a_flac_from_a_pipe_does_not_know_its_length_and_is_measured() -> None:
    data = bytearray(encode(tones(2), 44100, "FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    assert probe(bytes(data))["duration_ms"] == 2000


def test_a_wav_from_a_pipe_is_measured() -> None:
    data = bytearray(encode(tones(2), 44100, "WAV", "PCM_16"))
    place = data.index(b"data") + 4
    data[place : place + 4] = struct.pack("<I", 0xFFFFFFFF)
    assert probe(bytes(data))["duration_ms"] == 2000


def test_a_truncated_mp3_has_the_duration_that_is_left() -> None:
    data = encode(tones(10), 44100, "MP3")
    row = probe(data[: len(data) // 2])
    assert row["duration_ms"] == pytest.approx(5000, abs=100)
    assert row["claimed_ms"] == 10_000


def test_one_sample_is_audio_and_none_is_not() -> None:
    assert probe(encode(np.array([0.5])))["duration_ms"] == 0
    assert reason(encode(np.zeros((0, 2)))) == "no_samples"


def image(kind: str) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(sink, kind)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("empty_file", b""),
        ("not_audio", b"hello, this is no music\n" * 400),
        ("not_audio", "hello".encode("utf-16") * 400),
        ("not_audio", b"\0" * 20_000),
        ("not_audio", b"<html><script>alert(1)</script></html>"),
        ("not_audio", b"x"),
        ("not_audio", image("PNG")),
        ("not_audio", image("JPEG")),
        ("not_audio", image("WEBP")),
        ("not_audio", np.random.default_rng(5).bytes(20_000)),
        ("unreadable", b"fLaC" + np.random.default_rng(6).bytes(20_000)),
        ("unreadable", b"OggS" + np.random.default_rng(7).bytes(20_000)),
        ("unreadable", b"\0\0\0\x1cftypM4A " + np.random.default_rng(8).bytes(20_000)),
        ("unreadable", encode(tones(1), 44100, "OGG", "VORBIS")[:100]),
    ],
)
def test_what_is_not_audio_is_refused(expected: str, data: bytes) -> None:
    assert reason(data) == expected


def test_a_playlist_opens_no_other_file(tmp_path: Any) -> None:
    target = tmp_path / "secret.aac"
    target.write_bytes(encode_av(tones(1), "aac"))
    playlists = [
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{target}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {target}\n",
        f"RTSPtext\nRef1={target}\n",
    ]
    for playlist in playlists:
        assert reason(playlist.encode()) == "not_audio"


def test_an_absurd_rate_is_refused() -> None:
    data = bytearray(encode(tones(1)))
    data[24:28] = struct.pack("<I", 4_000_000)
    assert reason(bytes(data)) == "unsupported_rate"


def tagged(data: bytes, **tags: list[str]) -> bytes:
    file = io.BytesIO(data)
    opened = mutagen.File(file, easy=True)
    if opened.tags is None:
        opened.add_tags()
    for name, value in tags.items():
        opened[name] = value
    file.seek(0)
    opened.save(file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg", "m4a"])
def test_tags_inside_the_file(kind: str) -> None:
    kinds = {"mp3": ("MP3", None), "flac": ("FLAC", None), "ogg": ("OGG", "VORBIS")}
    data = encode_av(tones(1), "m4a") if kind == "m4a" else encode(tones(1), 44100, *kinds[kind])
    row = probe(tagged(data, title=["A <b>title</b>\n\0"], artist=["Ä", "B"], genre=["Rock; Pop|jazz", "POP"], copyright=["CC0"]))
    assert row["tag_title"] == "A <b>title</b>"
    assert row["tag_artist"] == "Ä"
    assert row["tag_licence"] == "CC0"
    assert row["tag_genres"] == ["rock", "pop", "jazz"]


def test_tags_of_wav_and_aiff_are_id3() -> None:
    for kind in ("WAV", "AIFF"):
        file = io.BytesIO(encode(tones(1), 44100, kind, "PCM_16"))
        opened = mutagen.File(file)
        opened.add_tags()
        for frame in (TIT2(text="T"), TPE1(text="A"), TCON(text="(17)"), TCOP(text="2001 CC BY")):
            opened.tags.add(frame)
        file.seek(0)
        opened.save(file)
        row = probe(file.getvalue())
        assert (row["tag_title"], row["tag_artist"], row["tag_licence"], row["tag_genres"]) == ("T", "A", "2001 CC BY", ["rock"])


def test_a_title_of_one_megabyte_is_cut() -> None:
    row = probe(tagged(encode(tones(1), 44100, "FLAC"), title=["é" * 2**20], genre=["g" * 2**20]))
    assert len(row["tag_title"]) == MAX_FIELD_CHARACTERS
    assert row["tag_title"].endswith("é…")
    assert [len(tag) for tag in row["tag_genres"]] == [MAX_TAG_CHARACTERS]


def test_broken_tags_are_no_tags() -> None:
    data = tagged(encode(tones(1), 44100, "FLAC"), title=["A title"])
    place = data.index(b"A title") - 10
    damaged = data[:place] + b"\xff" * 8 + data[place + 8 :]
    row = probe(damaged)
    assert (row["tag_title"], row["duration_ms"]) == (None, 1000)


def test_whatever_the_tag_reader_raises_there_are_no_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (RecursionError(), MemoryError(), KeyError("x"), mutagen.MutagenError()):
        monkeypatch.setattr(mutagen, "File", lambda *_, error=error, **__: (_ for _ in ()).throw(error))
        assert probe(encode(tones(1)))["tag_genres"] == []


def test_an_id3_block_before_the_music_is_skipped() -> None:
    data = encode(tones(2), 44100, "MP3")
    sink = io.BytesIO(data)
    tags = ID3()
    tags.add(TIT2(text="x" * 9000))
    tags.save(sink)
    row = probe(sink.getvalue())
    assert row["duration_ms"] == 2000
    assert row["tag_title"].startswith("xxx")


@needs_music
def test_the_shared_recordings() -> None:
    with (MUSIC / "manifest.csv").open(newline="", encoding="utf-8") as table:
        stated = {row["file"]: row for row in csv.DictReader(table)}
    found = list_corpus(str(MUSIC))
    assert {listed.key for listed in found.files} == set(stated)
    assert not found.refused
    for listed in found.files:
        with open_audio(str(MUSIC), listed.key) as file:
            row = probe_file(file, listed.key, listed.bytes, content_hash(file))
        assert row["format"] == listed.key.rsplit(".", 1)[1] in SUFFIXES
        assert row["duration_ms"] / 1000 == pytest.approx(float(stated[listed.key]["duration_s"]), abs=0.1)
        assert (row["sample_rate"], row["channels"]) == tuple(int(stated[listed.key][name]) for name in ("samplerate", "channels"))
