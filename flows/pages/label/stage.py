"""report: the last labeling stage, a page and a JSON file over all datasets of a run."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noise2music.flows.datasets import LABEL_PAGE, LabelDatasets
from noise2music.flows.pages.label.account_line import AccountLine
from noise2music.flows.pages.label.gather import gather_report
from noise2music.flows.pages.label.page import render_page, report_json
from noise2music.labeling.datasets.dataset import Dataset, open_dataset
from noise2music.labeling.datasets.fingerprint import Identity, canonical_json
from noise2music.labeling.datasets.manifest import PartFile, PartRecord
from noise2music.labeling.datasets.parts import record_path
from noise2music.labeling.stages.vocabulary import allowed_splits
from noise2music.pipelines.session import Session
from noise2music.pipelines.settings import LabelSettings

VERSION = 1
FIGURES = "report.json"


def report(session: Session, datasets: LabelDatasets, scorer: str) -> Dataset:
    """Write report.html and report.json; found again when nothing changed. Lost files are made again with the configuration that the
    report's manifest keeps: what a run may change without another result (`[run]`, where the root is) stands on the page too.
    """

    def make_parts(identity: Identity, _parts: Sequence[int]) -> None:
        root = session.root
        before = open_dataset(root, identity.path)
        settings = LabelSettings.of_record(before.manifest.config) if before else session.settings
        gathered = gather_report(datasets, _title(settings.root), scorer, settings.seed, settings.report.clips, resolved_labels(settings))
        files = {LABEL_PAGE: render_page(gathered).encode(), FIGURES: report_json(gathered).encode()}
        for name, data in files.items():
            root.put(f"{identity.path}/{name}", data)
        record = PartRecord(part=0, files=tuple(PartFile.of(name, data, rows=0) for name, data in files.items()))
        root.put(f"{identity.path}/{record_path(0, 1)}", record.model_dump_json(indent=1).encode())

    config = {"clips": session.settings.report.clips, "seed": session.settings.seed}
    inputs = {"scorer": scorer, "page": _page_identity(), "said": _losses_identity(datasets)}
    return session.build("report", VERSION, make_parts, parts=1, config=config, inputs=inputs, parents=datasets.all())


def resolved_labels(settings: LabelSettings) -> dict[str, Any]:
    """The labels drawn from every vocabulary, and the splits that one may label where it may not label all."""
    shown = settings.as_json()
    shown["sampling"]["labels_per_clip"] = {name: settings.labels_per_clip(name) for name in settings.vocabulary}
    for name, vocabulary in settings.vocabulary.items():
        splits = allowed_splits(vocabulary)
        shown["vocabulary"][name]["allowed_splits"] = sorted(splits) if splits is not None else "all"
    return shown


def read_account(page: Dataset) -> tuple[AccountLine, ...]:
    """The account that a report shows; nothing for one that was made before there was an account."""
    figures = json.loads(page.store.get(f"{page.path}/{FIGURES}"))
    return tuple(AccountLine(**line) for line in figures.get("account", ()))


def _page_identity() -> str:
    """Hash of all that makes the page, so that a changed template gives a new report."""
    label = Path(__file__).parent
    folders = (label, label.parent, label.parent / "templates")
    sources = [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in (".py", ".j2", ".css", ".js")]
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources)).hexdigest()


def _losses_identity(datasets: LabelDatasets) -> str:
    """Hash of what the page says beside the living rows: what died, was left out or was not as declared."""
    manifests = [dataset.manifest for dataset in datasets.all()]
    losses = [[manifest.stage, manifest.name, manifest.dead_reasons, manifest.excluded, manifest.warned] for manifest in manifests]
    return hashlib.sha256(canonical_json(losses).encode()).hexdigest()


def _title(root: str) -> str:
    return f"Labels of {root.rstrip('/').rsplit('/', 1)[-1]}"
