"""Which clip of each system belongs to which prompt and which reference: by key, or by a table. What is missing is named."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noise2music.core.errors import UserError
from noise2music.core.tables.tables import table_rows
from noise2music.evaluation.sources import Source
from noise2music.models.job.prompts import read_prompts

KEY, REFERENCE = "key", "reference"
_NAMED = 3

Table = Mapping[str, Mapping[str, str]]
"""Key -> label of a system, or REFERENCE -> the file's path below its place."""


@dataclass(frozen=True)
class Chosen:
    """source: where. keys: key of the pairing -> key in the source, sorted. missing: keys that have no clip there, with the reason.
    extra: clips that no key asks for.
    """

    source: Source
    keys: Mapping[str, str]
    missing: Mapping[str, str]
    extra: tuple[str, ...]


@dataclass(frozen=True)
class Pairing:
    """systems: in the order given. reference: None where only statistics are known. prompts: key -> text. said: what should be known."""

    systems: tuple[Chosen, ...]
    reference: Chosen | None
    prompts: Mapping[str, str]
    said: tuple[str, ...]


def pair(
    systems: Sequence[Source],
    reference: Source | None,
    prompts_file: str | None,
    pairs_file: str | None = None,
    reference_clips: int | None = None,
) -> Pairing:
    """Keys are those of the prompt file; without one, all that any system has.

    A clip's key is its path below its place without the suffix; its name alone will do where only one file has it. Of the reference, clips
    that no key asks for count too: a distance is to all of it. Raises UserError where not one clip of a system is asked for.
    """
    table = _read_table(pairs_file, [source.label for source in systems]) if pairs_file else {}
    said: list[str] = []
    prompts: dict[str, str] = {}
    for source in systems:
        for key, text in source.prompts.items():
            if prompts.setdefault(key, text) != text:
                raise UserError(f"{key} has one prompt in {source.uri} and another elsewhere ({text[:60]!r}, {prompts[key][:60]!r}).")
    if prompts_file is not None:
        read = read_prompts(prompts_file, 1.0, 0)
        prompts = {prompt.key: prompt.prompt for prompt in read.prompts}
        said += [f"{prompts_file}: a row is left out: {letter.message}" for letter in read.dead[:_NAMED]]
        wanted = sorted(prompts)
    elif table:
        wanted = sorted(table)
    else:
        wanted = sorted({key for source in systems for key in (*source.files, *source.lost)})
    chosen = tuple(_choose(source, source.label, wanted, table) for source in systems)
    for item in chosen:
        if not item.keys:
            raise UserError(
                f"no clip of {item.source.uri} has a key that is asked for: it holds {_some(sorted(item.source.files))}, and asked for are "
                f"{_some(wanted)}. Name the files by the keys, or give --pairs TABLE with the columns key and {item.source.label}."
            )
        if item.extra:
            said.append(f"{item.source.label}: {len(item.extra):,} clips that no key asks for are left out ({_some(item.extra)})")
        if item.missing:
            said.append(f"{item.source.label}: {len(item.missing):,} of {len(wanted):,} clips are missing ({_some(list(item.missing))})")
        said += _other_files(item.source)
    return Pairing(chosen, _reference(reference, wanted, table, reference_clips, said), prompts, tuple(said))


def _reference(source: Source | None, wanted: Sequence[str], table: Table, most: int | None, said: list[str]) -> Chosen | None:
    """All clips of the reference: those of a key under that key, others under their own."""
    if source is None:
        return None
    paired = _choose(source, REFERENCE, wanted, table)
    names = set(paired.keys)
    keys = dict(paired.keys) | {(own if own not in names else f"{REFERENCE}/{own}"): own for own in paired.extra}
    if most is not None and len(keys) > most:
        from noise2music.evaluation.statistics.clip_rows import hash_order

        ordered = sorted(keys)
        keys = {key: keys[key] for key in sorted(ordered[place] for place in hash_order(ordered, 0)[:most])}
        said.append(f"reference: {most:,} of {len(ordered):,} clips, chosen by the hash of their keys")
    there = [key for key in paired.keys if key in keys]
    if not there:
        said.append(f"reference: none of its keys ({_some(sorted(source.files))}) is asked for: compared as a set, not pair by pair")
    elif paired.missing:
        said.append(f"reference: no clip for {len(paired.missing):,} of {len(wanted):,} keys ({_some(list(paired.missing))})")
    said += _other_files(source)
    return Chosen(source, dict(sorted(keys.items())), paired.missing if there else {}, ())


def _choose(source: Source, column: str, wanted: Sequence[str], table: Table) -> Chosen:
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    for name in source.files:
        by_name[name.rsplit("/", 1)[-1]].append(name)
    by_path = {path: name for name, path in source.files.items()}
    keys: dict[str, str] = {}
    missing: dict[str, str] = {}
    for key in wanted:
        path = table.get(key, {}).get(column)
        same = by_name.get(key, [])
        own: str | None = key if key in source.files else same[0] if len(same) == 1 else None
        if path is not None:
            own = by_path.get(path) or (path if path in source.files else None)
        if own is not None:
            keys[key] = own
        else:
            lost = source.lost.get(key)
            missing[key] = f"{lost.reason}: {lost.message}" if lost else f"no file{f' {path}' if path else ''}"
    used = set(keys.values())
    return Chosen(source, keys, missing, tuple(own for own in source.files if own not in used))


def _read_table(uri: str, labels: Sequence[str]) -> Table:
    """Columns key, reference and labels of systems; others are let be. Raises UserError."""
    found: dict[str, dict[str, str]] = {}
    for row in table_rows(uri, None, hint_columns=(KEY, REFERENCE, *labels)):
        keys = row.texts(KEY)
        if len(keys) != 1:
            raise UserError(f"{row.where}: a table of pairs has a column {KEY!r}, and a key in every row.")
        if keys[0] in found:
            raise UserError(f"{row.where}: the key {keys[0]!r} stands twice.")
        found[keys[0]] = {column: texts[0] for column in (REFERENCE, *labels) if column in row.cells and (texts := row.texts(column))}
    if not found:
        raise UserError(f"{uri} holds no pairs.")
    return found


def _other_files(source: Source) -> list[str]:
    other = {suffix or "no suffix": count for suffix, count in source.other.items()}
    if not other:
        return []
    listed = ", ".join(f"{count:,} x {suffix}" for suffix, count in sorted(other.items()))
    return [f"{source.label}: files in {source.uri} that are no audio by their suffix: {listed}"]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
