"""The trainer: one loop for every stage, counted in clips seen. It can be killed at any moment and goes on as if it had not been."""

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
from noise2music.models.training.ema import WEIGHTS, Profile, exponential_beta, gamma_of_width, power_beta, snapshot_path
from noise2music.models.training.log import Journal, Window
from noise2music.models.training.loss import training_losses
from noise2music.models.training.parallel import DistContext, all_gather, all_reduce, grad_sync, init_distributed
from noise2music.models.training.prepare import EMA, TrainingSetup, prepare, profile_name
from noise2music.models.training.recipe import learning_rate, set_learning_rate
from noise2music.models.training.run_lock import StopRequest, graceful_shutdown, run_lock
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.state import save_state

SAY_SECONDS = 15.0
log = logging.getLogger("n2m")


@dataclass(frozen=True)
class TrainingResult:
    """The end of a run.

    Args:
        stage: which stage was trained.
        folder: of its run.
        clips: seen in all.
        finished: whether these are all of its recipe.
        weights: path of the published weights.
        stopped_by: the signal that ended it early (SIGTERM where another process got it), None where it is finished.
    """

    stage: StageName
    folder: Path
    clips: int
    finished: bool
    weights: Path
    stopped_by: signal.Signals | None = None


def train(settings: TrainSettings, stage: StageName) -> TrainingResult:
    """Train one stage to the end of its recipe, from its newest saved state where there is one. Stops early, saved, on SIGTERM or Ctrl-C.

    Raises UserError for bad input, where another process trains in the same folder, and where losses stay no finite numbers.
    """
    with (
        init_distributed(settings.run.device) as dist,
        graceful_shutdown() as stop,
        run_lock(settings.folder(stage)) if dist.is_first else nullcontext(),
    ):
        return Trainer(prepare(settings, stage, dist), stop).run()


class Trainer:
    """The training loop of one stage."""

    def __init__(self, setup: TrainingSetup, stop: StopRequest) -> None:
        self.setup = setup
        self.dist: DistContext = setup.dist
        self.recipe = setup.recipe
        self._stop_request = stop
        self._clips, self._updates, self._skipped = setup.start.clips, setup.start.updates, setup.start.skipped
        self._skipped_in_a_row = 0
        self._window = Window(self.dist, setup.cost, setup.peak)
        self._journal: Journal | None = None
        self._said = time.monotonic()
        self._loss = self._rate = self._grid_loss = math.nan

    def run(self) -> TrainingResult:
        """Train until the recipe is done or the process is asked to stop."""
        setup, folder = self.setup, self.setup.folder
        if self._finished:
            self._say("was finished already")
            return self._trained()
        with ExitStack() as stack:
            if self.dist.is_first:
                self._journal = Journal(folder, self._clips, setup.settings.log.tensorboard)
                stack.callback(self._journal.close)
            if self._clips == 0:
                self._begin()
            elif self._journal is not None and not self._journal.begun:
                # Somebody removed or damaged the log: what it says from here on still needs its head.
                self._write("start", setup.first_line())
            loader = stack.enter_context(setup.loader(self._clips))
            with _batches(loader, setup) as batches:
                while not self._finished:
                    stop = self._step(batches)
                    if stop and not self._finished:
                        self._stop(loader)
                        break
                    self._after_step(loader)
        self._say("is finished" if self._finished else "was asked to stop; the same command goes on from here")
        return self._trained()

    @property
    def _finished(self) -> bool:
        return self._clips >= self.recipe.clips

    def _begin(self) -> None:
        """Before the first step of a fresh run."""
        self._write("start", self.setup.first_line())
        if self.setup.sampler is not None and self.dist.is_first:
            self.setup.sampler.write_references()
        self._validate()

    def _step(self, batches: Iterator[Batch]) -> bool:
        """One optimizer step over `global_batch_size` clips. Returns whether any rank was asked to stop."""
        setup, recipe, device = self.setup, self.recipe, self.dist.device
        started = time.perf_counter()
        batch = next(batches)
        self._window.waited += time.perf_counter() - started
        set_learning_rate(setup.optimizer, learning_rate(recipe, self._clips))
        parts = batch.parts(recipe.micro_batch_size or len(batch.numbers))
        summed = torch.zeros(2, dtype=torch.float64, device=device)
        for number, part in enumerate(parts, 1):
            with grad_sync(setup.model, now=number == len(parts)):
                losses, times = training_losses(setup.stage, setup.model, part.to(device), setup.settings.seed, setup.precision)
                (losses.sum() * (self.dist.world / recipe.global_batch_size)).backward()  # type: ignore[no-untyped-call]
            self._window.add_losses(losses.detach(), times)
            summed[0] += losses.detach().double().sum()
        norm = setup.clip_gradients()
        summed[1] = float(self._stop_request.is_set())
        loss, stop = all_reduce(summed, self.dist).tolist()
        self._clips += recipe.global_batch_size
        if math.isfinite(loss) and math.isfinite(norm):
            self._update(norm)
        else:
            self._skip(batch)
        setup.optimizer.zero_grad(set_to_none=True)
        self._window.clips += recipe.global_batch_size
        self._window.seconds += time.perf_counter() - started
        return bool(stop)

    def _update(self, norm: float) -> None:
        setup = self.setup
        setup.optimizer.step()
        setup.averages[EMA].update(exponential_beta(self.recipe.ema_decay, self._updates))
        for width in setup.settings.checkpoints.profiles:
            setup.averages[profile_name(width)].update(power_beta(gamma_of_width(width), self._clips, self.recipe.global_batch_size))
        self._updates += 1
        self._skipped_in_a_row = 0
        self._window.norms += norm
        self._window.updates += 1

    def _skip(self, batch: Batch) -> None:
        """Leave out a step whose loss or gradient is no finite number; too many in a row end the run."""
        self._skipped += 1
        self._skipped_in_a_row += 1
        ids = [clip for part in all_gather(batch.clip_ids, self.dist) for clip in part]
        named = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
        if self._skipped_in_a_row > self.setup.settings.run.skips:
            self._write("stop", {"skipped": self._skipped, "clip_ids": ids})
            raise UserError(
                f"{self.setup.stage.name}: loss or gradient was no finite number in {self._skipped_in_a_row} steps in a row, the last with "
                f"the clips {named}. What was saved before is in {self.setup.folder}. Lower learning_rate or clip_norm, or look at these "
                "clips with `n2m show`."
            )
        log.warning("%s: a step is left out, its loss or gradient is no finite number (clips %s).", self.setup.stage.name, named)
        self._write("skip", {"skipped": self._skipped, "clip_ids": ids})

    def _after_step(self, loader: Loader) -> None:
        """Do what is due: a line of the log, the validation loss, samples, a save. After the last step all of it is due."""
        intervals, last = self.setup.intervals, self._finished
        if last or intervals.log.is_due(self._clips, self.recipe.global_batch_size):
            self._log(loader)
        if last or intervals.validation.is_due(self._clips, self.recipe.global_batch_size):
            self._validate()
        if self.setup.sampler is not None and (last or intervals.samples.is_due(self._clips, self.recipe.global_batch_size)):
            self._sample()
        if last or intervals.checkpoint.is_due(self._clips, self.recipe.global_batch_size):
            self._save()
        if time.monotonic() - self._said > SAY_SECONDS:
            self._say_progress()

    def _stop(self, loader: Loader) -> None:
        """Log and save, and no more: a kill may follow soon, and samples or a validation of a large network take minutes."""
        self._log(loader)
        self._save()

    def _log(self, loader: Loader) -> None:
        texts = self.setup.texts
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
        setup = self.setup
        with setup.averages[EMA].applied():
            grid_loss = setup.grid(setup.network, setup.precision)
        self._grid_loss = grid_loss.loss
        by_level = {f"level_{number}": loss for number, loss in enumerate(grid_loss.by_level, 1)}
        self._write("validation", {"loss": grid_loss.loss, **by_level})

    def _sample(self) -> None:
        setup = self.setup
        assert setup.sampler is not None
        with setup.averages[EMA].applied():
            samples, stop = setup.sampler.draw(setup.network)
        if self.dist.is_first:
            self._write("samples", {"folder": setup.sampler.write(self._clips, samples, stop).name})

    def _save(self) -> None:
        """Write the state, the published weights, and the weights of this moment that stay."""
        setup, checkpoints = self.setup, self.setup.settings.checkpoints
        tensors = setup.state.tensors()
        if not self.dist.is_first:
            return
        header = setup.start.model_copy(update={"clips": self._clips, "updates": self._updates, "skipped": self._skipped})
        save_state(setup.folder / "state", header, tensors, checkpoints.keep_last)
        describe = setup.weights_header(self._clips, f"exponential, {self.recipe.ema_decay} a step")
        write_weights(setup.folder / WEIGHTS, _named(tensors, EMA), describe)
        keep_every = checkpoints.keep_every_clips
        if keep_every and self._clips // keep_every > (self._clips - self.recipe.global_batch_size) // keep_every:
            write_weights(setup.folder / "weights" / f"clips-{self._clips:012d}.safetensors", _named(tensors, EMA), describe)
        for width in checkpoints.profiles:
            path = snapshot_path(setup.folder, Profile(width, self._clips))
            write_weights(path, _named(tensors, profile_name(width)), setup.weights_header(self._clips, f"power function, width {width}"))
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
        if self.dist.is_first:
            log.info("%s: %s of %s clips; %s", self.setup.stage.name, f"{self._clips:,}", f"{self.recipe.clips:,}", what)

    def _trained(self) -> TrainingResult:
        setup = self.setup
        by = None if self._finished else self._stop_request.signal or signal.SIGTERM
        return TrainingResult(
            stage=setup.stage.name,
            folder=setup.folder,
            clips=self._clips,
            finished=self._finished,
            weights=setup.folder / WEIGHTS,
            stopped_by=by,
        )


@contextmanager
def _batches(loader: Loader, setup: TrainingSetup) -> Iterator[Iterator[Batch]]:
    """Batches, made by a thread ahead of the loop."""
    ahead = run_ahead((make_batch(clips, setup.texts) for clips in loader), 2)
    try:
        yield ahead
    finally:
        ahead.close()  # type: ignore[attr-defined]


def _named(tensors: dict[str, torch.Tensor], kind: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(f"{kind}."): tensor for name, tensor in tensors.items() if name.startswith(f"{kind}.")}
