"""Marks who uses a root: runs that write it, and training runs that read its shards. Small files below `running/` and `uses/`.

They decide no result. `n2m prune` reads them: it waits for runs, and keeps the shards that training reads, however old.
"""

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store
from noise2music.labeling.datasets.dataset import Dataset

RUNNING = "running"
USES = "uses"


@dataclass(frozen=True)
class Mark:
    """One such file. what: a description. dataset: that it reads, "" for a run that writes. over: whether the user is certainly gone."""

    path: str
    what: str
    dataset: str
    folder: str
    over: bool


@contextmanager
def running(root: Store, what: str) -> Iterator[None]:
    """Mark the root as written by a run inside the block. Raises UserError when the root cannot be written."""
    path = f"{RUNNING}/{uuid4().hex}.json"
    root.put(path, _body({"what": what, "machine": platform.node(), "process": os.getpid()}))
    try:
        yield
    finally:
        root.delete(path)


def note_use(shards: Dataset, folder: Path) -> None:
    """Mark in the root that the training run in `folder` reads these shards. Where the root cannot be written no mark is left, and
    `n2m prune --keep-for` is needed.
    """
    if shards.folder:
        return
    where = str(folder.absolute())
    body = {"dataset": shards.path, "folder": where, "machine": platform.node()}
    with suppress(UserError):
        shards.store.put_changed(f"{USES}/{stable_id(platform.node(), where)}.json", _body(body))


def marks(root: Store, folder: str) -> list[Mark]:
    """The marks in RUNNING or USES, by path. A run of this machine is over when its process is gone, a training when its folder is gone."""
    result = []
    for entry in sorted(root.entries(folder), key=lambda entry: entry.path):
        try:
            record = json.loads(root.get(entry.path))
            here = record["machine"] == platform.node()
            if folder == RUNNING:
                what = f"{record['what']} on {record['machine']}, process {record['process']}"
                result.append(Mark(entry.path, what, "", "", here and not _lives(int(record["process"]))))
            else:
                where = str(record["folder"])
                result.append(
                    Mark(entry.path, f"{where} on {record['machine']}", record["dataset"], where, here and not Path(where).is_dir())
                )
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError):
            result.append(Mark(entry.path, "a file that cannot be read", "", "", False))
    return result


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _body(values: Mapping[str, str | int]) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()
