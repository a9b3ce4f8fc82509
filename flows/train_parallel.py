"""Stages trained side by side, one process a stage and GPU; each is what `n2m train STAGE` would be, killed and resumed alike."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from flows.stage_process import STOPPED, Order
from labeling.errors import UserError
from models.cascade.stage import StageName
from models.training.journal import read_journal
from models.training.reweigh import WEIGHTS
from models.training.settings import TrainSettings
from models.training.stopping import stopping
from models.training.trainer import Trained

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
    """A process that trains a stage on a GPU, and whether it was asked to stop: a second time would be at once and unsaved."""

    def __init__(self, order: Order, gpu: str) -> None:
        self.stage, self.gpu, self._asked = order.stage, gpu, False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flows.stage_process"],
            stdin=subprocess.PIPE,
            text=True,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": gpu},
            start_new_session=True,  # Ctrl-C reaches it once, through us.
        )
        self._tell(order.model_dump_json() + "\n")
        log.info("%s: on GPU %s", self.stage, gpu)

    def ask(self) -> None:
        """Let it save and end."""
        if not self._asked:
            self._asked = True
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


def train_side_by_side(settings: TrainSettings, stages: Sequence[StageName], gpus: Sequence[str], announce: bool = True) -> list[Trained]:
    """Train stages in their order, as many at a time as there are GPUs. Asked to stop, all of them save and end.

    A stage that fails does not stop the others. Raises UserError that names those that failed; each has said why.
    """
    waiting, free, failed = list(stages), list(gpus), list[StageName]()
    running: list[_Running] = []
    with stopping() as asked:
        try:
            while running or (waiting and not asked.is_set()):
                while waiting and free and not asked.is_set():
                    running.append(_Running(Order(settings=settings, stage=waiting.pop(0), announce=announce), free.pop(0)))
                if asked.is_set():
                    for each in running:
                        each.ask()
                for ended in [each for each in running if each.process.poll() is not None]:
                    running.remove(ended)
                    free.append(ended.gpu)
                    if ended.close() not in (0, STOPPED):
                        failed.append(ended.stage)
                time.sleep(POLL_SECONDS)
        finally:
            # After a second Ctrl-C or an error of our own: nothing goes on behind our back.
            for each in running:
                each.process.kill()
                each.close()
    if failed:
        raise UserError(f"training of {', '.join(failed)} failed; why is said above. The same command goes on with what is not finished.")
    return [_trained(settings, stage) for stage in stages if stage not in waiting]


def _trained(settings: TrainSettings, stage: StageName) -> Trained:
    """How far a stage is, from what it wrote."""
    folder = settings.folder(stage)
    journal = read_journal(folder)
    clips = int(journal[-1]["clips"]) if journal else 0
    return Trained(stage, folder, clips, clips >= settings.recipe_of(stage).clips, folder / WEIGHTS)
