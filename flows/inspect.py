"""How far a root is, from its manifests and part records alone, and whether its files are what these say."""

import hashlib
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from noise2music.core.errors import UserError
from noise2music.core.storage import Store
from noise2music.flows.datasets import read_latest
from noise2music.flows.pages.label.account import account
from noise2music.labeling.datasets.current import CURRENT, current_findings
from noise2music.labeling.datasets.dataset import LATEST, Dataset, find_damage, latest_paths, named_paths, open_dataset, wrong_content
from noise2music.labeling.datasets.manifest import MANIFEST_NAME, Manifest, PartFile
from noise2music.labeling.schemas import DEAD, version_of
from noise2music.labeling.stages.order import STAGE_NAMES, schema_of
from noise2music.models.job.place import CLIPS
from noise2music.models.job.record import parse_clip

_RECORD = re.compile(r"stats/part-\d{5}-of-(\d{5})\.json$")


def status_rows(root: Store) -> list[dict[str, Any]]:
    """One row a dataset, in the order of the flow and of time: finished ones from their manifest, others by their parts.

    set: "current" for what the latest finished run is made of, "old" for what was finished for other runs; `n2m prune` deletes these.
    """
    current = _current(root)
    dated = []
    for stage in root.folders():
        if stage not in STAGE_NAMES:
            continue
        for fingerprint in root.folders(stage):
            path = f"{stage}/{fingerprint}"
            written = root.head(f"{path}/{MANIFEST_NAME}")
            row = _row(root, stage, fingerprint)
            row["set"] = "current" if path in current else ("old" if current and row["state"] == "finished" else "")
            dated.append((STAGE_NAMES.index(stage), written.modified if written else float("inf"), row))
    if not dated:
        raise UserError(f"{root.uri} holds no datasets. Is it the root of a run (the `root` of its configuration)?")
    return [row for _, _, row in sorted(dated, key=lambda item: (item[0], item[1]))]


def _current(root: Store) -> frozenset[str]:
    """Datasets of the latest finished run; none where there is no such run."""
    try:
        return named_paths(latest_paths(root))
    except UserError:
        return frozenset()


def _row(root: Store, stage: str, fingerprint: str) -> dict[str, Any]:
    path = f"{stage}/{fingerprint}"
    row: dict[str, Any] = {"stage": stage, "name": "", "fingerprint": fingerprint, "set": ""}
    unknown = dict.fromkeys(("rows", "dead", "excluded", "warnings", "mb", "seconds"))
    try:
        dataset = open_dataset(root, path)
    except UserError:
        return row | {"state": "manifest was edited", "parts": None, **unknown, "reasons": ""}
    if dataset is None:
        listed = [entry.path for entry in root.entries(path)]
        totals = [match.group(1) for where in listed if (match := _RECORD.search(where))]
        state = f"{len(totals)} of {int(totals[0])} parts" if totals else "no part yet"
        if listed and all(where.startswith(f"{path}/requests/") for where in listed):
            state = "replies kept"
        return row | {"state": state, "parts": len(totals), **unknown, "reasons": ""}
    return row | _finished(dataset.manifest)


def _finished(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "state": "finished",
        "parts": len(manifest.parts),
        "rows": manifest.rows,
        "dead": manifest.dead_rows,
        "excluded": sum(manifest.excluded.values()),
        "warnings": sum(manifest.warnings.values()),
        "mb": round(manifest.size / 2**20, 2),
        "seconds": round(manifest.seconds, 1),
        "reasons": ", ".join(
            f"{reason} {rows}"
            for counts in (manifest.dead_reasons, manifest.excluded, manifest.warnings)
            for reason, rows in counts.items()
        ),
    }


# Whether a root is what its manifests say: every file hashed, every schema checked.


_THREADS = 4


@dataclass(frozen=True)
class Finding:
    """One thing that is off: where, and what. old: only datasets that the latest finished run does not need are hurt."""

    path: str
    what: str
    old: bool = False


def verify_root(root: Store) -> tuple[int, list[Finding]]:
    """Number of files that were hashed, and everything that is off: in datasets of labeling, in the latest run's account, or among
    generated clips.
    """
    files, findings = _verify_clips(root)
    shared: dict[str, tuple[PartFile, bool]] = {}
    current = _current_paths(root)
    for stage in (name for name in root.folders() if name in STAGE_NAMES):
        for fingerprint in root.folders(stage):
            path = f"{stage}/{fingerprint}"
            try:
                dataset = open_dataset(root, path)
            except UserError as error:
                findings.append(Finding(path, str(error), _is_old(path, current)))
                continue
            if dataset is not None:
                old = _is_old(path, current)
                files += sum(len(record.all_files()) for record in dataset.manifest.parts)
                findings.extend(replace(finding, old=old) for finding in _verify_dataset(dataset))
                for file in dataset.manifest.shared:
                    shared[file.path] = (file, old and shared.get(file.path, (file, True))[1])
    findings.extend(_verify_shared(root, shared))
    if root.head(LATEST) and all(finding.old for finding in findings):
        findings.extend(_verify_account(root))
    findings.extend(_verify_current(root, current))
    return files + len(shared), findings


def _current_paths(root: Store) -> frozenset[str]:
    try:
        return named_paths(latest_paths(root)) if root.head(LATEST) else frozenset()
    except UserError:
        return frozenset()


def _is_old(path: str, current: frozenset[str]) -> bool:
    return bool(current) and path not in current


def _verify_shared(root: Store, files: Mapping[str, tuple[PartFile, bool]]) -> list[Finding]:
    """Files that datasets share: each hashed once."""

    def check(item: tuple[PartFile, bool]) -> Finding | None:
        file, old = item
        what = wrong_content(root, file.path, file)
        return Finding(file.path, what, old) if what else None

    with ThreadPoolExecutor(_THREADS) as pool:
        return [finding for finding in pool.map(check, [files[path] for path in sorted(files)]) if finding is not None]


def _verify_current(root: Store, current: frozenset[str]) -> list[Finding]:
    """Whether `current` is the set that the latest run names. Runs made before there was such a folder have none."""
    shards = [dataset for path in current if path.startswith("shard/") and (dataset := _opened(root, path)) is not None]
    if not shards or not (shards[0].manifest.shared or any(True for _ in root.entries(CURRENT))):
        return []
    return [Finding(path, what) for path, what in current_findings(root, shards[0])]


def _opened(root: Store, path: str) -> Dataset | None:
    try:
        return open_dataset(root, path)
    except UserError:
        return None


def _verify_account(root: Store) -> list[Finding]:
    """What the latest run found and neither used, left out nor wrote to the dead letters."""
    try:
        datasets, _ = read_latest(root)
    except UserError as error:
        return [Finding(LATEST, str(error))]
    return [Finding(LATEST, f"{line.closing}: {line}") for line in account(datasets) if line.missing]


def _verify_clips(root: Store) -> tuple[int, list[Finding]]:
    files, findings = 0, []
    for entry in sorted(root.entries(CLIPS), key=lambda entry: entry.path):
        record = parse_clip(root.get(entry.path))
        if record is None:
            findings.append(Finding(entry.path, "is no record of a clip"))
            continue
        sound = record.audio or record.spectrogram or ""
        for path, sha256 in ((sound, record.sha256), (record.picture, None)):
            files += 1
            try:
                data = root.get(path)
            except FileNotFoundError:
                findings.append(Finding(path, "is missing"))
                continue
            if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
                findings.append(Finding(path, f"is not the file that {entry.path} tells of"))
    return files, findings


def _verify_dataset(dataset: Dataset) -> list[Finding]:
    damage = find_damage(dataset, "hash")
    findings = [Finding(item.path, item.what) for item in damage]
    damaged = {item.path for item in damage}
    for record in dataset.manifest.parts:
        for file in record.all_files():
            if f"{dataset.path}/{file.path}" in damaged or not file.path.endswith(".parquet"):
                continue
            what = _wrong_table(dataset, file.path, file.rows, file is record.dead)
            if what:
                findings.append(Finding(f"{dataset.path}/{file.path}", what))
    return findings


def _wrong_table(dataset: Dataset, path: str, rows: int, dead: bool) -> str | None:
    with dataset.store.reader(f"{dataset.path}/{path}") as file:
        try:
            parquet = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            return f"is not Parquet: {error}"
        if parquet.metadata.num_rows != rows:
            return f"has {parquet.metadata.num_rows} rows instead of {rows}"
        found = parquet.schema_arrow
        wanted = DEAD if dead else schema_of(dataset.stage, found)
        # A table of an earlier version had the columns of its time; its bytes are what its manifest says.
        is_older = version_of(found) < version_of(wanted)
        return None if is_older or found.equals(wanted) else "has another schema than the stage writes"
