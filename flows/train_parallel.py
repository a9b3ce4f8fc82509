"""Stages trained side by side, one process each, on GPUs of their own or on the cores of a CPU.

Each is what `n2m train STAGE` would be, killed and resumed alike.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from noise2music.core.errors import UserError
from noise2music.flows.stage_order import STOPPED, Order
from noise2music.flows.train import how_far, not_begun
from noise2music.models.cascade.stage import StageName
from noise2music.models.training.run_lock import graceful_shutdown
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.trainer import TrainingResult

POLL_SECONDS = 0.2
log = logging.getLogger("n2m")


def visible_gpus(device: str) -> list[str]:
    """Names of the GPUs that training on `device` may use, as CUDA_VISIBLE_DEVICES takes them."""
    import torch

    if device == "cpu" or not torch.cuda.is_available():
        return []
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return named or [str(number) for number in range(torch.cuda.device_count())]


class _Running:
    """A process that trains a stage in its place: a GPU, or "" for what all see.

    Whether it was asked to stop is remembered: a second time would be at once and unsaved.
    """

    def __init__(self, order: Order, place: str) -> None:
        self.stage, self.place, self.asked = order.stage, place, False
        threads = {} if order.settings.run.threads is None else {"OMP_NUM_THREADS": str(order.settings.run.threads)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "noise2music.flows.stage_process"],
            stdin=subprocess.PIPE,
            text=True,
            env=os.environ | threads | ({"CUDA_VISIBLE_DEVICES": place} if place else {}),
            start_new_session=True,  # Ctrl-C reaches it once, through us.
        )
        self._tell(order.model_dump_json() + "\n")
        log.info("%s: %s", self.stage, f"on GPU {place}" if place else "beside other stages")

    def ask(self) -> None:
        """Let it save and end."""
        if not self.asked:
            self.asked = True
            self.process.send_signal(signal.SIGTERM)

    def close(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait()
        self._tell(None)
        return code

    def _tell(self, line: str | None) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            if line is None:
                self.process.stdin.close()
            else:
                self.process.stdin.write(line)
                self.process.stdin.flush()


def train_side_by_side(
    settings: TrainSettings, stages: Sequence[StageName], places: Sequence[str], announce: bool = True
) -> list[TrainingResult]:
    """Train stages in their order, as many at a time as there are places: names of GPUs, or "" for what all see.

    Asked to stop, all of them save and end. A stage that fails does not stop the others. Raises UserError that names those that failed;
    each has said why, unless a signal ended it, which is said here.
    """
    waiting, free, failed = list(stages), list(places), dict[StageName, int]()
    running: list[_Running] = []
    with graceful_shutdown() as stop:
        try:
            while running or (waiting and not stop.is_set()):
                while waiting and free and not stop.is_set():
                    running.append(_Running(Order(settings=settings, stage=waiting.pop(0), announce=announce), free.pop(0)))
                if stop.is_set():
                    for each in running:
                        each.ask()
                for ended in [each for each in running if each.process.poll() is not None]:
                    running.remove(ended)
                    free.append(ended.place)
                    code = ended.close()
                    # A process that is asked before it can catch a signal has done nothing yet.
                    if code not in (0, STOPPED) and not (ended.asked and code == -signal.SIGTERM):
                        failed[ended.stage] = code
                time.sleep(POLL_SECONDS)
        finally:
            # After a second Ctrl-C or an error of our own: nothing goes on behind our back.
            for each in running:
                each.process.kill()
                each.close()
    if failed:
        raise UserError(f"{_say(failed)} The same command goes on with what is not finished.")
    begun = [how_far(settings, stage, stop) for stage in stages if stage not in waiting]
    return [*begun, *(not_begun(settings, waiting, stop) if all(stage.finished for stage in begun) else [])]


def _say(failed: Mapping[StageName, int]) -> str:
    """What became of stages whose processes ended with these codes."""
    said = [stage for stage, code in failed.items() if code >= 0]
    killed = [
        f"The process that trained {stage} was ended by {signal.Signals(-code).name}"
        f"{', as the system does where memory is short' if -code == signal.SIGKILL else ''}."
        for stage, code in failed.items()
        if code < 0
    ]
    return " ".join([*([f"training of {', '.join(said)} failed; why is said above."] if said else []), *killed])
