"""Whether a root is what its manifests say: every file hashed, every schema checked."""

import hashlib
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from flows.latest import read_latest
from flows.report.account import account
from flows.status import STAGES
from labeling import schemas
from labeling.dataset import Dataset, find_damage, open_dataset
from labeling.errors import UserError
from labeling.latest import LATEST
from labeling.storage import Store
from models.job.place import CLIPS
from models.job.record import parse_clip

_SCHEMAS = {
    "inventory": schemas.INVENTORY,
    "probe": schemas.PROBE,
    "fingerprint": schemas.FINGERPRINT,
    "copies": schemas.COPIES,
    "ingest": schemas.INGEST,
    "songs": schemas.SONGS,
    "write": schemas.WRITE,
    "vocabulary": schemas.VOCABULARY,
    "retrieve": schemas.RETRIEVE,
    "null": schemas.NULL,
    "count": schemas.COUNT,
    "sample": schemas.SAMPLE,
    "shard": schemas.SHARD,
}


@dataclass(frozen=True)
class Finding:
    """One thing that is off: where, and what."""

    path: str
    what: str


def verify_root(root: Store) -> tuple[int, list[Finding]]:
    """Number of files that were hashed, and everything that is off: in datasets of labeling, in the latest run's account, or among
    generated clips.
    """
    files, findings = _verify_clips(root)
    for stage in (name for name in root.folders() if name in STAGES):
        for fingerprint in root.folders(stage):
            path = f"{stage}/{fingerprint}"
            try:
                dataset = open_dataset(root, path)
            except UserError as error:
                findings.append(Finding(path, str(error)))
                continue
            if dataset is not None:
                files += sum(len(record.all_files()) for record in dataset.manifest.parts)
                findings.extend(_verify_dataset(dataset))
    if not findings and root.head(LATEST):
        findings.extend(_verify_account(root))
    return files, findings


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
    findings = [Finding(f"{dataset.path}/{item.path}", item.what) for item in damage]
    damaged = {item.path for item in damage}
    for record in dataset.manifest.parts:
        for file in record.all_files():
            if file.path in damaged or not file.path.endswith(".parquet"):
                continue
            wanted = schemas.DEAD if file is record.dead else _SCHEMAS.get(dataset.stage)
            what = _wrong_table(dataset, file.path, file.rows, wanted)
            if what:
                findings.append(Finding(f"{dataset.path}/{file.path}", what))
    return findings


def _wrong_table(dataset: Dataset, path: str, rows: int, wanted: pa.Schema | None) -> str | None:
    with dataset.store.reader(f"{dataset.path}/{path}") as file:
        try:
            parquet = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            return f"is not Parquet: {error}"
        if parquet.metadata.num_rows != rows:
            return f"has {parquet.metadata.num_rows} rows instead of {rows}"
        found = parquet.schema_arrow
        if wanted is None:
            dim = found.field("embedding").type.list_size
            wanted = schemas.embed_schema(dim)
            if dataset.stage == "embed_text":
                wanted = schemas.embed_text_schema(dim, found.field("meaning").type.list_size)
        return None if found.remove_metadata().equals(wanted) else "has another schema than the stage writes"
