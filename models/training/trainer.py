"""The trainer: one loop for every stage, counted in clips seen, that can be killed at any moment and goes on as if it had not been."""

import logging
import math
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from noise2music.core.errors import UserError
from noise2music.core.prefetch import run_ahead
from noise2music.models.cascade.stage import StageName
from noise2music.models.cascade.weights import write_weights
from noise2music.models.data.loader import Loader
from noise2music.models.training.batch import Batch, make_batch
from noise2music.models.training.ema import WEIGHTS, Profile, exponential_kept, gamma_of_width, power_kept, snapshot_path
from noise2music.models.training.log import Journal, Window
from noise2music.models.training.loss import training_losses
from noise2music.models.training.parallel import Place, exchanging, gathered, joined, total
from noise2music.models.training.prepare import EMA, Prepared, prepare, profile_name
from noise2music.models.training.recipe import learning_rate, set_learning_rate
from noise2music.models.training.run_lock import Asked, alone_in, stopping
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.state import save_state

SAY_SECONDS = 15.0
log = logging.getLogger("n2m")


@dataclass(frozen=True)
class Trained:
    """How a run ended: after how many clips, whether that is all of its recipe, and where its published weights are.

    stopped_by: the signal that ended it early (SIGTERM where another process got it), None where it is finished.
    """

    stage: StageName
    folder: Path
    clips: int
    finished: bool
    weights: Path
    stopped_by: signal.Signals | None = None


def train(settings: TrainSettings, stage: StageName) -> Trained:
    """Train one stage to the end of its recipe, from its newest saved state where there is one. Stops early, saved, on SIGTERM or Ctrl-C.

    Raises UserError for bad input, where another process trains in the same folder, and where losses stay no finite numbers.
    """
    with joined(settings.run.device) as place, stopping() as asked, alone_in(settings.folder(stage)) if place.is_first else nullcontext():
        return Trainer(prepare(settings, stage, place), asked).run()


class Trainer:
    """The loop over what `prepare` made."""

    def __init__(self, prepared: Prepared, asked: Asked) -> None:
        self.made = prepared
        self.place: Place = prepared.place
        self.recipe = prepared.recipe
        self._asked = asked
        self._clips, self._updates, self._skipped = prepared.start.clips, prepared.start.updates, prepared.start.skipped
        self._skipped_in_a_row = 0
        self._window = Window(self.place, prepared.cost, prepared.peak)
        self._journal: Journal | None = None
        self._said = time.monotonic()
        self._loss = self._rate = self._grid_loss = math.nan

    def run(self) -> Trained:
        """Train until the recipe is done or the process is asked to stop."""
        made, folder = self.made, self.made.folder
        if self._finished:
            self._say("was finished already")
            return self._trained()
        with ExitStack() as stack:
            if self.place.is_first:
                self._journal = Journal(folder, self._clips, made.settings.log.tensorboard)
                stack.callback(self._journal.close)
            if self._clips == 0:
                self._begin()
            elif self._journal is not None and not self._journal.begun:
                # Somebody removed or damaged the log: what it says from here on still needs its head.
                self._write("start", made.facts())
            loader = stack.enter_context(made.loader(self._clips))
            with _batches(loader, made) as batches:
                while not self._finished:
                    asked = self._step(batches)
                    if asked and not self._finished:
                        self._stop(loader)
                        break
                    self._after_step(loader)
        self._say("is finished" if self._finished else "was asked to stop; the same command goes on from here")
        return self._trained()

    @property
    def _finished(self) -> bool:
        return self._clips >= self.recipe.clips

    def _begin(self) -> None:
        """What a fresh run does before its first step."""
        self._write("start", self.made.facts())
        if self.made.sampler is not None and self.place.is_first:
            self.made.sampler.write_references()
        self._validate()

    def _step(self, batches: Iterator[Batch]) -> bool:
        """One optimizer step over `clips_a_step` clips. Gives whether any rank was asked to stop."""
        made, recipe, device = self.made, self.recipe, self.place.device
        started = time.perf_counter()
        batch = next(batches)
        self._window.waited += time.perf_counter() - started
        set_learning_rate(made.optimizer, learning_rate(recipe, self._clips))
        parts = batch.parts(recipe.clips_at_once or len(batch.numbers))
        summed = torch.zeros(2, dtype=torch.float64, device=device)
        for number, part in enumerate(parts, 1):
            with exchanging(made.shared, now=number == len(parts)):
                losses, times = training_losses(made.stage, made.shared, part.to(device), made.settings.seed, made.precision)
                (losses.sum() * (self.place.world / recipe.clips_a_step)).backward()  # type: ignore[no-untyped-call]
            self._window.add_losses(losses.detach(), times)
            summed[0] += losses.detach().double().sum()
        norm = made.clip_gradients()
        summed[1] = float(self._asked.is_set())
        loss, asked = total(summed, self.place).tolist()
        self._clips += recipe.clips_a_step
        if math.isfinite(loss) and math.isfinite(norm):
            self._update(norm)
        else:
            self._skip(batch)
        made.optimizer.zero_grad(set_to_none=True)
        self._window.clips += recipe.clips_a_step
        self._window.seconds += time.perf_counter() - started
        return bool(asked)

    def _update(self, norm: float) -> None:
        made = self.made
        made.optimizer.step()
        made.averages[EMA].update(exponential_kept(self.recipe.ema_decay, self._updates))
        for width in made.settings.checkpoints.profiles:
            made.averages[profile_name(width)].update(power_kept(gamma_of_width(width), self._clips, self.recipe.clips_a_step))
        self._updates += 1
        self._skipped_in_a_row = 0
        self._window.norms += norm
        self._window.updates += 1

    def _skip(self, batch: Batch) -> None:
        """Leave a step out whose loss or gradient is no finite number; too many in a row end the run."""
        self._skipped += 1
        self._skipped_in_a_row += 1
        ids = [clip for part in gathered(batch.clip_ids, self.place) for clip in part]
        named = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
        if self._skipped_in_a_row > self.made.settings.run.skips:
            self._write("stop", {"skipped": self._skipped, "clip_ids": ids})
            raise UserError(
                f"{self.made.stage.name}: loss or gradient was no finite number in {self._skipped_in_a_row} steps in a row, the last with "
                f"the clips {named}. What was saved before is in {self.made.folder}. Lower learning_rate or clip_norm, or look at these "
                "clips with `n2m show`."
            )
        log.warning("%s: a step is left out, its loss or gradient is no finite number (clips %s).", self.made.stage.name, named)
        self._write("skip", {"skipped": self._skipped, "clip_ids": ids})

    def _after_step(self, loader: Loader) -> None:
        """Whatever is due now, which after the last step is all: a line of the log, the validation loss, samples, a save."""
        due, last = self.made.due, self._finished
        if last or due.log.is_due(self._clips, self.recipe.clips_a_step):
            self._log(loader)
        if last or due.validation.is_due(self._clips, self.recipe.clips_a_step):
            self._validate()
        if self.made.sampler is not None and (last or due.samples.is_due(self._clips, self.recipe.clips_a_step)):
            self._sample()
        if last or due.checkpoint.is_due(self._clips, self.recipe.clips_a_step):
            self._save()
        if time.monotonic() - self._said > SAY_SECONDS:
            self._say_progress()

    def _stop(self, loader: Loader) -> None:
        """Only what must not be lost: who asks may kill soon, and samples or a validation of a large network take minutes."""
        self._log(loader)
        self._save()

    def _log(self, loader: Loader) -> None:
        texts = self.made.texts
        figures = self._window.close()
        self._rate, self._loss = figures.clips_per_second, figures.loss
        values = {
            **asdict(figures),
            "learning_rate": learning_rate(self.recipe, self._clips),
            "skipped": self._skipped,
            "corrupt_clips": len(loader.corrupt),
            "cut_captions": texts.cut if texts else 0,
            "clips_without_text": texts.without if texts else 0,
        }
        self._write("step", values)

    def _validate(self) -> None:
        made = self.made
        with made.averages[EMA].applied():
            found = made.grid(made.network, made.precision)
        self._grid_loss = found.loss
        by_level = {f"level_{number}": loss for number, loss in enumerate(found.by_level, 1)}
        self._write("validation", {"loss": found.loss, **by_level})

    def _sample(self) -> None:
        made = self.made
        assert made.sampler is not None
        with made.averages[EMA].applied():
            drawn, asked = made.sampler.draw(made.network)
        if self.place.is_first:
            self._write("samples", {"folder": made.sampler.write(self._clips, drawn, asked).name})

    def _save(self) -> None:
        """The state, the published weights, and those of this moment that stay."""
        made, checkpoints = self.made, self.made.settings.checkpoints
        tensors = made.state.tensors()
        if not self.place.is_first:
            return
        header = made.start.model_copy(update={"clips": self._clips, "updates": self._updates, "skipped": self._skipped})
        save_state(made.folder / "state", header, tensors, checkpoints.keep_last)
        describe = made.weights_header(self._clips, f"exponential, {self.recipe.ema_decay} a step")
        write_weights(made.folder / WEIGHTS, _named(tensors, EMA), describe)
        kept = checkpoints.keep_every_clips
        if kept and self._clips // kept > (self._clips - self.recipe.clips_a_step) // kept:
            write_weights(made.folder / "weights" / f"clips-{self._clips:012d}.safetensors", _named(tensors, EMA), describe)
        for width in checkpoints.profiles:
            path = snapshot_path(made.folder, Profile(width, self._clips))
            write_weights(path, _named(tensors, profile_name(width)), made.weights_header(self._clips, f"power function, width {width}"))
        self._write("checkpoint", {"updates": self._updates})

    def _write(self, kind: str, values: dict[str, object]) -> None:
        if self._journal is not None:
            self._journal.write(kind, self._clips, values)

    def _say_progress(self) -> None:
        self._said = time.monotonic()
        if self._rate > 0:
            left = (self.recipe.clips - self._clips) / self._rate / 60
            validation = "" if math.isnan(self._grid_loss) else f", validation {self._grid_loss:.4f}"
            self._say(f"loss {self._loss:.4f}{validation}, {self._rate:.1f} clips/s, about {left:.0f} min to go")

    def _say(self, what: str) -> None:
        if self.place.is_first:
            log.info("%s: %s of %s clips; %s", self.made.stage.name, f"{self._clips:,}", f"{self.recipe.clips:,}", what)

    def _trained(self) -> Trained:
        made = self.made
        by = None if self._finished else self._asked.signal or signal.SIGTERM
        return Trained(made.stage.name, made.folder, self._clips, self._finished, made.folder / WEIGHTS, by)


@contextmanager
def _batches(loader: Loader, made: Prepared) -> Iterator[Iterator[Batch]]:
    """Batches made by a thread ahead of the loop that works on them."""
    ahead = run_ahead((make_batch(clips, made.texts) for clips in loader), 2)
    try:
        yield ahead
    finally:
        ahead.close()  # type: ignore[attr-defined]


def _named(tensors: dict[str, torch.Tensor], kind: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(f"{kind}."): tensor for name, tensor in tensors.items() if name.startswith(f"{kind}.")}
