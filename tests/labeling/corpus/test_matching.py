import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.labeling.corpus.matching import match_names
from noise2music.labeling.corpus.spelling import looseness, step_of

KEYS = [
    "clue-cards__lobby.flac",
    "data__Karissa_Hobbs_Lets_Go_Fishin.hq.flac",
    "rock/AC-DC/01 Höhe.mp3",
    "jazz/01 Tief.mp3",
    "000/000002.mp3",
    "100% wet.wav",
]
LOBBY, HQ, HIGH, DEEP, TWO, WET = KEYS


def meant(name: str, keys: list[str] = KEYS) -> tuple[str, str | None] | None:
    """The one file that a name means, and by which step."""
    found = match_names(keys, [name]).matches.get(name)
    return (found[0], step_of(found[1])) if found else None


@pytest.mark.parametrize(
    ("name", "key", "step"),
    [
        (LOBBY, LOBBY, None),
        (unicodedata.normalize("NFD", HIGH), HIGH, None),
        ("./" + HIGH, HIGH, "spelling"),
        ("/" + HIGH, HIGH, "spelling"),
        (f" {LOBBY}\t", LOBBY, "spelling"),
        (f'"{LOBBY}"', LOBBY, "spelling"),
        (f"' {LOBBY} '", LOBBY, "spelling"),
        ("\ufeff" + LOBBY, LOBBY, "spelling"),
        ("rock\\AC-DC\\01 Höhe.mp3", HIGH, "spelling"),
        ("rock//AC-DC/./x/../01 Höhe.mp3", HIGH, "spelling"),
        (quote(HIGH), HIGH, "spelling"),
        (quote(HIGH, safe="", encoding="latin-1"), HIGH, "spelling"),
        ("ｃlue-cards__lobby.flac", LOBBY, "spelling"),
        ("100%25%20wet.wav", WET, "spelling"),
        ("music\\sub\\" + LOBBY, LOBBY, "folder"),
        ("C:\\Users\\me\\Music\\" + LOBBY, LOBBY, "folder"),
        ("\\\\server\\share\\" + LOBBY, LOBBY, "folder"),
        ("\\\\?\\C:\\x\\" + LOBBY, LOBBY, "folder"),
        ("/data/music/" + LOBBY, LOBBY, "folder"),
        ("../music/" + LOBBY, LOBBY, "folder"),
        ("file:///data/" + quote(HIGH), HIGH, "folder"),
        ("file:///C:/data/" + LOBBY, LOBBY, "folder"),
        ("s3://bucket/music/" + LOBBY, LOBBY, "folder"),
        ("https://host/x/" + LOBBY + "?download=1", LOBBY, "folder"),
        ("01 Höhe.mp3", HIGH, "folder"),
        ("AC-DC/01 Höhe.mp3", HIGH, "folder"),
        (LOBBY.upper(), LOBBY, "case"),
        ("CLUE-CARDS__LOBBY.FLAC", LOBBY, "case"),
        ("C:\\MUSIC\\ROCK\\AC-DC\\01 HÖHE.MP3", HIGH, "case"),
        ("clue-cards__lobby", LOBBY, "suffix"),
        ("clue-cards__lobby.mp3", LOBBY, "suffix"),
        ("data__Karissa_Hobbs_Lets_Go_Fishin.hq", HQ, "suffix"),
        ("data__Karissa_Hobbs_Lets_Go_Fishin.hq.ogg", HQ, "suffix"),
        (LOBBY + ".wav", LOBBY, "suffix"),
        ("/old/JAZZ/01 tief.WMA", DEEP, "suffix"),
        ("000002", TWO, "suffix"),
        ("2", TWO, "number"),
        ("2.0", TWO, "number"),
        (" 2 ", TWO, "number"),
    ],
)
def test_every_spelling_of_a_file_means_it(name: str, key: str, step: str | None) -> None:
    assert meant(name) == (key, step)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "/",
        ".",
        "..",
        '""',
        "clue-cards",
        "lobby.flac",
        "x" + LOBBY,
        "pop/01 Höhe.mp3",
        "jazz/01 Höhe.mp3",
        "3",
        "20",
        "2e0",
        "0x2",
        "1/2",
    ],
)
def test_what_names_no_file_means_none(name: str) -> None:
    assert meant(name) is None


def test_a_file_of_that_name_in_another_folder_is_a_hint_and_no_match() -> None:
    found = match_names(KEYS, ["pop/01 Höhe.mp3", "/data/pop/01 höhe"])
    assert found.matches == {}
    assert found.hints == {"pop/01 Höhe.mp3": (HIGH,), "/data/pop/01 höhe": (HIGH,)}


@pytest.mark.parametrize(
    ("keys", "name", "files"),
    [
        (["a/x.mp3", "b/x.mp3"], "x.mp3", ("a/x.mp3", "b/x.mp3")),
        (["x.mp3", "x.wav"], "x", ("x.mp3", "x.wav")),
        (["x.mp3", "X.mp3"], "./x.MP3", ("X.mp3", "x.mp3")),
        (["x/A.mp3", "a.mp3"], "A.mp3", ("a.mp3", "x/A.mp3")),
        (["x.mp3", "jazz/x.mp3"], "/data/jazz/x.mp3", ("jazz/x.mp3", "x.mp3")),
        (["x.mp3", "jazz/x.mp3"], "C:\\Jazz\\x.mp3", ("jazz/x.mp3", "x.mp3")),
        (["x.mp3", "ü/x.mp3"], "file:///d/%C3%BC/x.mp3", ("x.mp3", "ü/x.mp3")),
        (["2.mp3/1.mp3", "001.mp3"], "1.0", ("001.mp3", "2.mp3/1.mp3")),
        (["é.mp3", "e\u0301.mp3"], "./é.mp3", ("e\u0301.mp3", "é.mp3")),
    ],
)
def test_a_name_that_could_mean_two_files_means_none(keys: list[str], name: str, files: tuple[str, ...]) -> None:
    found = match_names(keys, [name])
    assert (found.matches, found.ambiguous) == ({}, {name: files})


@pytest.mark.parametrize(
    ("keys", "name", "key"),
    [
        (["x.mp3", "a/x.mp3", "X.MP3", "x.wav"], "x.mp3", "x.mp3"),
        (["x.mp3", "x.wav"], "/data/x.mp3", "x.mp3"),
        (["a/x.mp3", "b/x.mp3"], "C:\\b\\x.mp3", "b/x.mp3"),
        (["2.mp3", "0002.mp3"], "2", "2.mp3"),
        (["é.mp3", "e\u0301.mp3"], "e\u0301.mp3", "e\u0301.mp3"),
        (["back\\slash.mp3", "back/slash.mp3"], "back\\slash.mp3", "back\\slash.mp3"),
        (["100%25.mp3", "100%.mp3"], "./100%25.mp3", "100%25.mp3"),
        ([" x.mp3", "x.mp3"], " x.mp3", " x.mp3"),
    ],
)
def test_the_file_that_differs_in_less_is_meant(keys: list[str], name: str, key: str) -> None:
    for order in (keys, keys[::-1]):
        assert match_names(order, [name]).matches[name][0] == key


STEP = st.sampled_from(["a", "b", "B", "ü", "one two", "x.y", "50%", "02", "2", "[l]", "#1"])
KEY = st.builds(
    lambda folders, name, suffix: "/".join([*folders, f"{name}.{suffix}"]),
    st.lists(STEP, max_size=3),
    STEP,
    st.sampled_from(["mp3", "wav", "FLAC"]),
)
LOSSY = {
    "": lambda key: key,
    "upper": str.upper,
    "lower": str.lower,
    "no suffix": lambda key: key.rpartition(".")[0],
    "other suffix": lambda key: key.rpartition(".")[0] + ".m4a",
    "name": lambda key: key.rpartition("/")[2],
    "stem": lambda key: key.rpartition("/")[2].rpartition(".")[0],
}
FORMS = {"": lambda key: key, "nfd": lambda key: unicodedata.normalize("NFD", key), "nfkc": lambda key: unicodedata.normalize("NFKC", key)}
PLACES = {
    "": lambda key: key,
    "dot": lambda key: "./" + key,
    "windows": lambda key: key.replace("/", "\\"),
    "drive": lambda key: "D:\\Music\\" + key.replace("/", "\\"),
    "absolute": lambda key: "/srv/Music Library/" + key,
    "climbing": lambda key: "../../music/" + key,
    "uri": lambda key: "file:///srv/m/" + quote(key),
    "bucket": lambda key: "s3://bucket/m/" + key,
    "encoded": quote,
}
WRAPS = {
    "": lambda name: name,
    "space": lambda name: f"  {name}\t",
    "quotes": lambda name: f'"{name}"',
    "mark": lambda name: "\ufeff" + name,
}


@given(st.lists(KEY, min_size=1, max_size=8, unique=True), st.data())
@settings(max_examples=100)
def test_a_spelling_leads_back_to_its_file_or_is_refused(keys: list[str], data: st.DataObject) -> None:
    """Where a spelling takes something away, another key may differ from it in less than its own does: only then may that be meant."""
    spelled: list[tuple[str, str, bool]] = []
    for key in keys:
        lossy, *others = (data.draw(st.sampled_from(sorted(kind))) for kind in (LOSSY, FORMS, PLACES, WRAPS))
        name = LOSSY[lossy](key)
        for kind, other in zip((FORMS, PLACES, WRAPS), others, strict=True):
            name = kind[other](name)
        spelled.append((name, key, bool(lossy)))
        own = looseness(name, key)
        assert own is not None or lossy in ("name", "stem")  # "/srv/a.mp3" is not said of "rock/a.mp3"
    names = {name for name, _, _ in spelled}
    found = match_names(keys, names)
    assert match_names(keys[::-1], sorted(names)) == found
    for name, key, is_lossy in spelled:
        assert not (name in found.matches and name in found.ambiguous)
        if name not in found.matches or name in keys:
            continue
        meant_key, bits = found.matches[name]
        own = looseness(name, key)
        assert meant_key == key if not is_lossy else own is None or bits & own == bits


def test_many_files_of_one_name_in_many_folders_are_quick() -> None:
    """Ten thousand albums have a 01.mp3 each: names are not compared with every file of the same name."""
    keys = [f"album {number}/{track:02d}.mp3" for number in range(2000) for track in range(3)]
    names = ["C:\\Music\\" + key.upper().replace("/", "\\") for key in keys]
    assert {key for key, _ in match_names(keys, names).matches.values()} == set(keys)


PIECE = st.sampled_from(
    [
        "a",
        "A",
        "b",
        "2",
        "02",
        "2.0",
        "x.wav",
        "ä",
        "a\u0308",
        "%41",
        "a b",
        " a",
        "..",
        ".",
        "",
        "C:",
        '"a"',
        "a.mp3",
        "A.MP3",
        "a.wav.mp3",
    ]
)
NAME = st.builds(
    lambda pieces, end: "/".join(pieces) + end, st.lists(PIECE, min_size=1, max_size=3), st.sampled_from(["", ".mp3", ".wav", ".9"])
)


@given(st.lists(NAME, max_size=6, unique=True), st.lists(NAME, max_size=6, unique=True))
@settings(max_examples=300)
def test_the_index_finds_what_comparing_every_pair_finds(keys: list[str], names: list[str]) -> None:
    found = match_names(keys, names)
    for name in names:
        bits = {key: how for key in keys if (how := looseness(name, key)) is not None}
        least = {key: how for key, how in bits.items() if not any(other != how and other & how == other for other in bits.values())}
        assert (found.matches.get(name) == next(iter(least.items()))) if len(least) == 1 else name not in found.matches
        assert found.ambiguous.get(name, ()) == (tuple(sorted(least)[:3]) if len(least) > 1 else ())
