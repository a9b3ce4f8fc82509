"""The labeling flow: corpus and captions in, balanced text-labelled training shards and a report out."""

from collections import Counter
from dataclasses import dataclass
from functools import partial

import pyarrow.compute as pc

from noise2music.core.errors import UserError
from noise2music.core.storage import open_existing, open_store
from noise2music.flows.call import Call, call_here
from noise2music.flows.datasets import LABEL_PAGE, LabelDatasets, Labeled, VocabularyDatasets, latest_run, write_latest
from noise2music.flows.inputs import check_inputs, check_labels
from noise2music.flows.pages.label.stage import read_account, report
from noise2music.labeling.datasets.current import write_current
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.uses import running
from noise2music.labeling.stages.vocabulary import allowed_splits
from noise2music.pipelines.audio import audio
from noise2music.pipelines.copies import copies
from noise2music.pipelines.count import count
from noise2music.pipelines.embed import embed
from noise2music.pipelines.embed_text import embed_text
from noise2music.pipelines.fingerprint import fingerprint
from noise2music.pipelines.ingest import ingest
from noise2music.pipelines.inventory import inventory
from noise2music.pipelines.null import null
from noise2music.pipelines.probe import probe
from noise2music.pipelines.retrieve import retrieve
from noise2music.pipelines.sample import sample
from noise2music.pipelines.scorer import ScorerHandle, open_scorer
from noise2music.pipelines.session import Session, log
from noise2music.pipelines.settings import LabelSettings
from noise2music.pipelines.shard import shard
from noise2music.pipelines.songs import songs
from noise2music.pipelines.vocabulary import vocabulary
from noise2music.pipelines.write import write
from noise2music.pipelines.writer import open_writer
from noise2music.pipelines.written import written

# The two stages that find recordings which are there more than once.


@dataclass(frozen=True)
class FoundCopies:
    """The datasets of both stages; None with `corpus.copies = "bytes"`, where equal files alone are duplicates."""

    fingerprint: Dataset | None = None
    copies: Dataset | None = None


def find_copies(session: Session, probed: Dataset, call: Call) -> FoundCopies:
    """schemas.PROBE -> what is there more than once."""
    if session.settings.corpus.copies == "bytes":
        return FoundCopies()
    prints: Dataset = call("fingerprint", lambda: fingerprint(session, probed))
    return FoundCopies(prints, call("copies", lambda: copies(session, prints)))


# The LLM's part of the labeling flow: songs, replies, captions. By itself it needs no scorer, and with a table of songs no audio.


@dataclass(frozen=True)
class Written:
    """What the LLM was asked for, and what it said."""

    songs: Dataset
    replies: Dataset


def write_replies(session: Session, tracks: Dataset | None, call: Call) -> Written:
    """Songs and replies. `tracks` may be None where the songs come from a table."""
    listed = call("songs", lambda: songs(session, tracks))
    writer = call("writer", lambda: open_writer(session.settings))
    return Written(listed, call("write", lambda: write(session, listed, writer)))


def write_captions(settings: LabelSettings, replay: bool = False, call: Call = call_here) -> dict[str, Dataset]:
    """The written vocabularies of a configuration by name, and nothing else of the labeling flow. Raises UserError."""
    names = [name for name, vocabulary in settings.vocabulary.items() if vocabulary.kind == "written"]
    if not names:
        raise UserError('no vocabulary is written by an LLM: add [vocabulary.llm_long] with kind = "written".')
    session = Session(settings, replay)
    with running(session.root, "n2m write"):
        replies = write_replies(session, None if settings.songs.source else _tracks(session, call), call)
        return {name: call(f"vocabulary {name}", partial(written, session, name, replies.songs, replies.replies)) for name in names}


def _tracks(session: Session, call: Call) -> Dataset:
    files = call("inventory", lambda: inventory(session))
    probed = call("probe", lambda: probe(session, files))
    found = find_copies(session, probed, call)
    tracks: Dataset = call("ingest", lambda: ingest(session, files, probed, found.copies))
    return tracks


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
    replies = write_replies(session, tracks, call) if settings.uses_llm else None
    captions = {name: call(f"vocabulary {name}", partial(_captions, session, name, replies)) for name in settings.vocabulary}
    clips = call("embed", lambda: embed(session, tracks, scorer))
    made = {name: _label_from(session, name, found, clips, scorer, call) for name, found in captions.items()}
    vocabularies = dict(sorted(made.items()))  # As _LATEST.json and manifests give them back: a page that is made again is the same.
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


def remake_report(root: str) -> str:
    """The path of the latest run's report, made again when its files are missing or damaged. Raises UserError without a finished run."""
    store = open_existing(root)
    datasets, settings, scorer = latest_run(store)
    again = report(Session(settings, place=root), datasets, scorer)
    return again.store.describe(f"{again.path}/{LABEL_PAGE}")
