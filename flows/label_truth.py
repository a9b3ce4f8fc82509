"""Labels against a truth table: a root and a table in; figures, and a page with recordings that can be heard, out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.storage import Store, open_store
from noise2music.evaluation.label_truth import Captions, Example, LabelTruth, LabelTruthSettings, label_truth
from noise2music.evaluation.results import json_file
from noise2music.evaluation.truth_table import Truth, read_truth
from noise2music.flows.pages.label_truth import PAGE, render_label_truth
from noise2music.labeling.datasets.audio_files import INLINE, REFERENCE, AudioFiles, audio_of_row
from noise2music.labeling.datasets.current import label_tables, open_current
from noise2music.labeling.datasets.parts import parquet_bytes, read_parquet

log = logging.getLogger("n2m")

CLIPS = "clips"
_TEXT, _FLOAT, _COUNT = pa.string(), pa.float64(), pa.int64()
LABEL_TRUTH = pa.schema(
    [
        *(pa.field(name, _TEXT, False) for name in ("vocabulary", "kind")),
        *(pa.field(name, _COUNT, False) for name in ("recordings", "labels")),
        *(pa.field(name, _FLOAT, False) for name in ("share", "low", "high", "chance", "chance_high")),
        pa.field("ratio", _FLOAT),
        pa.field("p", _FLOAT, False),
    ]
)


@dataclass(frozen=True)
class EvaluatedLabels:
    """page: where it is, None where nothing was written. said: what is not as one would expect."""

    figures: LabelTruth
    truth: Truth
    said: tuple[str, ...]
    page: str | None


def evaluate_labels(settings: LabelTruthSettings) -> EvaluatedLabels:
    """Compare the labels of a root with a truth table; with `settings.out` write labels.parquet, labels.json and labels.html.

    Raises UserError.
    """
    captions, clips = _read(settings.root)
    if not captions:
        raise UserError(f"{settings.root} has no labels to compare with the truth.")
    truth = read_truth(settings.truth, settings.columns, captions)
    figures = label_truth(captions, truth, settings.permutations, settings.seed, settings.recordings)
    if not figures.rows:
        raise UserError(
            f"{settings.truth} says the tags of {figures.recordings:,} of {figures.labelled:,} labelled recordings; it takes two, "
            "for the labels of one are the other's chance."
        )
    said = [*truth.said]
    if figures.few:
        said.append(f"without a row, since fewer than two recordings have such a tag: {', '.join(figures.few)}")
    if figures.recordings > settings.recordings:
        said.append(f"{settings.recordings:,} of {figures.recordings:,} recordings are drawn (recordings = {settings.recordings})")
    for line in said:
        log.warning("%s", line)
    page = None
    if settings.out is not None:
        store = open_store(settings.out)
        page = _write(store, settings, figures, truth, said, clips)
        log.info("Page: %s", page)
    return EvaluatedLabels(figures, truth, tuple(said), page)


def label_truth_json(figures: LabelTruth, truth: Truth, settings: LabelTruthSettings, said: Sequence[str]) -> bytes:
    """All of it."""
    counts = {"recordings": figures.recordings, "labelled": figures.labelled, "truth_rows": truth.rows}
    shown = {"rows": [asdict(row) for row in figures.rows], "columns": dict(truth.columns), "said": list(said)}
    whole = {**counts, **shown, "examples": [asdict(example) for example in figures.examples], "settings": settings.as_json()}
    return json_file(whole)


def _read(root: str) -> tuple[Captions, dict[str, str]]:
    """The captions of each recording, and its first clip."""
    captions: dict[str, dict[str, list[str]]] = {}
    first: dict[str, tuple[int, str]] = {}
    for table in label_tables(root, ["clip_id", "track_key", "start_ms", "labels"]):
        for row in table.to_pylist():
            key, clip = row["track_key"], (row["start_ms"], row["clip_id"])
            if row["labels"]:
                first[key] = min(first.get(key, clip), clip)
            for label in row["labels"]:
                captions.setdefault(key, {}).setdefault(label["vocabulary"], []).append(label["caption"])
    return captions, {key: clip for key, (_, clip) in first.items()}


def _write(
    store: Store, settings: LabelTruthSettings, figures: LabelTruth, truth: Truth, said: Sequence[str], clips: Mapping[str, str]
) -> str:
    """Figures last, so that a folder with figures has all that belongs to them."""
    few = min(settings.shown, len(figures.examples) // 2)
    best, worst = figures.examples[:few], figures.examples[::-1][:few]
    _write_clips(store, settings.root, (*best, *worst), clips)
    store.put_changed(PAGE, render_label_truth(figures, truth, best, worst, clips, said, settings.as_json()).encode())
    table = pa.Table.from_pylist([asdict(row) for row in figures.rows], LABEL_TRUTH)
    store.put_changed("labels.parquet", parquet_bytes(table, table.schema))
    store.put_changed("labels.json", label_truth_json(figures, truth, settings, said))
    return store.describe(PAGE)


def _write_clips(store: Store, root: str, examples: Sequence[Example], clips: Mapping[str, str]) -> None:
    """The first clip of each recording that the page plays, as it lies in the root."""
    wanted = {clips[example.key] for example in examples}
    dataset = open_current(root)
    files = AudioFiles(dataset.store)
    try:
        for record in dataset.manifest.parts if wanted else ():
            for file in record.files:
                for row in read_parquet(dataset.store, f"{dataset.path}/{file.path}", ["clip_id", *REFERENCE, *INLINE]).to_pylist():
                    if row["clip_id"] in wanted:
                        store.put_changed(f"{CLIPS}/{row['clip_id']}.flac", audio_of_row(row, files))
    finally:
        files.close()
