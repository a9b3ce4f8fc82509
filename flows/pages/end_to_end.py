"""The page of the whole chain: what was labelled, how each stage learned, clips to listen to, figures, and links to the pages of each."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from noise2music.core.storage import is_remote, local_path, open_store
from noise2music.evaluation.results import Row
from noise2music.flows.datasets import Labeled
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.pages.charts import use_curves
from noise2music.flows.pages.html import asset, environment, flatten
from noise2music.flows.pages.label.stage import FIGURES, resolved_labels
from noise2music.flows.pages.training import NAME as TRAINING_PAGE
from noise2music.flows.pages.training import loss_chart
from noise2music.flows.results import Evaluated, Generated
from noise2music.models.cascade.stage import StageName
from noise2music.models.training.log import read_journal
from noise2music.models.training.settings import TrainSettings

NAME = "index.html"
SHOWN_CLIPS = 24


@dataclass(frozen=True)
class Vocabulary:
    """One vocabulary of the label report: its figures there, and how its captions are used."""

    figures: Mapping[str, Any]
    chart: Markup


@dataclass(frozen=True)
class Stage:
    """How far a stage's training is. loss: on the validation grid, the latest. start: the first line of its log, None before it began."""

    name: StageName
    clips: int
    wanted: int
    first_loss: float | None
    loss: float | None
    start: Mapping[str, Any] | None
    chart: Markup
    page: str

    @property
    def done(self) -> bool:
        """Whether its recipe is done."""
        return self.wanted > 0 and self.clips >= self.wanted


@dataclass(frozen=True)
class Clip:
    """One clip to listen to; addresses as seen from the page."""

    prompt: str
    audio: str | None
    picture: str
    seconds: float
    level: float | None
    score: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Clips:
    """What was generated: the first few, of how many, and where all of them can be heard."""

    shown: tuple[Clip, ...]
    count: int
    dead: int
    seconds: float
    scores: tuple[float, ...]
    page: str


@dataclass(frozen=True)
class Figures:
    """Distances and similarities of an evaluation, what they are called, and where the rest of it is."""

    rows: tuple[Row, ...]
    names: Mapping[str, str]
    reference: str
    page: str


def write_end_to_end_page(
    settings: EndToEndSettings, labeled: Labeled, generated: Generated | None, evaluated: Evaluated | None = None
) -> str:
    """Write the page of a run as far as it is, at root/index.html. Gives where it is. Raises UserError when it cannot be written."""
    figures = json.loads(labeled.report.store.get(f"{labeled.report.path}/{FIGURES}"))
    html = (
        environment()
        .get_template("end_to_end.html.j2")
        .render(
            name=settings.root.rstrip("/").rsplit("/", 1)[-1],
            labels=figures,
            label_page=address(labeled.report_path, settings.root),
            vocabularies=[Vocabulary(item, use_curves(item)) for item in figures["vocabularies"]],
            stages=[_stage(settings, stage) for stage in settings.trained_stages],
            clips=_clips(generated, settings.root) if generated else None,
            evaluates=settings.evaluate is not None,
            evaluation=_figures(evaluated, settings.root) if evaluated else None,
            shipped=settings.uses_shipped_weights,
            settings=list(flatten(resolved_chain(settings))),
            css=Markup(asset("charts.css") + asset("page.css")),
        )
    )
    store = open_store(settings.root)
    store.put(NAME, html.encode())
    return store.describe(NAME)


def resolved_training(settings: TrainSettings, stages: Sequence[StageName]) -> dict[str, Any]:
    """The whole recipe of every stage that is trained. Raises UserError where one cannot be."""
    shown = settings.as_json()
    del shown["recipe"]
    return {**shown, "stages": {stage: settings.recipe_of(stage).as_json() for stage in stages}}


def resolved_chain(settings: EndToEndSettings) -> dict[str, Any]:
    """All tables, and the sampling of every stage that clips go through: None is what the stage was published with."""
    shown = settings.as_json()
    if settings.evaluate is None:
        del shown["evaluate"]
    generate = shown["generate"]
    del generate["generation"]["sampling"]
    generation = settings.generate.generation
    generate["generation"]["stages"] = {stage: generation.sampling_of(stage).as_json() for stage in generation.chain}
    train = resolved_training(settings.train, settings.trained_stages)
    return {**shown, "stages": list(settings.trained_stages), "label": resolved_labels(settings.label), "train": train}


def address(place: str, root: str) -> str:
    """A file or URI as a link on a page that lies in `root`: relative where both are folders of this machine."""
    if is_remote(place):
        return place
    path = Path(local_path(place)).absolute()
    return path.as_uri() if is_remote(root) else os.path.relpath(path, Path(local_path(root)).absolute())


def _stage(settings: EndToEndSettings, name: StageName) -> Stage:
    folder = settings.train.folder(name)
    journal = read_journal(folder)
    losses = [line["loss"] for line in journal if line["kind"] == "validation"]
    return Stage(
        name=name,
        clips=int(journal[-1]["clips"]) if journal else 0,
        wanted=settings.train.recipe_of(name).clips or 0,
        first_loss=losses[0] if losses else None,
        loss=losses[-1] if losses else None,
        start=next((line for line in journal if line["kind"] == "start"), None),
        chart=loss_chart(folder),
        page=address(str(folder / TRAINING_PAGE), settings.root),
    )


def _figures(evaluated: Evaluated, root: str) -> Figures:
    from noise2music.flows.pages.evaluation import NAMES  # What it imports takes a while, and a chain may do without.

    results = evaluated.results
    rows = [row for row in results.rows if row.metric in ("fad", "kad", "text", "audio")]
    return Figures(tuple(rows), NAMES, str(results.reference["name"]), address(evaluated.page, root))


def _clips(generated: Generated, root: str) -> Clips:
    store = generated.store

    def link(path: str | None) -> str | None:
        return address(store.describe(path), root) if path else None

    shown = [
        Clip(
            prompt=clip.prompt,
            audio=link(clip.audio),
            picture=str(link(clip.picture)),
            seconds=clip.duration,
            level=clip.rms_dbfs,
            score=clip.score,
            warnings=clip.warnings,
        )
        for clip in generated.clips[:SHOWN_CLIPS]
    ]
    return Clips(
        shown=tuple(shown),
        count=len(generated.clips),
        dead=len(generated.dead),
        seconds=sum(clip.duration for clip in generated.clips),
        scores=tuple(clip.score for clip in generated.clips if clip.score is not None),
        page=address(generated.page, root),
    )
