from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from noise2music.core.errors import UserError
from noise2music.core.settings import Settings
from noise2music.flows.config import audio_settings, load_settings, validate_settings
from noise2music.pipelines.settings import LabelSettings

FILE = """
root = "runs/x"
[corpus]
audio = "music"
[vocabulary.tags]
kind = "builtin-tags"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(FILE)
    return path


def test_defaults_are_the_papers(file: Path) -> None:
    settings = load_settings(file)
    assert (settings.corpus.clip_seconds, settings.corpus.max_clips, settings.sampling.top_k, settings.labels_per_clip("tags")) == (
        30,
        6,
        10,
        3,
    )
    assert (settings.retrieval.dedup_threshold, settings.sampling.min_score_quantile, settings.max_dead) == (None, None, 0.05)


def test_set_overrides_values_of_every_kind(file: Path) -> None:
    settings = load_settings(
        file,
        [
            "seed=7",
            "sampling.labels_per_clip.tags=2",
            "corpus.audio=other folder",
            "run.check='size'",
            'corpus.licences=["CC0 1.0"]',
            "root=s3://b/x",
        ],
    )
    assert (settings.seed, settings.labels_per_clip("tags"), settings.corpus.audio) == (7, 2, "other folder")
    assert (settings.run.check, settings.corpus.licences, settings.root) == ("size", ("CC0 1.0",), "s3://b/x")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sampling.topk=3", r"unknown key sampling.topk; did you mean sampling.top_k\?"),
        ("corpus.columns.titel=x", r"did you mean corpus.columns.title\?"),
        ("vocabulary.tags.sorce=x", r"did you mean vocabulary.tags.source\?"),
        ("sed=1", r"unknown key sed; did you mean seed\?"),
        ("run.zzz=1", "unknown key run.zzz; known here: batch_size, check, device"),
        ("sampling.top_k=0", "sampling.top_k = 0: Input should be greater than or equal to 1"),
        ("vocabulary.tags.kind=tagz", "vocabulary.tags.kind = 'tagz'"),
        ("sampling.labels_per_clip.other=3", "sampling.labels_per_clip names 'other', but the vocabularies are: tags"),
        ("sampling.labels_per_clip.tags=11", "must be between 1 and top_k = 10"),
        ("nothing", "write it as --set a.b=value"),
        ("root.x=1", "root is a value, not a table"),
    ],
)
def test_a_mistake_is_one_message_that_names_the_key(file: Path, override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_settings(file, [override])


class _Step(Settings):
    former_names: ClassVar[Mapping[str, str]] = {"draw": "labels"}
    labels: int = 1


class _Run(Settings):
    former_names: ClassVar[Mapping[str, str]] = {"leaks": "contamination"}
    contamination: _Step = _Step()
    steps: dict[str, _Step] = Field(default_factory=dict)


@pytest.mark.parametrize("table", ["leaks", "contamination"])
@pytest.mark.parametrize("key", ["draw", "labels"])
@pytest.mark.parametrize("override", ["leaks.draw", "leaks.labels", "contamination.draw", "contamination.labels"])
def test_an_override_takes_the_place_of_the_key_by_whatever_name(table: str, key: str, override: str) -> None:
    raw = {table: {key: 2}, "steps": {"draw": {key: 3}, "labels": {key: 4}}}
    made = validate_settings(_Run, raw, [f"{override}=7", f"steps.draw.{override.split('.')[1]}=8"], "test")
    assert made == _Run(contamination=_Step(labels=7), steps={"draw": _Step(labels=8), "labels": _Step(labels=4)})
    assert raw == {table: {key: 2}, "steps": {"draw": {key: 3}, "labels": {key: 4}}}


def test_both_names_of_a_key_in_one_file_are_an_error_that_names_both() -> None:
    with pytest.raises(UserError, match="draw is the former name of labels: give labels alone"):
        validate_settings(_Run, {"contamination": {"draw": 1, "labels": 2}}, [], "test")
    with pytest.raises(UserError, match=r"unknown key contamination.label; did you mean contamination.labels\?"):
        validate_settings(_Run, {"leaks": {"draw": 1}}, ["contamination.label=2"], "test")


def test_a_file_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the configuration .*nothing.toml"):
        load_settings(tmp_path / "nothing.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("root = \nseed = 1\n")
    with pytest.raises(UserError, match="is not valid TOML: .*line 1"):
        load_settings(broken)


def test_settings_cannot_be_changed(file: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(file).seed = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", ["real", "paper", "mulamcap", "demo", "tiny"])
def test_every_preset_is_valid(name: str) -> None:
    settings = load_settings(Path(__file__).resolve().parents[2] / "examples" / f"{name}.toml")
    assert settings.sampling.top_k == 10
    if name in ("paper", "mulamcap"):
        assert settings.retrieval.dedup_threshold is None
        assert settings.scorer.model == "laion/larger_clap_music"


def test_a_folder_alone_is_enough() -> None:
    settings = audio_settings("/data/My Music/")
    assert settings.root == "runs/My_Music"
    assert settings.scorer.model == "starter"


FORMER_CONFIGURATION = {
    "root": "r",
    "corpus": {"audio": "a"},
    "vocabulary": {"tags": {"kind": "builtin-tags"}},
    "leaks": {"held_out": ["held.csv"]},
    "clean": {"near_duplicate": 0.9},
    "retrieval": {"collapse": 0.75},
    "sampling": {"draw": {"tags": 2}, "floor_quantile": 0.5},
    "run": {"batch": 4},
}


def test_former_names_of_labeling_mean_what_they_meant() -> None:
    settings = LabelSettings.of_record(FORMER_CONFIGURATION)
    assert settings.contamination.held_out == ("held.csv",)
    assert settings.clean.near_duplicate_threshold == 0.9
    assert settings.retrieval.dedup_threshold == 0.75
    assert (settings.labels_per_clip("tags"), settings.sampling.min_score_quantile) == (2, 0.5)
    assert settings.run.batch_size == 4
    assert LabelSettings.of_record(settings.as_json()) == settings
