"""Stages that stop before they are whole: workers, who may be on other machines, leave word in the store; who started them reads it."""

import logging
from collections.abc import Sequence

from noise2music.core.errors import UserError
from noise2music.core.storage import Store
from noise2music.labeling.datasets.dead_limit import DeadLimit
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.manifest import MANIFEST_NAME, PartRecord, parse_record
from noise2music.labeling.datasets.parts import PartContext, dead_bytes, part_name, record_path

log = logging.getLogger("n2m")

_HALTED, _DOOMED, _DEAD_SO_FAR = "halted", "too_many_dead", "dead_so_far"


def leave_word(root: Store, identity: Identity, part: int, why: str) -> None:
    """This part cannot be made now; others may go on."""
    _put(root, f"{identity.path}/{_HALTED}/{part_name(part, identity.parts)}.txt", why)


def leave_dead(root: Store, identity: Identity, context: PartContext, why: str) -> None:
    """Too many rows are dead: no worker begins another part. The dead letters of this one are kept for people to read."""
    name = part_name(context.part, identity.parts)
    if rows := context.dead_so_far():
        root.put(f"{identity.path}/{_DEAD_SO_FAR}/{name}.parquet", dead_bytes(rows))
    _put(root, f"{identity.path}/{_DOOMED}/{name}.txt", why)


def is_doomed(root: Store, identity: Identity) -> bool:
    """Whether a worker has said that too many rows are dead."""
    return next(iter(root.entries(f"{identity.path}/{_DOOMED}")), None) is not None


def raise_stopped(root: Store, identity: Identity, parts: Sequence[int]) -> None:
    """Raise UserError with what the workers said when they stopped; nothing when all parts were made."""
    doomed, halted = (_take(root, f"{identity.path}/{folder}") for folder in (_DOOMED, _HALTED))
    if not doomed and not halted:
        return
    finished_parts = sum(root.head(_record(identity, part)) is not None for part in parts)
    stopped = f"{identity.title}: stopped with {finished_parts} of {len(parts)} parts made"
    if doomed:
        where = f" The dead letters so far are in {root.describe(identity.path)}/{_DEAD_SO_FAR}." if _listed(root, identity) else ""
        raise UserError(
            f"{stopped}: {doomed[0]}.{where} What lives is kept. Mend what is wrong and run the same command again, which tries the dead "
            "rows again; or raise max_dead."
        )
    raise UserError(f"{stopped}. {halted[0]}")


def begin(
    root: Store, identity: Identity, parts: Sequence[int], max_dead: float, rows: int | None, at_once: int = 1
) -> tuple[DeadLimit | None, list[int]]:
    """What may die of a stage that is about to be made, and the parts to make.

    rows: of the whole stage, at most. A stage that was stopped may hold finished parts with more dead rows than `max_dead` allows: those
    with the most are made again too. A damaged part of a finished dataset has no limit: it has to come out as it was.
    """
    _forget_words(root, identity)
    if max_dead >= 1 or root.head(f"{identity.path}/{MANIFEST_NAME}"):
        return None, list(parts)
    rows = rows or None
    records = finished(root, identity)
    again = _most_dead(list(records.values()), max_dead * rows) if rows is not None else []
    for record in again:
        del records[record.part]
        root.delete(_record(identity, record.part))
        for file in record.all_files():
            root.delete(f"{identity.path}/{file.path}")
    if again:
        dead = sum(_dead(record) for record in again)
        log.info("%s: %d finished parts hold %s dead rows, and are made again", identity.title, len(again), f"{dead:,}")
    before = (sum(record.rows + _dead(record) for record in records.values()), sum(map(_dead, records.values())))
    limit = DeadLimit(max_dead, rows, *before, tuple(sorted(records)), at_once)
    return limit, sorted({*parts, *(record.part for record in again)})


def _forget_words(root: Store, identity: Identity) -> None:
    """An earlier run may have been killed before it read what was left."""
    for folder in (_HALTED, _DOOMED, _DEAD_SO_FAR):
        _take(root, f"{identity.path}/{folder}", read=False)


def look_around(root: Store, identity: Identity, limit: DeadLimit, part: int) -> None:
    """Count the rows of parts that other processes have finished, before this process makes `part`."""
    count = limit.count()
    count.counted_parts.add(part)
    for number, record in finished(root, identity, frozenset(count.counted_parts)).items():
        if number not in count.counted_parts:
            count.counted_parts.add(number)
            count.add(record.rows, _dead(record))


def finished(root: Store, identity: Identity, but: frozenset[int] = frozenset()) -> dict[int, PartRecord]:
    """The records that are there, by part, except for some parts."""
    paths = {_record(identity, part): part for part in range(identity.parts) if part not in but}
    records = {}
    for entry in root.entries(f"{identity.path}/stats"):
        if (part := paths.get(entry.path)) is not None and (record := parse_record(root.get(entry.path))) is not None:
            records[part] = record
    return records


def _most_dead(records: list[PartRecord], allowed: float) -> list[PartRecord]:
    records.sort(key=lambda record: (_dead(record), record.part))
    again = []
    while sum(map(_dead, records)) > allowed:
        again.append(records.pop())
    return again


def _dead(record: PartRecord) -> int:
    return record.dead.rows if record.dead else 0


def _record(identity: Identity, part: int) -> str:
    return f"{identity.path}/{record_path(part, identity.parts)}"


def _listed(root: Store, identity: Identity) -> bool:
    return next(iter(root.entries(f"{identity.path}/{_DEAD_SO_FAR}")), None) is not None


def _put(root: Store, path: str, why: str) -> None:
    root.put(path, why.encode("utf-8", "backslashreplace"))


def _take(root: Store, folder: str, read: bool = True) -> list[str]:
    """What was left in a folder, each text once; it is deleted."""
    paths = sorted(entry.path for entry in root.entries(folder))
    reasons = sorted({root.get(path).decode("utf-8", "replace") for path in paths}) if read else []
    for path in paths:
        root.delete(path)
    return reasons
