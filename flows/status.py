"""How far a root is, from its manifests and part records alone."""

import re
from typing import Any

from labeling.dataset import open_dataset
from labeling.errors import UserError
from labeling.latest import latest_paths, named_paths
from labeling.manifest import MANIFEST_NAME, Manifest
from labeling.storage import Store

STAGES = (
    "inventory",
    "probe",
    "fingerprint",
    "copies",
    "ingest",
    "songs",
    "write",
    "embed",
    "vocabulary",
    "embed_text",
    "retrieve",
    "null",
    "count",
    "sample",
    "audio",
    "shard",
    "report",
)
_RECORD = re.compile(r"stats/part-\d{5}-of-(\d{5})\.json$")


def status_rows(root: Store) -> list[dict[str, Any]]:
    """One row a dataset, in the order of the flow and of time: finished ones from their manifest, others by their parts.

    set: "current" for what the latest finished run is made of, "old" for what was finished for other runs; `n2m prune` deletes these.
    """
    current = _current(root)
    dated = []
    for stage in root.folders():
        if stage not in STAGES:
            continue
        for fingerprint in root.folders(stage):
            path = f"{stage}/{fingerprint}"
            written = root.head(f"{path}/{MANIFEST_NAME}")
            row = _row(root, stage, fingerprint)
            row["set"] = "current" if path in current else ("old" if current and row["state"] == "finished" else "")
            dated.append((STAGES.index(stage), written.modified if written else float("inf"), row))
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
