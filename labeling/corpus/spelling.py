"""How a name in a table may differ from the key of the file that it means. Names are compared, never opened."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from noise2music.labeling.corpus.files import SUFFIXES

UNICODE, DRESS, ENCODED, FOLDER, CASE, SUFFIX = 1, 2, 4, 8, 16, 32
NUMBER = 64 | UNICODE | DRESS | ENCODED | FOLDER | CASE | SUFFIX
"""A name that is only a number is the loosest match; any other match is nearer."""

STEPS = {"number": 64, "suffix": SUFFIX, "case": CASE, "folder": FOLDER, "spelling": DRESS | ENCODED}
"""Names of looser matches, by their loosest difference."""

_DEPTH = 128
_OTHER_SUFFIXES = "3gp ac3 aifc alac amr ape au caf dff dsf flv m4b mid midi mka mkv mov mp2 mp4 mpc mpga opus ra spx tak tta wma wv"
AUDIO_SUFFIXES = SUFFIXES | set(_OTHER_SUFFIXES.split())
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_DRIVE = re.compile(r"/*[A-Za-z]:(?=/|$)")
_DEVICE = re.compile(r"^[/\\]{2}[?.][/\\](UNC[/\\])?")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_NUMBER = re.compile(r"0*(\d{1,18})(?:\.0+)?")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»", "<": ">"}
_BLANK = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\0"


@lru_cache(1 << 12)
def plain(name: str) -> str:
    """The path that a name spells: NFC, without white space and quotes around it, a URI's scheme, a drive and what leads to the start
    ("./", "/", "../"), and with "/" for a backslash. Empty when nothing is left.
    """
    text = _bare(unicodedata.normalize("NFC", name))
    scheme = _SCHEME.match(text)
    if scheme:
        text = text[scheme.end() :]
        if scheme[1].lower() in ("http", "https"):
            text = re.split(r"[?#]", text, maxsplit=1)[0]
        elif scheme[1].lower() == "file":
            text = text.removeprefix("localhost/")
    text = _DRIVE.sub("", _DEVICE.sub("", text).replace("\\", "/"), count=1)
    steps: list[str] = []
    for step in text.split("/"):
        if step == "..":
            steps = steps[:-1]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


@lru_cache(1 << 12)
def decoded(name: str) -> str:
    """`plain` with percent signs decoded and in Unicode's compatible form (NFKC)."""
    path = plain(name)
    if _ENCODED.search(path):
        data = unquote_to_bytes(path)
        try:
            path = plain(data.decode("utf-8"))
        except UnicodeDecodeError:
            path = plain(data.decode("latin-1"))
    return unicodedata.normalize("NFKC", path)


@lru_cache(1 << 12)
def folded(path: str) -> str:
    """Without regard to case."""
    return unicodedata.normalize("NFKC", path.casefold())


def without_suffix(path: str) -> str:
    """The path without the suffix of an audio file; another dot belongs to the name ("op. 9")."""
    stem, dot, suffix = path.rpartition(".")
    return stem if dot and stem and not stem.endswith("/") and suffix.lower() in AUDIO_SUFFIXES else path


def number_of(name: str) -> str | None:
    """The number that a name is ("2", "2.0", "000002" are one), None for any other name."""
    match = _NUMBER.fullmatch(_bare(name))
    return match[1] if match else None


def looseness(name: str, key: str) -> int | None:
    """The differences between a name and a key that it means, as bits; 0 for equal names, None when it does not mean the key.

    One path may be the tail of the other ("C:\\\\music\\\\a.mp3", "a.mp3"); where both name folders the folders must agree.
    """
    if name == key:
        return 0
    if unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", key):
        return UNICODE
    for bits, one, other in _forms(name, key):
        tail = _tail(one, other)
        if tail is not None:
            return UNICODE | DRESS | bits | tail
    number = number_of(name)
    return NUMBER if number is not None and number == number_of(stem_of(key)) else None


def stem_of(key: str) -> str:
    """A key's name without folders and suffix."""
    return without_suffix(plain(key)).rsplit("/", 1)[-1]


def step_of(bits: int) -> str | None:
    """The step of STEPS that a match was made by, None for an exact one."""
    return next((step for step, bit in STEPS.items() if bits & bit), None)


def _forms(name: str, key: str) -> Iterator[tuple[int, str, str]]:
    """(bits, name, key) from near to loose."""
    pairs = ((0, plain(name), plain(key)), (ENCODED, decoded(name), decoded(key)))
    yield from pairs
    lower = tuple((bits | CASE, folded(one), folded(other)) for bits, one, other in pairs)
    yield from lower
    for bits, one, other in (*pairs, *lower):
        yield bits | SUFFIX, without_suffix(one), without_suffix(other)
        yield bits | SUFFIX, one, without_suffix(other)
        yield bits | SUFFIX, without_suffix(one), other


def _tail(name: str, key: str) -> int | None:
    """0 for equal paths, None where neither is the end of the other.

    A name with more folders than the key has the key's depth among its bits: of "x.mp3" and "jazz/x.mp3" neither is nearer to
    "/data/Jazz/x.mp3", whatever else differs.
    """
    if not name or not key:
        return None
    if name == key:
        return 0
    if f"/{key}".endswith(f"/{name}"):
        return FOLDER
    return FOLDER | _DEPTH << key.count("/") if f"/{name}".endswith(f"/{key}") else None


def _bare(text: str) -> str:
    """Without white space, marks that show nothing, and quotes around it."""
    while True:
        before = text
        text = text.strip().strip(_BLANK)
        if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
            text = text[1:-1]
        if text == before:
            return text
