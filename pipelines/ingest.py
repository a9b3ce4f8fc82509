"""ingest: Beam groups files by content, which finds copies across parts; then each part becomes tracks and clips."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial

import apache_beam as beam
import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.labeling.corpus.copies import NO_GROUPS, CopyGroups, Member, NearCopies, Verdict, group_of, judge
from noise2music.labeling.corpus.opt_out import Entry, read_opt_outs
from noise2music.labeling.corpus.opted_out import FILE_COLUMNS, PROBE_COLUMNS, UNMET, OptedOut, opted_out
from noise2music.labeling.datasets.dataset import Dataset, open_dataset
from noise2music.labeling.datasets.fingerprint import Identity, canonical_json
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.schemas import INGEST
from noise2music.labeling.settings import Corpus
from noise2music.labeling.stages import ingest as stage
from noise2music.pipelines.progress import show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.session import Session, log
from noise2music.pipelines.spread import Grouped, PartWriter, write_grouped

_NAMED = 10
_KEPT_UNMET = 1000


@dataclass(frozen=True)
class _Groups:
    """Where the found copies lie (`path` None: nowhere). Every worker process reads them once."""

    root: str
    path: str | None
    near_copies: NearCopies

    def read(self) -> CopyGroups:
        return _read_groups(self.root, self.path, self.near_copies) if self.path else NO_GROUPS


@lru_cache(maxsize=1)
def _read_groups(root: str, path: str, near_copies: NearCopies) -> CopyGroups:
    found = open_dataset(open_store(root), path)
    rows = found.read(["track_id", "group", "kind", "same_audio"]).to_pylist() if found else []
    same = {row["track_id"]: row["same_audio"] for row in rows if row["kind"] == "audio"}
    return CopyGroups({row["track_id"]: row["group"] for row in rows}, same, near_copies)


@dataclass(frozen=True)
class _Members:
    files: Dataset
    probed: Dataset
    corpus: Corpus
    out: OptedOut

    def __call__(self, part: int) -> list[tuple[str, Member]]:
        return list(stage.members(self.files.read_part(part), self.probed.read_part(part), self.corpus, self.out.tracks))


@dataclass(frozen=True)
class _Group:
    groups: "_Groups"

    def __call__(self, same: tuple[str, Iterable[Member]]) -> tuple[str, list[Member]]:
        return group_of((Member(*member) for member in same[1]), self.groups.read())


@dataclass(frozen=True)
class _Judge:
    parts: int
    groups: "_Groups"

    def __call__(self, group: tuple[str, Iterable[list[Member]]]) -> list[tuple[int, tuple[str, Verdict]]]:
        members = [Member(*member) for same in group[1] for member in same]
        return [(part_of(track_id, self.parts), (track_id, verdict)) for track_id, verdict in judge(members, self.groups.read())]


def _tables(files: Dataset, probed: Dataset, corpus: Corpus, out: OptedOut, grouped: Grouped, context: PartContext) -> Iterator[pa.Table]:
    verdicts = {track_id: Verdict(*verdict) for track_id, verdict in grouped["verdicts"]}
    if context.part == 0 and out.unmet:
        context.show({UNMET: out.unmet[:_KEPT_UNMET]})
    listed, opened = files.read_part(context.part), probed.read_part(context.part)
    return stage.ingest_part(context, listed, opened, verdicts, corpus, out.tracks, out.notes)


def ingest(session: Session) -> Dataset:
    """schemas.INVENTORY, schemas.PROBE and, where copies are looked for, schemas.COPIES -> schemas.INGEST.

    Raises UserError: the opt-out list cannot be read; with `corpus.strict_opt_out`, an entry of it meets no file.
    """
    files, probed = session.dataset("inventory"), session.dataset("probe")
    copies = session.dataset("copies") if session.settings.finds_copies else None
    corpus = session.settings.corpus
    entries = read_opt_outs(corpus.opt_out) if corpus.opt_out else ()
    groups = _Groups(session.settings.root, copies.path if copies else None, corpus.near_copies)

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        read = ((files.read_part(part, FILE_COLUMNS), probed.read_part(part, PROBE_COLUMNS)) for part in probed.parts)
        dead = (key for dataset in (files, probed) for key in dataset.dead().column("key").to_pylist()) if entries else ()
        out = opted_out(entries, read, dead)
        writer = PartWriter(session.settings.root, identity, INGEST)
        pipeline = new_pipeline(session.settings.run)
        verdicts = (
            pipeline
            | "all parts" >> beam.Create(list(probed.parts))
            | beam.Reshuffle()
            | "content hashes" >> beam.FlatMap(_Members(files, probed, corpus, out))
            | "same content" >> beam.GroupByKey()
            | "groups" >> beam.Map(_Group(groups))
            | "same recording" >> beam.GroupByKey()
            | "copies" >> beam.FlatMap(_Judge(identity.parts, groups))
        )
        write_grouped(pipeline, writer, parts, partial(_tables, files, probed, corpus, out), verdicts=verdicts)
        with show_progress("ingest", probed.manifest.rows):
            run_pipeline(pipeline)

    config = corpus.model_dump(mode="json", include={"clip_seconds", "max_clips", "min_seconds", "licences"})
    config |= {"has_split": bool(corpus.columns.split), "unmatched_split": corpus.unmatched_split}
    inputs = {"opt_out": _digest(entries)} if corpus.opt_out else {}
    parents = [files, probed]
    if copies:
        config["near_copies"] = corpus.near_copies
        parents.append(copies)
    tracks = session.build("ingest", stage.VERSION, make_parts, config=config, inputs=inputs, parents=parents)
    if corpus.opt_out:
        _say(corpus, entries, tracks)
    return tracks


def _say(corpus: Corpus, entries: Sequence[Entry], tracks: Dataset) -> None:
    """What the opt-out list did, and the entries that did nothing by name. Raises UserError for those when the list is strict."""
    unmet = tracks.manifest.parts[0].examples.get(UNMET, ())
    number = tracks.manifest.warnings.get(UNMET, 0)
    log.info("opt-out list: %d entries, %d tracks left out", len(entries), tracks.manifest.excluded.get("opted_out", 0))
    if not entries:
        log.warning("%s holds no entry: no track is left out for it", corpus.opt_out)
    if not number:
        return
    named = ", ".join(map(repr, unmet[:_NAMED])) + (f" and {number - _NAMED} more" if number > _NAMED else "")
    what = f"{corpus.opt_out}: {number} of {len(entries)} entries of the opt-out list meet no file: {named}"
    if corpus.strict_opt_out:
        raise UserError(
            f"{what}. Mend or remove them (an entry is a path, pattern, track id, sha256, or title: ... | artist: ...), "
            "or leave out corpus.strict_opt_out (--strict-opt-out). The run stops before anything is embedded."
        )
    log.warning("%s. Those recordings may still be used; --strict-opt-out stops a run here", what)


def _digest(entries: Sequence[Entry]) -> str:
    # "said" is the former name of `text`: under it earlier datasets keep their fingerprints.
    fields = [{"said" if name == "text" else name: value for name, value in asdict(entry).items()} for entry in entries]
    return hashlib.sha256(canonical_json(sorted(map(canonical_json, fields))).encode()).hexdigest()
