"""Which datasets belong to the latest run of a root: one small file, replaced when a run is finished."""

import json

from flows.report.sources import LabelDatasets, VocabularyDatasets
from labeling.dataset import Dataset, open_dataset
from labeling.errors import UserError
from labeling.latest import LATEST, latest_paths, unreadable
from labeling.storage import Store

_PLAIN = ("inventory", "probe", "ingest", "embed", "shard")
_AUDIO = ("audio",)
_WRITTEN = ("songs", "write")
_PER_VOCABULARY = ("vocabulary", "embed_text", "retrieve", "null", "count", "sample")


def write_latest(root: Store, datasets: LabelDatasets, report: Dataset) -> None:
    """Name the datasets of a finished run."""
    names = (*_PLAIN, *(_AUDIO if datasets.audio else ()), *(_WRITTEN if datasets.write else ()))
    paths = {name: getattr(datasets, name).path for name in names}
    vocabularies = {
        name: {stage: getattr(group, stage).path for stage in _PER_VOCABULARY} for name, group in sorted(datasets.vocabularies.items())
    }
    body = json.dumps({**paths, "vocabularies": vocabularies, "report": report.path}, indent=1) + "\n"
    if not (root.head(LATEST) and root.get(LATEST) == body.encode()):
        root.put(LATEST, body.encode())


def read_latest(root: Store) -> tuple[LabelDatasets, Dataset]:
    """The datasets and the report of the latest finished run. Raises UserError when there is none."""
    paths = latest_paths(root)
    try:
        # Runs made before audio had a stage of its own name none.
        names = (*_PLAIN, *(_AUDIO if "audio" in paths else ()), *(_WRITTEN if "write" in paths else ()))
        plain = {name: _dataset(root, paths[name]) for name in names}
        vocabularies = {
            name: VocabularyDatasets(**{stage: _dataset(root, group[stage]) for stage in _PER_VOCABULARY})
            for name, group in paths["vocabularies"].items()
        }
        return LabelDatasets(**plain, vocabularies=vocabularies), _dataset(root, paths["report"])
    except (KeyError, TypeError) as error:
        raise unreadable(root, error) from error


def _dataset(root: Store, path: str) -> Dataset:
    dataset = open_dataset(root, path)
    if dataset is None:
        raise UserError(f"{root.describe(path)} is named by the latest run, but is gone. Run `n2m label` again.")
    return dataset
