"""Text in older encodings: read where one alone makes sense of it, and said; else refused. Never read wrongly."""

import pytest

from noise2music.core.errors import UserError
from noise2music.core.tables.encodings import decode_text, is_broken
from noise2music.core.tally import Tally

READ = {
    "cp1252": [
        'x.flac,"Träne ""sad""",Ångström',
        "Motörhead",
        "Beyoncé,Déjà Vu\nSigur Rós,Ágætis byrjun",
        "Let’s Go Fishin’ – “live”",
        "Señor",
        "Mylène Farmer",
        "João São Paulo ações",
        "Bjørk Smørrebrød",
    ],
    "cp1250": ["Dvořák", "Příběh\nŽivot je krásný", "Łódź, Kraków, Żółw", "Gdańsk", "Köszönöm szépen, gyönyörű"],
    "cp1251": ["title,artist\nПесня без слов,Александр", "DJ Грув", "Кино — Группа крови"],
    "gb18030": ["title,artist\n无心睡眠,张国荣", "周杰伦 - 七里香", "王菲,红豆\n陈奕迅,十年"],
    "cp932": ["上を向いて歩こう,坂本九", "カタカナ,ひらがな", "宇多田ヒカル", "さくら"],
    "cp949": ["아리랑,조용필", "사랑했지만 김광석"],
    "big5": ["月亮代表我的心,鄧麗君"],
    "cp1253": ["Ελλάδα μου"],
    "cp1254": ["Barış Manço"],
    "koi8_r": ["Песня без слов,Александр"],
    "utf-16": ["calm piano", "Träne"],
    "utf-16-le": ["calm piano, soft strings"],
    "utf-32": ["calm piano"],
}


@pytest.mark.parametrize(("encoding", "text"), [(encoding, text) for encoding, texts in READ.items() for text in texts])
def test_read_and_said(encoding: str, text: str) -> None:
    notes = Tally()
    decoded = decode_text("t.csv", text.encode(encoding), notes)
    assert (decoded.text, decoded.doubt) == (text, None)
    assert notes.lost == {"encoding": 1}
    assert "t.csv is not UTF-8" in notes.examples["encoding"][0]


@pytest.mark.parametrize("text", ["plain", "Träne, 张国荣, Песня", "\ufeffmark"])
def test_utf8_is_not_said(text: str) -> None:
    notes = Tally()
    assert decode_text("t.csv", text.encode(), notes).text == text.removeprefix("\ufeff")
    assert not notes.lost


@pytest.mark.parametrize(
    "data",
    [b"a\nb\xff\n", b"a\n\xff\xfe\xfd\nb", "é".encode() + " und été".encode("latin-1"), bytes(range(128, 256)), b"\xef\xbb\xbfx\xe9"],
)
def test_what_is_not_sure_is_not_read(data: bytes) -> None:
    decoded = decode_text("t.csv", data)
    assert decoded.doubt is not None
    assert decoded.doubt.startswith("not UTF-8")
    assert is_broken(decoded.text)
    assert decoded.text.encode("utf-8", "surrogateescape") == data.removeprefix(b"\xef\xbb\xbf")


def test_no_encoding_is_taken_for_another() -> None:
    """Each text in each encoding that can write it comes back as it is, or is refused."""
    for text in (text for texts in READ.values() for text in texts):
        for encoding in (*READ, "cp850", "mac_roman", "euc_jp", "cp866", "iso8859_5", "gbk"):
            try:
                data = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            decoded = decode_text("t.csv", data)
            assert decoded.doubt is not None or decoded.text == text or "\0" in decoded.text, (encoding, text, decoded)


def test_half_of_utf16_is_refused() -> None:
    with pytest.raises(UserError, match=r"t\.csv begins as UTF-16 and is cut"):
        decode_text("t.csv", "calm".encode("utf-16")[:-1])
