"""The labeling stages in the order in which they run: the only list of them.

The flow runs them by it (flows/label.py); what names the datasets of a run, checks, shows, counts or deletes them goes by it too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from noise2music.labeling import schemas


@dataclass(frozen=True)
class LabelingStage:
    """One stage. Its function has its name, and lies in the module of pipelines/ that has its name too, unless `module` names another.

    schema: of its table, or a function that gives it for the lengths of its columns of vectors. per_vocabulary: whether it runs once for
    each vocabulary. when: the property of LabelSettings (pipelines/settings.py) that says whether a run has this stage; "": each run has.
    """

    name: str
    schema: pa.Schema | Callable[..., pa.Schema]
    per_vocabulary: bool = False
    when: str = ""
    module: str = ""


LABELING_STAGES = (
    LabelingStage("inventory", schemas.INVENTORY),
    LabelingStage("probe", schemas.PROBE, module="inventory"),
    LabelingStage("fingerprint", schemas.FINGERPRINT, when="finds_copies", module="inventory"),
    LabelingStage("copies", schemas.COPIES, when="finds_copies"),
    LabelingStage("ingest", schemas.INGEST),
    LabelingStage("songs", schemas.SONGS, when="uses_llm"),
    LabelingStage("write", schemas.WRITE, when="uses_llm"),
    # Before anything is embedded: captions that leak are said in the first minutes.
    LabelingStage("vocabulary", schemas.VOCABULARY, per_vocabulary=True),
    LabelingStage("embed", schemas.embed_schema),
    LabelingStage("embed_text", schemas.embed_text_schema, per_vocabulary=True, module="embed"),
    LabelingStage("retrieve", schemas.RETRIEVE, per_vocabulary=True),
    LabelingStage("null", schemas.NULL, per_vocabulary=True),
    LabelingStage("count", schemas.COUNT, per_vocabulary=True),
    LabelingStage("sample", schemas.SAMPLE, per_vocabulary=True),
    LabelingStage("audio", schemas.AUDIO, module="shard"),
    LabelingStage("shard", schemas.SHARD),
)

REPORT = "report"
"""The last one: a page over the datasets of all the others (flows/pages/label/stage.py). It has no table."""

_last = max(position for position, stage in enumerate(LABELING_STAGES) if stage.per_vocabulary)
DISPLAY_ORDER = (
    *(stage for stage in LABELING_STAGES[:_last] if not stage.per_vocabulary),
    *(stage for stage in LABELING_STAGES if stage.per_vocabulary),
    *LABELING_STAGES[_last + 1 :],
)
"""The stages as people see them: what the vocabularies share, the vocabularies, what joins both."""

STAGE_NAMES = (*(stage.name for stage in DISPLAY_ORDER), REPORT)


def schema_of(stage: str, table: pa.Schema) -> pa.Schema:
    """What the schema of a stage's table has to be, where `table` is the one that a file has. Raises KeyError for an unknown stage."""
    (schema,) = (item.schema for item in LABELING_STAGES if item.name == stage)
    if isinstance(schema, pa.Schema):
        return schema
    return schema(*(column.type.list_size for column in table if pa.types.is_fixed_size_list(column.type)))
