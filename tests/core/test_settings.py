"""Keys that a release before called otherwise: read the same, with one warning, and never both at once."""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from pydantic import Field, ValidationError, field_validator

from noise2music.core import settings as module
from noise2music.core.settings import Settings


class Inner(Settings):
    former_names: ClassVar[Mapping[str, str]] = {"draw": "labels_per_clip", "rate": "learning_rate"}
    labels_per_clip: int = Field(1, ge=1)
    learning_rate: float | None = None

    @field_validator("labels_per_clip")
    @classmethod
    def _is_small(cls, value: int) -> int:
        if value > 9:
            raise ValueError("at most 9")
        return value


class Outer(Settings):
    former_names: ClassVar[Mapping[str, str]] = {"leaks": "contamination"}
    contamination: Inner = Inner()
    tables: dict[str, Inner] = Field(default_factory=dict)


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    module._warn.cache_clear()
    yield
    module._warn.cache_clear()


FORMER: dict[str, Any] = {"leaks": {"draw": 3}, "tables": {"a": {"rate": 0.5}, "b": {"draw": 2, "learning_rate": 1}}}
TODAY: dict[str, Any] = {
    "contamination": {"labels_per_clip": 3},
    "tables": {"a": {"learning_rate": 0.5}, "b": {"labels_per_clip": 2, "learning_rate": 1}},
}


def test_a_former_name_means_the_same_through_dicts_json_and_keywords(caplog: pytest.LogCaptureFixture) -> None:
    expected = Outer.model_validate(TODAY)
    assert not caplog.records
    assert Outer.model_validate(FORMER) == expected
    assert Outer.model_validate_json(json.dumps(FORMER)) == expected
    assert Outer(**FORMER) == expected
    assert expected.as_json() == Outer.model_validate(FORMER).as_json()
    assert FORMER["leaks"] == {"draw": 3}, "what was given stays as it is"


def test_each_former_name_is_warned_of_once_a_process_with_its_name_today(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="n2m"):
        Outer.model_validate(FORMER)
        Outer.model_validate(FORMER)
    messages = [record.getMessage() for record in caplog.records]
    pairs = [("leaks", "contamination"), ("draw", "labels_per_clip"), ("rate", "learning_rate")]
    assert [message.split(".")[0] for message in messages] == [f"The setting {former} is called {name} now" for former, name in pairs]


def test_a_record_of_an_earlier_run_is_read_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="n2m"):
        assert Outer.of_record(FORMER) == Outer.model_validate(TODAY)
    assert not caplog.records


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"draw": 3, "labels_per_clip": 3}, "draw is the former name of labels_per_clip: give labels_per_clip alone"),
        ({"drew": 3}, "Extra inputs are not permitted"),
        ({"leaks": 3}, "Extra inputs are not permitted"),
        ({"draw": 10}, "at most 9"),
        ({"draw": 0}, "greater than or equal to 1"),
    ],
)
def test_both_names_other_keys_and_bad_values_stay_errors(values: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Inner.model_validate(values)


def test_an_error_of_a_value_stands_at_the_name_of_today() -> None:
    with pytest.raises(ValidationError) as error:
        Outer.model_validate({"leaks": {"draw": 10}})
    assert [item["loc"] for item in error.value.errors()] == [("contamination", "labels_per_clip")]


def test_settings_without_former_names_take_what_is_no_table_as_before() -> None:
    same = Inner(labels_per_clip=2)
    assert Outer(contamination=same).contamination is same
    with pytest.raises(ValidationError, match="valid dictionary or instance"):
        Outer.model_validate({"contamination": 3})
