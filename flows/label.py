"""The labeling flow: corpus and captions in, balanced text-labelled training shards and a report out."""

import os
from collections import Counter
from dataclasses import dataclass
from functools import partial

import pyarrow.compute as pc

from flows.call import Call, call_here
from flows.copies import find_copies
from flows.inputs import check_inputs, check_labels
from flows.latest import latest_run, write_latest
from flows.report.sources import LabelDatasets, VocabularyDatasets
from flows.report.stage import PAGE, read_account, report
from flows.write import Written, write_replies
from labeling.build import Built
from labeling.current import write_current
from labeling.dataset import Dataset
from labeling.stages.vocabulary import allowed_splits
from labeling.storage import open_existing, open_store
from labeling.uses import running
from pipelines.audio import audio
from pipelines.count import count
from pipelines.embed import embed
from pipelines.embed_text import embed_text
from pipelines.ingest import ingest
from pipelines.inventory import inventory
from pipelines.null import null
from pipelines.probe import probe
from pipelines.retrieve import retrieve
from pipelines.sample import sample
from pipelines.scorer import ScorerHandle, open_scorer
from pipelines.session import Session, log
from pipelines.settings import LabelSettings
from pipelines.shard import shard
from pipelines.vocabulary import vocabulary
from pipelines.written import written


@dataclass(frozen=True)
class Labeled:
    """A finished run: its datasets, the report's dataset, and what was found and made on the way."""

    datasets: LabelDatasets
    report: Dataset
    built: tuple[Built, ...]

    @property
    def nothing_done(self) -> bool:
        """Whether everything was there already."""
        return not any(item.made for item in self.built)

    @property
    def report_path(self) -> str:
        """Where the page is."""
        return self.report.store.describe(f"{self.report.path}/{PAGE}")


def label(settings: LabelSettings, replay: bool = False, call: Call = call_here) -> Labeled:
    """All stages in their order, each by `call(name, stage)`. With `replay`, rows that died before are tried again. Raises UserError."""
    check_inputs(settings)
    with running(open_store(settings.root), "n2m label"):
        return _label(Session(settings, replay), call)


def _label(session: Session, call: Call) -> Labeled:
    settings = session.settings
    files = call("inventory", lambda: inventory(session))
    scorer = call("scorer", lambda: open_scorer(settings.scorer, settings.run.device))
    probed = call("probe", lambda: probe(session, files))
    copied = find_copies(session, probed, call)
    tracks = call("ingest", lambda: ingest(session, files, probed, copied.copies))
    splits = _splits(tracks)
    if not splits:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in tracks.manifest.excluded.items())
        log.warning("No track is left to label: of %s all are left out (%s).", f"{tracks.manifest.rows:,}", reasons)
    check_labels(settings, splits)
    # Before anything is embedded: a server that is not there is said in the first minute, and so are captions that leak.
    replies = write_replies(session, tracks, call) if settings.is_written else None
    captions = {name: call(f"vocabulary {name}", partial(_captions, session, name, replies)) for name in settings.vocabulary}
    clips = call("embed", lambda: embed(session, tracks, scorer))
    vocabularies = {name: _label_from(session, name, found, clips, scorer, call) for name, found in captions.items()}
    labels = {name: datasets.sample for name, datasets in vocabularies.items()}
    flac = call("audio", lambda: audio(session, tracks))
    shards = call("shard", lambda: shard(session, tracks, flac, labels))
    songs, written_by_llm = (replies.songs, replies.replies) if replies else (None, None)
    datasets = LabelDatasets(
        files, probed, tracks, clips, shards, vocabularies, songs, written_by_llm, copied.fingerprint, copied.copies, flac
    )
    page = call("report", lambda: report(session, datasets, scorer.name))
    write_latest(session.root, datasets, page, {"config": settings.as_json(), "scorer": scorer.name})
    write_current(session.root, shards)
    for line in read_account(page):
        log.info("%s", line)
    return Labeled(datasets, page, tuple(session.built))


def _splits(tracks: Dataset) -> Counter[str]:
    """Tracks that have clips, by split."""
    found: Counter[str] = Counter()
    for table in tracks.tables(["split", "excluded"]):
        found.update(table.filter(pc.is_null(table["excluded"])).column("split").to_pylist())
    return found


def _captions(session: Session, name: str, replies: Written | None) -> Dataset:
    if replies and session.settings.vocabulary[name].kind == "written":
        return written(session, name, replies.songs, replies.replies)
    return vocabulary(session, name)


def _label_from(session: Session, name: str, captions: Dataset, clips: Dataset, scorer: ScorerHandle, call: Call) -> VocabularyDatasets:
    settings = session.settings.vocabulary[name]
    embedded = call(f"embed_text {name}", lambda: embed_text(session, captions, scorer))
    candidates = call(f"retrieve {name}", lambda: retrieve(session, clips, embedded, allowed_splits(settings), scorer.device))
    chance = call(f"null {name}", lambda: null(session, clips, embedded))
    counts = call(f"count {name}", lambda: count(session, candidates, captions))
    labels = call(f"sample {name}", lambda: sample(session, candidates, captions, counts, chance))
    return VocabularyDatasets(captions, embedded, candidates, chance, counts, labels)


def run_label(settings: LabelSettings, replay: bool = False, announce: bool = True) -> Labeled:
    """Through Prefect when PREFECT_API_URL names a server, else in this process.

    announce: whether the server is told that labels are ready, which starts the deployments that wait for them.
    """
    if os.environ.get("PREFECT_API_URL"):
        from flows.prefect_label import label_with_prefect

        return label_with_prefect(settings, replay, announce)
    return label(settings, replay)


def remake_report(root: str) -> str:
    """The path of the latest run's report, made again when its files are missing or damaged. Raises UserError without a finished run."""
    store = open_existing(root)
    datasets, settings, scorer = latest_run(store)
    again = report(Session(settings, place=root), datasets, scorer)
    return again.store.describe(f"{again.path}/{PAGE}")
