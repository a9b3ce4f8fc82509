"""The page of a stage's training run: its curves, its figures, and samples to listen to, in the run's own folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.pages.charts import Line, loss_curves
from noise2music.flows.pages.html import asset, environment
from noise2music.models.training.log import read_journal

NAME = "index.html"
MOMENTS = 5


@dataclass(frozen=True)
class Sample:
    """Paths of a picture and, where it can be heard, a recording, relative to the page."""

    picture: str
    audio: str | None


@dataclass(frozen=True)
class Row:
    """One validation clip or prompt: its name, the clip itself where there is one, and what was made of it at each moment."""

    name: str
    reference: Sample | None
    samples: tuple[Sample | None, ...]


@dataclass(frozen=True)
class Run:
    """What a page shows of a run."""

    start: Mapping[str, Any]
    latest: Mapping[str, Any] | None
    clips: int
    grid_loss: float | None
    losses: Markup
    quartiles: Markup
    moments: tuple[int, ...]
    rows: tuple[Row, ...]


def write_training_page(folder: Path) -> Path:
    """Read a run's log and samples, and write its page beside them. Raises UserError where there is no run."""
    run = _read(folder)
    html = environment().get_template("training.html.j2").render(run=run, css=Markup(asset("charts.css") + asset("page.css")))
    open_store(str(folder)).put(NAME, html.encode())
    return folder / NAME


def loss_chart(folder: Path) -> Markup:
    """The loss curves of a run, drawn from its log."""
    return _losses(read_journal(folder, "step"), read_journal(folder, "validation"))


def _read(folder: Path) -> Run:
    journal = read_journal(folder)
    kinds = {kind: [line for line in journal if line["kind"] == kind] for kind in ("start", "step", "validation", "samples")}
    if not kinds["start"]:
        raise UserError(f"{folder} holds no training run: there is no log. Start one with `n2m train`.")
    moments = tuple(line["clips"] for line in kinds["samples"][-MOMENTS:])
    return Run(
        start={"prompts": {}, **kinds["start"][0]},
        latest=kinds["step"][-1] if kinds["step"] else None,
        clips=journal[-1]["clips"],
        grid_loss=kinds["validation"][-1]["loss"] if kinds["validation"] else None,
        losses=_losses(kinds["step"], kinds["validation"]),
        quartiles=_quartiles(kinds["step"]),
        moments=moments,
        rows=_rows(folder, [line["folder"] for line in kinds["samples"][-MOMENTS:]]),
    )


def _losses(steps: Sequence[Mapping[str, Any]], validation: Sequence[Mapping[str, Any]]) -> Markup:
    lines = [_line("training", "before", steps, "loss"), _line("validation grid, averaged weights", "after", validation, "loss")]
    return loss_curves("Loss", "Training loss and the loss on the fixed grid, over clips seen.", lines)


def _quartiles(steps: Sequence[Mapping[str, Any]]) -> Markup:
    names = ("nearly clean", "second", "third", "nearly noise")
    kinds = ("null", "before", "plain", "after")
    lines = [_line(name, kind, steps, f"loss_quartile_{n}") for n, (name, kind) in enumerate(zip(names, kinds, strict=True), 1)]
    return loss_curves("Loss by quarter of the noise", "Training loss of the clips in each quarter of time.", lines)


def _line(name: str, kind: str, entries: Sequence[Mapping[str, Any]], key: str) -> Line:
    found = [(entry["clips"], entry[key]) for entry in entries if entry.get(key) is not None]
    return Line(name, kind, [x for x, _ in found], [y for _, y in found])


def _rows(folder: Path, moments: Sequence[str]) -> tuple[Row, ...]:
    samples = folder / "samples"
    names = sorted({path.stem for moment in moments for path in (samples / moment).glob("*.png")})
    return tuple(
        Row(name, _sample(folder, "reference", name), tuple(_sample(folder, moment, name) for moment in moments)) for name in names
    )


def _sample(folder: Path, moment: str, name: str) -> Sample | None:
    picture, audio = (folder / "samples" / moment / f"{name}{suffix}" for suffix in (".png", ".flac"))
    if not picture.is_file():
        return None
    return Sample(picture.relative_to(folder).as_posix(), audio.relative_to(folder).as_posix() if audio.is_file() else None)
