"""Which datasets of a root stay, and why: the current set, versions before it, and what training reads."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from noise2music.core.errors import UserError
from noise2music.core.storage import Store
from noise2music.flows.datasets import read_latest
from noise2music.labeling.datasets.dataset import LATEST, Dataset, list_datasets
from noise2music.labeling.datasets.manifest import MANIFEST_NAME
from noise2music.labeling.datasets.uses import USES, Mark, marks
from noise2music.models.cascade.weights import read_weights_header
from noise2music.models.training.log import NAME as JOURNAL
from noise2music.models.training.log import read_journal

_DEEP = ("", "*/", "*/*/")


def datasets_to_keep(root: Store, versions: int, training: Sequence[Path], forget: Sequence[str]) -> dict[str, str]:
    """Paths of datasets with the reason to keep them. versions: how many finished runs, the current one among them. training: folders whose
    logs and weights tell which shards they read. forget: training folders that need theirs no more. Raises UserError.
    """
    latest, page = read_latest(root)
    kept = {dataset.path: "current" for dataset in (*latest.all(), page)}
    finished = list_datasets(root)
    reports = [dataset for dataset in finished if dataset.stage == "report" and dataset.path != page.path]
    for age, report in enumerate(reports[::-1][: versions - 1], start=2):
        kept.setdefault(report.path, f"version {age}")
        for dataset in finished:
            if report.manifest.parents.get(dataset.title) == dataset.digest:
                kept.setdefault(dataset.path, f"version {age}")
    for dataset in _of_unfinished_runs(root, finished):
        kept.setdefault(dataset.path, "made for a run that has not finished")
    for use in training_uses(root, forget):
        if use.dataset in {dataset.path for dataset in finished}:
            kept.setdefault(use.dataset, f"training {use.what}")
    for folder in training:
        digests = dict(_digests(folder))
        if not digests:
            raise UserError(
                f"{folder} holds no training run: neither {JOURNAL} nor weights are in it or two folders below. Check --keep-for."
            )
        kept = _with_shards(kept, finished, digests)
    return kept


def _of_unfinished_runs(root: Store, finished: Sequence[Dataset]) -> Iterator[Dataset]:
    """Datasets newer than the latest finished run that no finished run was made of: a run that was killed goes on with them."""
    named = {item for dataset in finished if dataset.stage == "report" for item in dataset.manifest.parents.items()}
    latest = root.head(LATEST)
    for dataset in finished:
        written = root.head(f"{dataset.path}/{MANIFEST_NAME}")
        newer = latest is not None and written is not None and written.modified > latest.modified
        if newer and dataset.stage != "report" and (dataset.title, dataset.digest) not in named:
            yield dataset


def training_uses(root: Store, forget: Sequence[str] = ()) -> list[Mark]:
    """Training runs that said in the root which shards they read, and are not over. Raises UserError where one of `forget` did not."""
    found = marks(root, USES)
    gone = {str(Path(folder).absolute()) for folder in forget}
    if unknown := sorted(gone - {mark.folder for mark in found}):
        known = ", ".join(mark.folder for mark in found) or "none"
        raise UserError(f"--forget {unknown[0]}: no training run of that folder reads this root. Those that do: {known}.")
    return [mark for mark in found if not mark.over and mark.folder not in gone]


def _with_shards(kept: dict[str, str], finished: Sequence[Dataset], digests: dict[str, str]) -> dict[str, str]:
    named = {dataset.path: digests[dataset.digest] for dataset in finished if dataset.stage == "shard" and dataset.digest in digests}
    return {**{path: f"training {where}" for path, where in named.items()}, **kept}


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    """Digests of the shards that training runs in a folder or two below name, each with where it is named."""
    for deep in _DEEP:
        for path in sorted(folder.glob(f"{deep}{JOURNAL}")):
            for line in read_journal(path.parent, "start"):
                yield str(line["data"]["digest"]), str(path.parent)
        for path in sorted(folder.glob(f"{deep}*.safetensors")):
            digest = _digest_of_weights(path)
            if digest:
                yield digest, str(path)


def _digest_of_weights(path: Path) -> str | None:
    try:
        return read_weights_header(path).data.digest
    except UserError:
        return None
