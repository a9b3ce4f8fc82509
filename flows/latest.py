"""Which datasets belong to the latest run of a root: one small file, replaced when a run is finished."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from flows.report.sources import LabelDatasets, VocabularyDatasets
from labeling.dataset import Dataset, open_dataset
from labeling.errors import UserError
from labeling.latest import LATEST, latest_paths, unreadable
from labeling.storage import Store
from pipelines.settings import LabelSettings

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
        return datasets, LabelSettings.model_validate(config), str(scorer)
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
