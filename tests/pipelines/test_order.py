"""Every stage of the order can be run and checked: its function, its condition, its schema."""

import inspect
from functools import cached_property
from importlib import import_module

import pyarrow as pa
import pytest

from noise2music.labeling.schemas import SHARD, embed_schema, embed_text_schema
from noise2music.labeling.stages.order import DISPLAY_ORDER, LABELING_STAGES, REPORT, STAGE_NAMES, LabelingStage, schema_of
from noise2music.pipelines.settings import LabelSettings

of_each_stage = pytest.mark.parametrize("stage", LABELING_STAGES, ids=lambda stage: stage.name)


@of_each_stage
def test_its_function_takes_the_run_and_perhaps_a_vocabulary(stage: LabelingStage) -> None:
    function = getattr(import_module(f"noise2music.pipelines.{stage.module or stage.name}"), stage.name)
    types = [parameter.annotation.__name__ for parameter in inspect.signature(function).parameters.values()]
    assert types == (["Session", "str"] if stage.per_vocabulary else ["Session"])
    assert inspect.signature(function).return_annotation.__name__ == "Dataset"


@of_each_stage
def test_its_condition_is_a_property_of_the_settings(stage: LabelingStage) -> None:
    assert not stage.when or isinstance(getattr(LabelSettings, stage.when), property | cached_property)


def test_each_stage_is_shown_once_and_the_report_last() -> None:
    assert sorted(DISPLAY_ORDER, key=LABELING_STAGES.index) == list(LABELING_STAGES)
    assert len(set(STAGE_NAMES)) == len(LABELING_STAGES) + 1
    assert STAGE_NAMES[-1] == REPORT


def test_what_belongs_to_vocabularies_is_shown_together() -> None:
    found = [stage.per_vocabulary for stage in DISPLAY_ORDER]
    assert "".join(str(int(item)) for item in found).strip("0").strip("1") == ""


def test_a_schema_is_found_for_the_vectors_of_a_table() -> None:
    for schema in (embed_schema(3), embed_text_schema(3, 5)):
        assert schema_of("embed" if "track_id" in schema.names else "embed_text", schema).equals(schema)
    assert schema_of("shard", pa.schema([])).equals(SHARD)
