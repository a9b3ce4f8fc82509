"""Builds a dataset: reuses a finished one, repairs damaged parts, makes missing ones, and writes the manifest last."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from noise2music.core.errors import UserError
from noise2music.core.storage import Store
from noise2music.labeling.datasets.dataset import CheckLevel, Damage, Dataset, find_damage, list_datasets, open_dataset
from noise2music.labeling.datasets.dead_limit import one_line
from noise2music.labeling.datasets.fingerprint import Identity, changed_keys
from noise2music.labeling.datasets.manifest import MANIFEST_NAME, Manifest, PartRecord, files_digest, parse_record
from noise2music.labeling.datasets.parts import read_parquet, record_path

log = logging.getLogger("n2m")

MakeParts = Callable[[Identity, Sequence[int]], None]


@dataclass(frozen=True)
class BuildResult:
    """A finished dataset, and how many of its parts this run had to make."""

    dataset: Dataset
    new_parts: int


def current_identity(root: Store, identity: Identity) -> Identity:
    """The latest finished attempt of a dataset, or the first one when none is finished."""
    while root.head(f"{replace(identity, attempt=identity.attempt + 1).path}/{MANIFEST_NAME}"):
        identity = replace(identity, attempt=identity.attempt + 1)
    return identity


def build_dataset(
    root: Store,
    identity: Identity,
    make_parts: MakeParts,
    config: Mapping[str, Any],
    check: CheckLevel = "hash",
    replay: bool = False,
    shares_files: bool = False,
) -> BuildResult:
    """The dataset of `identity`: a finished one, or a new one.

    make_parts(identity, missing): writes the missing parts (labeling.datasets.parts.write_part). replay: whether a dataset with dead rows
    is made again as the next attempt. shares_files: whether its parts make files that other datasets refer to (PartRecord.shared), which
    are then checked here. Raises UserError when parts are still missing afterwards, or when a repaired part differs from its manifest.
    """
    identity = current_identity(root, identity)
    dataset = open_dataset(root, identity.path)
    if dataset and replay and dataset.manifest.dead_rows:
        identity = replace(identity, attempt=identity.attempt + 1)
        dataset = None
    if dataset:
        damage = find_damage(dataset, check, shared=shares_files)
        if damage:
            _mend(root, identity, dataset, damage, make_parts)
        return BuildResult(dataset, len({item.part for item in damage}))
    missing = _missing_parts(root, identity)
    if missing:
        if len(missing) < identity.parts:
            log.info(
                "%s: %d of %d parts are there, %d to make", identity.title, identity.parts - len(missing), identity.parts, len(missing)
            )
        make_parts(identity, missing)
    return BuildResult(_finish(root, identity, config), len(missing))


def _missing_parts(root: Store, identity: Identity) -> list[int]:
    listed = {entry.path: entry.bytes for entry in root.entries(identity.path)}
    missing = []
    for part in range(identity.parts):
        path = f"{identity.path}/{record_path(part, identity.parts)}"
        record = parse_record(root.get(path)) if path in listed else None
        if record is None or not _exists(root, identity, record, listed):
            root.delete(path)
            missing.append(part)
    return missing


def _exists(root: Store, identity: Identity, record: PartRecord, listed: Mapping[str, int]) -> bool:
    """Whether all files of a part, and those that it refers to, exist in the right size."""
    if any(listed.get(f"{identity.path}/{file.path}") != file.bytes for file in record.all_files()):
        return False
    heads = ((root.head(file.path), file) for file in record.shared)
    return all(entry is not None and entry.bytes == file.bytes for entry, file in heads)


def _mend(root: Store, identity: Identity, dataset: Dataset, damage: Sequence[Damage], make_parts: MakeParts) -> None:
    for item in damage:
        log.warning("%s: %s %s; its part is made again", identity.title, root.describe(item.path), item.what)
        root.delete(item.path)
    parts = sorted({item.part for item in damage})
    for part in parts:
        root.delete(f"{dataset.path}/{record_path(part, identity.parts)}")
    make_parts(identity, parts)
    for part in parts:
        record = parse_record(root.get(f"{dataset.path}/{record_path(part, identity.parts)}"))
        before = dataset.manifest.parts[part]
        if record is None or files_digest(record.all_files()) != files_digest(before.all_files()):
            raise UserError(
                f"{identity.title}: part {part} was made again and differs from what its manifest says (made on {before.device}): "
                f"inputs, libraries or device changed. Delete {root.describe(dataset.path)} and run again to make all of it here."
            )


def _finish(root: Store, identity: Identity, config: Mapping[str, Any]) -> Dataset:
    records: list[PartRecord] = []
    for part in range(identity.parts):
        path = f"{identity.path}/{record_path(part, identity.parts)}"
        try:
            record = parse_record(root.get(path))
        except FileNotFoundError:
            record = None
        if record is None:
            raise UserError(f"{identity.title}: part {part} of {identity.parts} was not made. Run the same command again.")
        records.append(record)
    earlier = [dataset for dataset in list_datasets(root, identity.stage) if dataset.name == identity.name]
    manifest = Manifest(
        stage=identity.stage,
        name=identity.name,
        fingerprint=identity.fingerprint,
        row_identity=identity.row_identity,
        identity=identity.as_json(),
        parents=dict(identity.parents),
        parts=tuple(records),
        config=dict(config),
        changed=tuple(changed_keys(earlier[-1].manifest.identity, identity.as_json())) if earlier else (),
        software=f"noise2music {version('noise2music')}",
    )
    root.create(f"{identity.path}/{MANIFEST_NAME}", manifest.to_bytes())
    dataset = open_dataset(root, identity.path)
    if dataset is None:
        raise UserError(f"{root.describe(identity.path)} vanished while it was being finished. Run the same command again.")
    return dataset


def check_dead_share(dataset: Dataset, max_dead: float) -> None:
    """Raise UserError with the three most common reasons when more than `max_dead` of a dataset's rows are dead."""
    manifest = dataset.manifest
    if manifest.dead_share <= max_dead:
        return
    commonest = list(manifest.dead_reasons.items())[:3]
    reasons = "; ".join(f"{reason}: {rows}" for reason, rows in commonest)
    raise UserError(
        f"{dataset.title}: {manifest.dead_rows} of {manifest.rows + manifest.dead_rows} rows are dead ({manifest.dead_share:.1%}), "
        f"more than max_dead = {max_dead:.1%}. Commonest reasons: {reasons}.{_example(dataset, [reason for reason, _ in commonest])} "
        f"The dead letters are in {dataset.store.describe(dataset.path)}/dead. Mend the inputs and run `n2m replay`, or raise max_dead."
    )


def _example(dataset: Dataset, reasons: Sequence[str]) -> str:
    """One dead letter of each reason, as an example."""
    examples: dict[str, str] = {}
    for record in dataset.manifest.parts:
        if record.dead is not None and set(record.dead_reasons) - set(examples):
            for row in read_parquet(dataset.store, f"{dataset.path}/{record.dead.path}", ["key", "reason", "error"]).to_pylist():
                examples.setdefault(row["reason"], f"{one_line(row['key'], 100)}: {one_line(row['error'])}")
    return f" For example {' | '.join(examples[reason] for reason in reasons if reason in examples).rstrip(' .')}." if examples else ""
