"""Which datasets belong to the latest run of a root: one small file, replaced when a run is finished."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from noise2music.core.errors import UserError
from noise2music.core.storage import Store
from noise2music.labeling.datasets.build import Built
from noise2music.labeling.datasets.dataset import LATEST, Dataset, latest_paths, open_dataset, unreadable
from noise2music.pipelines.settings import LabelSettings

LABEL_PAGE = "report.html"


@dataclass(frozen=True)
class VocabularyDatasets:
    """The finished datasets of one vocabulary. `null` is None when no random pairs were scored."""

    vocabulary: Dataset
    embed_text: Dataset
    retrieve: Dataset
    null: Dataset | None
    count: Dataset
    sample: Dataset


@dataclass(frozen=True)
class LabelDatasets:
    """The finished datasets of one labeling run; vocabularies by name, shown in that order.

    `embed` is the list of scored clips. Without `ingest` titles and tags are unknown, without `shard` there is nothing to hear:
    a rehearsal on made-up embeddings has neither. `songs` and `write` are there when an LLM wrote a vocabulary, `fingerprint` and `copies`
    where copies were looked for (`corpus.copies`). Runs made before audio had a stage of its own have no `audio`: their shards hold it.
    `embed`, `ingest`, `audio`, `shard`, `retrieve` and `sample` have the same parts.
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

    def all(self) -> list[Dataset]:
        """Every dataset in the order of the flow."""
        found: list[Dataset | None] = [self.inventory, self.probe, self.fingerprint, self.copies, self.ingest]
        found += [self.songs, self.write, self.embed]
        for datasets in self.vocabularies.values():
            found += [datasets.vocabulary, datasets.embed_text, datasets.retrieve, datasets.null, datasets.count, datasets.sample]
        return [dataset for dataset in (*found, self.audio, self.shard) if dataset is not None]


@dataclass(frozen=True)
class Labeled:
    """A finished run: its datasets, the report's dataset, and what was found and made on the way."""

    datasets: LabelDatasets
    report: Dataset
    built: tuple[Built, ...]

    @property
    def nothing_done(self) -> bool:
        """Whether everything was there already."""
        return not any(item.made for item in self.built)

    @property
    def report_path(self) -> str:
        """Where the page is."""
        return self.report.store.describe(f"{self.report.path}/{LABEL_PAGE}")


_PLAIN = ("inventory", "probe", "ingest", "embed", "shard")
_WHERE_MADE = ("songs", "write", "fingerprint", "copies", "audio")
"""Stages that not every run has, and the last three no run of earlier versions."""
_PER_VOCABULARY = ("vocabulary", "embed_text", "retrieve", "null", "count", "sample")


def write_latest(root: Store, datasets: LabelDatasets, report: Dataset, run: Mapping[str, Any]) -> None:
    """Name the datasets of a finished run. run: what is kept of it besides, its "config" and the name of its "scorer"."""
    names = (*_PLAIN, *(name for name in _WHERE_MADE if getattr(datasets, name)))
    paths = {name: getattr(datasets, name).path for name in names}
    vocabularies = {
        name: {stage: getattr(group, stage).path for stage in _PER_VOCABULARY} for name, group in sorted(datasets.vocabularies.items())
    }
    body = json.dumps({**paths, "vocabularies": vocabularies, "report": report.path, "run": run}, indent=1) + "\n"
    if not (root.head(LATEST) and root.get(LATEST) == body.encode()):
        root.put(LATEST, body.encode())


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
    """The datasets, and where the report is."""
    paths = latest_paths(root)
    try:
        plain = {name: _dataset(root, paths[name]) for name in (*_PLAIN, *(name for name in _WHERE_MADE if name in paths))}
        vocabularies = {
            name: VocabularyDatasets(**{stage: _dataset(root, group[stage]) for stage in _PER_VOCABULARY})
            for name, group in paths["vocabularies"].items()
        }
        return LabelDatasets(**plain, vocabularies=vocabularies), str(paths["report"])
    except (KeyError, TypeError) as error:
        raise unreadable(root, error) from error


def _dataset(root: Store, path: str) -> Dataset:
    dataset = open_dataset(root, path)
    if dataset is None:
        raise UserError(f"{root.describe(path)} is named by the latest run, but is gone. Run `n2m label` again.")
    return dataset
