"""The words, numbers and phrases that lie beside the code: whole, free of contradictions, and part of what fingerprints cover."""

import re
import shutil
from collections.abc import Callable
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from noise2music import synth as render
from noise2music.core import data_files
from noise2music.core.data_files import comma_choices, comma_list, content_hash
from noise2music.core.errors import UserError
from noise2music.labeling.captions import builtin, cleaning
from noise2music.labeling.captions.builtin import characters, forms, playing, tags
from noise2music.labeling.captions.cleaning import describes_music, phrases, quality, word_lists
from noise2music.labeling.captions.cleaning.chain import rules_identity
from noise2music.labeling.captions.text import caption_key
from noise2music.synth import drums, genres, instruments, recipes, truth

PACKAGES = (builtin, cleaning, render)
READERS: dict[str, Callable[[], Any]] = {
    "tags.toml": tags.tags_by_category,
    "styles.toml": forms.styles,
    "characters.toml": characters.characters,
    "forms.toml": forms.pulses,
    "playing.toml": lambda: playing.verb_phrases("leading", "piano"),
    "words.toml": word_lists.word_lists,
    "exemplars.toml": lambda: describes_music.exemplars("music"),
    "trivia.txt": lambda: phrases.read_phrases("trivia.txt"),
    "refusals.txt": lambda: phrases.read_phrases("refusals.txt"),
    "musiccaps_quality.json": quality.musiccaps,
    "genres.toml": genres.genres,
    "instruments.toml": instruments.instruments,
    "drums.toml": drums.kits,
    "names.toml": lambda: truth._names(),
}
RULES = ("tags.toml", "words.toml", "exemplars.toml", "trivia.txt", "refusals.txt")


def forget() -> None:
    """Everything that was read is read again."""
    for module in (
        tags,
        characters,
        forms,
        playing,
        word_lists,
        describes_music,
        phrases,
        quality,
        genres,
        instruments,
        drums,
        truth,
    ):
        for value in vars(module).values():
            if hasattr(value, "cache_clear") and value.__module__ == module.__name__:
                value.cache_clear()


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A copy of all data folders that the code reads from."""
    for package in PACKAGES:
        shutil.copytree(str(files(package).joinpath("data")), tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(data_files, "_folder", lambda _: tmp_path)
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def change(path: Path, pattern: str, replacement: str) -> None:
    text, times = re.subn(pattern, replacement, path.read_text("utf-8"), count=1, flags=re.MULTILINE)
    assert times == 1
    path.write_text(text, "utf-8")


def test_every_file_has_a_reader_here():
    names = [file.name for package in PACKAGES for file in files(package).joinpath("data").iterdir()]
    assert sorted(names) == sorted(READERS)


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_not_there_is_named(data, name):
    (data / name).unlink()
    with pytest.raises(UserError, match=re.escape(name)):
        READERS[name]()


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith(("toml", "json"))])
def test_a_file_that_cannot_be_parsed_is_named(data, name):
    (data / name).write_text("= [\n")
    with pytest.raises(UserError, match=re.escape(name)):
        READERS[name]()


@pytest.mark.parametrize(
    ("name", "pattern", "replacement", "complaint"),
    [
        ("tags.toml", '^mood = """', 'mood = """ calm,', "mood: listed twice: calm"),
        ("tags.toml", "^tempo =", "tempi =", "tempi"),
        ("tags.toml", '^voice = """[^"]*"""$', "", "no tags of the category voice"),
        ("styles.toml", "^lead = .*$", "lead = 3", "classical.lead: words are one text"),
        ("styles.toml", "^lead =", "leading =", "classical.lead"),
        ("characters.toml", r'"<slow>', '"<slowly>', "there is no <slowly>, only <slow>"),
        ("characters.toml", r"^bpm = .*$", "bpm = [54]", "characters.calm.bpm"),
        ("forms.toml", "^formal =", "formal_ =", "styles.formal"),
        ("playing.toml", "^phrases =", "phrase =", "leading.0.phrases"),
        ("words.toml", "^peoples =", "people =", "proper_words.peoples"),
        ("exemplars.toml", r"^\[other\]", "[others]", "others"),
        ("trivia.txt", "^hot 100", "(hot) 100", r"first word of a phrase must be there: \(hot\) 100"),
        ("musiccaps_quality.json", '"vocabulary": 434', '"vocabulary": "many"', "quality.100.vocabulary"),
        ("genres.toml", "^minor = .*$", 'minor = "often"', "classical.minor"),
        ("genres.toml", "^minor =", "major =", "classical"),
        ("instruments.toml", "brightness =", "brightnes =", "instruments.piano.presets.grand.brightness"),
        ("instruments.toml", 'recipe = "piano"', 'recipe = "pianola"', "instruments.piano.presets.grand.recipe: there is no 'pianola'"),
        ("instruments.toml", "slope = 1.15", 'slope = "steep"', "instruments.piano.presets.grand.slope"),
        ("drums.toml", "^metal = .*$", "", "kits.studio.metal"),
        ("drums.toml", r'^kick = "X', 'kick = "Y', "grooves.rock.kick"),
        ("names.toml", "^given =", "gave =", "given"),
    ],
)
def test_a_wrong_entry_is_named(data, name, pattern, replacement, complaint):
    change(data / name, pattern, replacement)
    with pytest.raises(UserError, match=f"data/{re.escape(name)}: .*{complaint}"):
        READERS[name]()


@pytest.mark.parametrize("name", RULES)
def test_rules_are_known_by_what_their_files_say(data, name):
    """A comment or a line break makes no new vocabulary; a word does."""
    before = rules_identity()
    path = data / name
    comment = ";" if name.endswith("txt") else "#"
    path.write_text(f"{comment} More about it.\n\n" + path.read_text("utf-8"), "utf-8")
    forget()
    assert rules_identity() == before
    change(path, "guitar|hot 100|apologies", "gittern")
    forget()
    assert rules_identity() != before


def test_files_that_are_no_rules_do_not_change_them(data):
    before = rules_identity()
    change(data / "musiccaps_quality.json", "18762", "18763")
    change(data / "forms.toml", "guitar|piano|waltz|solo", "lute")
    forget()
    assert rules_identity() == before


def test_the_hash_is_that_of_the_content():
    assert content_hash({"a": 1, "b": frozenset("xyz")}) == content_hash({"b": frozenset("zyx"), "a": 1})
    assert content_hash(("a", "b")) != content_hash(("b", "a"))
    with pytest.raises(TypeError, match="cannot be hashed"):
        content_hash(object())


def test_lists_of_words():
    assert comma_list(" harp, lute,\n  grand\n piano, ") == ("harp", "lute", "grand piano")
    assert comma_choices("power, power, pulse") == ("power", "power", "pulse")
    with pytest.raises(ValueError, match="listed twice: harp"):
        comma_list("harp, lute,\n harp")


def test_no_tag_stands_in_two_categories():
    keys = [caption_key(text) for texts in tags.tags_by_category().values() for text in texts]
    assert len(set(keys)) == len(keys)


def test_styles_characters_and_forms_know_each_other():
    names, people = set(forms.styles()), set(characters.characters())
    file = forms._file()
    for style in forms.styles().values():
        assert style.characters
        assert set(style.characters) <= people
        assert style.genres
        assert style.lead
        assert style.chords
        assert style.bass
    for group in fields(file.styles):
        assert getattr(file.styles, group.name) <= names
    assert set(file.pulses) <= names
    assert all(unfit.characters <= people for unfit in file.unfit)
    genre_names = {genre: style for style in forms.styles().values() for genre in style.genres}
    for genre, own in file.characters_of_genres.items():
        assert set(own) & set(genre_names[genre].characters), genre
    assert file.modern_scenes <= {scene for character in characters.characters().values() for scene in character.scenes}
    assert len(set(forms.forms())) == len(forms.forms())


def test_paces_are_written_out():
    slow, medium, fast = (characters.paces()[pace] for pace in ("slow", "medium", "fast"))
    assert not {*slow} & {*fast}
    assert characters.characters()["calm"].pace == slow
    assert forms.pulses()["reggae"].pace == ("relaxed", "laid-back", *medium)
    ranges = [*(character.bpm for character in characters.characters().values()), *(pulse.bpm for pulse in forms.pulses().values())]
    assert all(40 <= low < high <= 200 for low, high in ranges)


def test_every_role_ends_with_a_rule_for_any_name():
    for rules in playing._rules().values():
        assert all(rule.starts or rule.ends or rule.holds for rule in rules[:-1])
        assert rules[-1].fits("anything at all")
        assert all(len(rule.phrases) >= 2 for rule in rules)


def test_what_does_not_count_as_a_name_is_no_other_tag():
    """What the lexicon leaves out of the tags stands among them."""
    words, lists = word_lists.word_lists().lexicon, tags.tags_by_category()
    assert words.not_instruments <= set(lists["instrument"])
    assert words.not_genres <= set(lists["genre"])
    assert words.not_moods <= set(lists["mood"])
    assert words.not_vocals <= set(lists["voice"])


def test_phrases_stand_once():
    for name in ("trivia.txt", "refusals.txt"):
        lines = phrases.read_phrases(name).lines
        assert len(set(lines)) == len(lines) > 30


def test_genres_name_what_exists():
    names, kits = set(instruments.instruments()), {kit.preset for kit in drums.kits()}
    for genre in genres.genres():
        assert {*genre.leads, *genre.chords, *genre.basses, *genre.pads} <= names
        assert set(genre.grooves) <= set(drums.grooves())
        assert set(genre.kits) <= kits
        assert bool(genre.grooves) == (genre.drums > 0)
        assert genre.bpm[0] < genre.bpm[1]
        assert all(0 <= chance <= 1 for chance in (genre.minor, genre.drums, genre.triple, genre.swing, genre.solo))
        assert genre.moods
    used = {name for genre in genres.genres() for name in (*genre.leads, *genre.chords, *genre.basses, *genre.pads)}
    assert used == names
    assert set(instruments.soloists()) <= names
    assert kits == {kit for genre in genres.genres() for kit in genre.kits}
    assert set(drums.grooves()) == {groove for genre in genres.genres() for groove in genre.grooves} | {"waltz"}


def test_every_recipe_is_used():
    assert {entry["recipe"] for item in instruments._instruments().instruments.values() for entry in item.presets.values()} == set(
        recipes.RECIPES
    )
    assert all(timbre.low < timbre.high for timbre in instruments.instruments().values())
