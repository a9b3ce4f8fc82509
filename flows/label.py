"""The labeling flow: corpus and captions in, balanced text-labelled training shards and a report out."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from itertools import groupby

import pyarrow.compute as pc

from noise2music.core.errors import UserError
from noise2music.core.storage import open_existing, open_store
from noise2music.flows.call import Call, call_here
from noise2music.flows.datasets import LABEL_PAGE, Labeled, latest_run, run_datasets, write_latest
from noise2music.flows.inputs import check_inputs, check_labels
from noise2music.flows.pages.label.stage import read_account, report
from noise2music.labeling.datasets.current import write_current
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import dataset_title
from noise2music.labeling.datasets.uses import running
from noise2music.labeling.stages.order import LABELING_STAGES, REPORT, LabelingStage
from noise2music.pipelines.session import Session, log
from noise2music.pipelines.settings import LabelSettings


def label(settings: LabelSettings, replay: bool = False, call: Call = call_here) -> Labeled:
    """All stages in their order, each by `call(name, stage)`. With `replay`, rows that died before are tried again. Raises UserError."""
    check_inputs(settings)
    with running(open_store(settings.root), "n2m label"):
        return _label(Session(settings, replay), call)


def _label(session: Session, call: Call) -> Labeled:
    # What is wrong is said as soon as it can be, and not after hours: a scorer that does not load, a server that is not there.
    after: dict[str, Callable[[], object]] = {
        "inventory": lambda: call("scorer", lambda: session.scorer),
        "ingest": lambda: _check_tracks(session),
        "songs": lambda: call("writer", lambda: session.writer),
    }
    run_stages(session, LABELING_STAGES, session.settings.vocabulary, call, after)
    datasets, scorer = run_datasets(built.dataset for built in session.built), session.scorer.name
    page = call(REPORT, lambda: report(session, datasets, scorer))
    write_latest(session.root, datasets, page, {"config": session.settings.as_json(), "scorer": scorer})
    write_current(session.root, session.dataset("shard"))
    for line in read_account(page):
        log.info("%s", line)
    return Labeled(datasets, page, tuple(session.built))


def write_captions(settings: LabelSettings, replay: bool = False, call: Call = call_here) -> dict[str, Dataset]:
    """The written vocabularies of a configuration by name, and nothing else of the labeling flow: no scorer, and no audio where the songs
    come from a table. Raises UserError.
    """
    names = [name for name, vocabulary in settings.vocabulary.items() if vocabulary.kind == "written"]
    if not names:
        raise UserError('no vocabulary is written by an LLM: add [vocabulary.llm_long] with kind = "written".')
    session = Session(settings, replay)
    order = [stage.name for stage in LABELING_STAGES]
    first = order.index("songs") if settings.songs.source else 0
    with running(session.root, "n2m write"):
        stages = LABELING_STAGES[first : order.index("vocabulary") + 1]
        run_stages(session, stages, names, call, {"songs": lambda: call("writer", lambda: session.writer)})
    return {name: session.dataset("vocabulary", name) for name in names}


def run_stages(
    session: Session,
    stages: Iterable[LabelingStage],
    vocabularies: Iterable[str],
    call: Call = call_here,
    after: Mapping[str, Callable[[], object]] | None = None,
) -> None:
    """Those of `stages` that the run has, in their order, each by `call(name, stage)`; neighbours of one vocabulary together.

    after: what is to be done once a stage is made, by its name. Raises UserError.
    """
    wanted = (stage for stage in stages if not stage.when or getattr(session.settings, stage.when))
    for per_vocabulary, group in groupby(wanted, lambda stage: stage.per_vocabulary):
        together = list(group)
        for arguments in [(name,) for name in vocabularies] if per_vocabulary else [()]:
            for stage in together:
                call(dataset_title(stage.name, *arguments), partial(_function(stage), session, *arguments))
                if after and stage.name in after:
                    after[stage.name]()


def _function(stage: LabelingStage) -> Callable[..., Dataset]:
    """What makes a stage's dataset: NAME(session), or NAME(session, vocabulary)."""
    function: Callable[..., Dataset] = getattr(import_module(f"noise2music.pipelines.{stage.module or stage.name}"), stage.name)
    return function


def _check_tracks(session: Session) -> None:
    """Say so where no track is left to label. Raises UserError where a vocabulary can label none."""
    tracks = session.dataset("ingest")
    splits: Counter[str] = Counter()
    for table in tracks.tables(["split", "excluded"]):
        splits.update(table.filter(pc.is_null(table["excluded"])).column("split").to_pylist())
    if not splits:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in tracks.manifest.excluded.items())
        log.warning("No track is left to label: of %s all are left out (%s).", f"{tracks.manifest.rows:,}", reasons)
    check_labels(session.settings, splits)


def remake_report(root: str) -> str:
    """The path of the latest run's report, made again when its files are missing or damaged. Raises UserError without a finished run."""
    store = open_existing(root)
    datasets, settings, scorer = latest_run(store)
    again = report(Session(settings, place=root), datasets, scorer)
    return again.store.describe(f"{again.path}/{LABEL_PAGE}")
