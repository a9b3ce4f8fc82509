"""Tags wherever a kind of file keeps them, and in whatever encoding they were written."""

import io
import struct

import mutagen
import pytest
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TIT2, TPE1

from noise2music.core.audio.legacy_text import decode_legacy
from noise2music.labeling.stages.probe import probe_file, probe_warnings
from tests.core.audio.audio_files import encode, encode_av, tones


def title_of(data: bytes) -> tuple[str | None, str | None, list[str]]:
    row = probe_file(io.BytesIO(data), "a", len(data), "")
    return row["tag_title"], row["tag_artist"], [message for reason, message in probe_warnings(row) if reason == "tag_encoding"]


def riff_info(wav: bytes, title: bytes, artist: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)

    info = chunk(b"LIST", b"INFO" + chunk(b"INAM", title + b"\0") + chunk(b"IART", artist + b"\0"))
    return wav[:4] + struct.pack("<I", len(wav) + len(info) - 8) + wav[8:] + info


def test_riff_info_and_the_chunks_of_aiff() -> None:
    wav = encode(tones(1), 44100, "WAV", "PCM_16")
    assert title_of(riff_info(wav, b"A title", "Björk".encode("latin-1"))) == ("A title", "Björk", [])
    aiff = bytearray(encode(tones(1), 44100, "AIFF", "PCM_16"))
    chunks = b"NAME" + struct.pack(">I", 7) + b"A title\0" + b"AUTH" + struct.pack(">I", 4) + b"Anna"
    aiff[12:12] = chunks
    aiff[4:8] = struct.pack(">I", len(aiff) - 8)
    assert title_of(bytes(aiff)) == ("A title", "Anna", [])


def test_apev2_on_an_mp3_and_id3_before_adts() -> None:
    file = io.BytesIO(encode(tones(1), 44100, "MP3"))
    tags = APEv2()
    tags["Title"], tags["Artist"] = "A title", "Анна"
    tags.save(file)
    assert title_of(file.getvalue()) == ("A title", "Анна", [])
    sink = io.BytesIO()
    frames = ID3()
    frames.add(TIT2(encoding=3, text="A title"))
    frames.save(sink)
    assert title_of(sink.getvalue() + encode_av(tones(1), "aac"))[0] == "A title"


@pytest.mark.parametrize("kind", ["webm", "mka", "wma", "flv", "avi", "wv", "m4a"])
def test_tags_of_other_containers(kind: str) -> None:
    rate = 48000 if kind == "webm" else 44100
    assert title_of(encode_av(tones(1, rate), kind, metadata={"title": "A title", "artist": "Anna"}))[:2] == ("A title", "Anna")


def id3(title: str, artist: str, encoding: str) -> bytes:
    file = io.BytesIO(encode(tones(1), 44100, "MP3"))
    tags = ID3()
    tags.add(TIT2(encoding=0, text=title.encode(encoding).decode("latin-1")))
    tags.add(TPE1(encoding=0, text=artist.encode(encoding).decode("latin-1")))
    tags.save(file)
    assert mutagen.File(io.BytesIO(file.getvalue())) is not None
    return file.getvalue()


@pytest.mark.parametrize(
    ("encoding", "title", "artist"),
    [
        ("gb18030", "无心睡眠", "周杰伦"),
        ("cp1251", "Группа крови", "Александр"),
        ("cp932", "ラブソング", "宇多田ヒカル"),
        ("utf-8", "Où est la ville", "Björk"),
    ],
)
def test_latin_1_that_holds_something_else_is_read_and_said(encoding: str, title: str, artist: str) -> None:
    data = id3(title, artist, encoding)
    found = title_of(data)
    assert found[:2] == (title, artist)
    assert len(found[2]) == 2
    assert f"read as {encoding}" in found[2][0]
    wav = riff_info(encode(tones(1), 44100, "WAV", "PCM_16"), title.encode(encoding), artist.encode(encoding))
    assert title_of(wav)[:2] == (title, artist)


def test_what_is_in_no_sure_encoding_is_left_out_and_said() -> None:
    found = title_of(id3("爱", "Nobody", "gb18030"))
    assert found[:2] == (None, "Nobody")
    assert "left out" in found[2][0]


WESTERN = [
    "Café", "Björk", "Motörhead", "Déjà Vu", "Ænima", "Ágætis byrjun", "Édith Piaf", "Mötley Crüe", "Hääyö", "À", "Ö", "naïve", "L’été",
    "Für Elise – Klavier", "Œuvre", "José González", "João Gilberto", "Queensrÿche", "Blue Öyster Cult", "100 °C", "Vår",
]  # fmt: skip


@pytest.mark.parametrize("text", WESTERN)
def test_true_western_text_stays(text: str) -> None:
    assert decode_legacy([text.encode("cp1252")]) == [(text, "cp1252")]


OTHERS = {
    "gb18030": ["周杰伦", "青花瓷", "我们的歌", "月亮代表我的心", "DJ 小苹果", "告白气球", "邓丽君", "后来", "爱"],
    "cp1251": ["Кино", "Звезда по имени Солнце", "Виктор Цой", "Пропаганда", "Вечер", "Океан Ельзи", "Мы", "ЛЮБОВЬ"],
    "cp932": ["さくら", "東京", "千本桜", "夜に駆ける", "残酷な天使のテーゼ", "First Love 初恋"],
    "euc-kr": ["사랑", "아이유", "좋은 날", "봄날"],
    "big5": ["月亮代表我的心", "鄧麗君"],
    "koi8-r": ["Группа крови"],
    "cp1253": ["Θάλασσα", "Μουσική"],
}


@pytest.mark.parametrize(("encoding", "text"), [(encoding, text) for encoding, texts in OTHERS.items() for text in texts])
def test_other_text_is_read_right_or_not_at_all(encoding: str, text: str) -> None:
    ((found, name),) = decode_legacy([text.encode(encoding)])
    assert (found, name) in ((text, encoding), (None, "unknown"))


def test_a_short_text_is_read_by_the_company_it_keeps() -> None:
    both = decode_legacy(["Мы".encode("cp1251"), "Виктор Цой".encode("cp1251")])
    assert both == [("Мы", "cp1251"), ("Виктор Цой", "cp1251")]
