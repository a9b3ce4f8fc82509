"""Which datasets belong to the latest run of a root: one small file, replaced when a run is finished."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import groupby
from typing import Any

from pydantic import ValidationError

from noise2music.core.errors import UserError
from noise2music.core.storage import Store
from noise2music.labeling.datasets.build import BuildResult
from noise2music.labeling.datasets.dataset import LATEST, Dataset, latest_paths, open_dataset, unreadable
from noise2music.labeling.stages.order import DISPLAY_ORDER, LABELING_STAGES, REPORT
from noise2music.pipelines.settings import LabelSettings

LABEL_PAGE = "report.html"


@dataclass(frozen=True)
class VocabularyDatasets:
    """The finished datasets of one vocabulary. `null` is None when no random pairs were scored. others: of stages without a field here."""

    vocabulary: Dataset
    embed_text: Dataset
    retrieve: Dataset
    null: Dataset | None
    count: Dataset
    sample: Dataset
    others: Mapping[str, Dataset] = field(default_factory=dict)

    def get(self, stage: str) -> Dataset | None:
        """The dataset of a stage, None where there is none."""
        return _get(self, stage)


@dataclass(frozen=True)
class LabelDatasets:
    """The finished datasets of one labeling run; vocabularies by name, shown in that order.

    `embed` is the list of scored clips. Without `ingest` titles and tags are unknown, without `shard` there is nothing to hear:
    a rehearsal on made-up embeddings has neither. `songs` and `write` are there when an LLM wrote a vocabulary, `fingerprint` and `copies`
    where copies were looked for (`corpus.copies`). Runs made before audio had a stage of its own have no `audio`: their shards hold it.
    `embed`, `ingest`, `audio`, `shard`, `retrieve` and `sample` have the same parts. others: of stages without a field here, by stage.
    """

    inventory: Dataset | None
    probe: Dataset | None
    ingest: Dataset | None
    embed: Dataset
    shard: Dataset | None
    vocabularies: Mapping[str, VocabularyDatasets]
    songs: Dataset | None = None
    write: Dataset | None = None
    fingerprint: Dataset | None = None
    copies: Dataset | None = None
    audio: Dataset | None = None
    others: Mapping[str, Dataset] = field(default_factory=dict)

    def get(self, stage: str) -> Dataset | None:
        """The dataset of a stage, None where there is none."""
        return _get(self, stage)

    def all(self) -> list[Dataset]:
        """Every dataset in the order in which stages are shown, vocabulary by vocabulary."""
        found: list[Dataset | None] = []
        for per_vocabulary, stages in groupby(DISPLAY_ORDER, lambda stage: stage.per_vocabulary):
            names = [stage.name for stage in stages]
            for group in self.vocabularies.values() if per_vocabulary else (self,):
                found += [group.get(name) for name in names]
        return [dataset for dataset in found if dataset is not None]


def _get(datasets: LabelDatasets | VocabularyDatasets, stage: str) -> Dataset | None:
    found: Dataset | None = datasets.others[stage] if stage in datasets.others else getattr(datasets, stage, None)
    return found


def run_datasets(datasets: Iterable[Dataset]) -> LabelDatasets:
    """What one run found and made, in any order, each put where its stage and its vocabulary say. Raises TypeError as `_datasets`."""
    shared: dict[str, Dataset] = {}
    groups: dict[str, dict[str, Dataset]] = {}
    for dataset in datasets:
        (groups.setdefault(dataset.name, {}) if dataset.name else shared)[dataset.stage] = dataset
    return _datasets(shared, dict(sorted(groups.items())))


def _datasets(shared: Mapping[str, Dataset], groups: Mapping[str, Mapping[str, Dataset]]) -> LabelDatasets:
    """Datasets by stage. Raises TypeError where one is missing that every run has."""
    vocabularies = {name: VocabularyDatasets(**_fields(VocabularyDatasets, group)) for name, group in groups.items()}
    return LabelDatasets(**_fields(LabelDatasets, shared), vocabularies=vocabularies)


def _fields(group: type[LabelDatasets | VocabularyDatasets], found: Mapping[str, Dataset]) -> dict[str, Any]:
    """What `group` is made from: a field a stage, and `others`."""
    own = {item.name for item in fields(group)}
    return {**{name: found[name] for name in found.keys() & own}, "others": {name: found[name] for name in found.keys() - own}}


@dataclass(frozen=True)
class Labeled:
    """A finished run: its datasets, the report's dataset, and what was found and made on the way."""

    datasets: LabelDatasets
    report: Dataset
    built: tuple[BuildResult, ...]

    @property
    def nothing_done(self) -> bool:
        """Whether everything was there already."""
        return not any(item.new_parts for item in self.built)

    @property
    def report_path(self) -> str:
        """Where the page is."""
        return self.report.store.describe(f"{self.report.path}/{LABEL_PAGE}")


def write_latest(root: Store, datasets: LabelDatasets, report: Dataset, run: Mapping[str, Any]) -> None:
    """Name the datasets of a finished run. run: what is kept of it besides, its "config" and the name of its "scorer"."""
    paths = _paths(datasets, per_vocabulary=False)
    vocabularies = {name: _paths(group, per_vocabulary=True) for name, group in sorted(datasets.vocabularies.items())}
    body = json.dumps({**paths, "vocabularies": vocabularies, REPORT: report.path, "run": run}, indent=1) + "\n"
    if not (root.head(LATEST) and root.get(LATEST) == body.encode()):
        root.put(LATEST, body.encode())


def _paths(datasets: LabelDatasets | VocabularyDatasets, per_vocabulary: bool) -> dict[str, str]:
    found = {stage.name: datasets.get(stage.name) for stage in LABELING_STAGES if stage.per_vocabulary == per_vocabulary}
    return {name: dataset.path for name, dataset in found.items() if dataset is not None}


def read_latest(root: Store) -> tuple[LabelDatasets, Dataset]:
    """The datasets and the report of the latest finished run. Raises UserError when there is none."""
    datasets, path = _read_labels(root)
    return datasets, _dataset(root, path)


def latest_run(root: Store) -> tuple[LabelDatasets, LabelSettings, str]:
    """The datasets of the latest finished run, the settings of the run that made its report, and the name of its scorer.

    They are kept with the report, and beside it in case that it is gone. Raises UserError when there is no run or neither is there.
    """
    datasets, path = _read_labels(root)
    kept: Mapping[str, Any] = latest_paths(root).get("run") or {}
    page = open_dataset(root, path) if kept else _dataset(root, path)
    try:
        config = page.manifest.config if page else kept["config"]
        scorer = page.manifest.identity["inputs"]["scorer"] if page else kept["scorer"]
        return datasets, LabelSettings.of_record(config), str(scorer)
    except (KeyError, TypeError, ValidationError) as error:
        raise unreadable(root, error) from error


def _read_labels(root: Store) -> tuple[LabelDatasets, str]:
    """The datasets, and where the report is. A stage that the run did not have, or that came later, is not named."""
    paths = latest_paths(root)
    try:
        vocabularies = {name: _open(root, group, per_vocabulary=True) for name, group in paths["vocabularies"].items()}
        return _datasets(_open(root, paths, per_vocabulary=False), vocabularies), str(paths[REPORT])
    except (KeyError, TypeError, AttributeError) as error:
        raise unreadable(root, error) from error


def _open(root: Store, paths: Mapping[str, Any], per_vocabulary: bool) -> dict[str, Dataset]:
    names = (stage.name for stage in LABELING_STAGES if stage.per_vocabulary == per_vocabulary)
    return {name: _dataset(root, paths[name]) for name in names if name in paths}


def _dataset(root: Store, path: str) -> Dataset:
    dataset = open_dataset(root, path)
    if dataset is None:
        raise UserError(f"{root.describe(path)} is named by the latest run, but is gone. Run `n2m label` again.")
    return dataset
