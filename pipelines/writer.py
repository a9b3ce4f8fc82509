"""The writer of a run: a small handle that travels to the workers, and opens there once a process."""

import threading
import uuid
from dataclasses import dataclass

from noise2music.labeling.writer.base import Writer
from noise2music.labeling.writer_settings import Budget, Server, Write
from noise2music.pipelines.settings import LabelSettings

_opening = threading.Lock()
_opened: dict[str, Writer] = {}


@dataclass(frozen=True)
class WriterHandle:
    """Which LLM, and where. run: another for every run, so that a new run never meets a writer that has been halted."""

    write: Write
    server: Server
    device: str
    run: str
    name: str = ""
    identity: str = ""

    def load(self) -> Writer:
        """The writer itself; threads of one process get the same."""
        with _opening:
            if self.run not in _opened:
                _opened[self.run] = self._open()
            return _opened[self.run]

    def close(self) -> None:
        """Forget the writer of this process."""
        with _opening:
            writer = _opened.pop(self.run, None)
        if writer is not None:
            writer.close()

    def _open(self) -> Writer:
        if self.server.url:
            from noise2music.labeling.writer.server import ServerWriter

            return ServerWriter(self.server, self.write.model)
        from noise2music.labeling.writer.local import LocalWriter

        return LocalWriter(self.write.model, self.write.revision, self.device)


def open_writer(settings: LabelSettings) -> WriterHandle:
    """Open the writer here once, to know its name and identity. Worker processes share the budget evenly. Raises UserError."""
    run, server = settings.run, settings.run.server
    if run.mode == "processes" and run.runner == "local":
        server = server.model_copy(update={"budget": _share(server.budget, run.workers)})
    handle = WriterHandle(settings.write, server, run.device, uuid.uuid4().hex)
    writer = handle.load()
    return WriterHandle(settings.write, server, run.device, handle.run, writer.name, writer.identity)


def changes(writer: Writer) -> tuple[str, ...]:
    """What a server made its writer send otherwise than configured, in words; nothing for a model of one's own."""
    return writer.changes if hasattr(writer, "changes") else ()


def _share(budget: Budget, workers: int) -> Budget:
    return Budget(
        requests=max(1, budget.requests // workers) if budget.requests else None,
        tokens=max(1, budget.tokens // workers) if budget.tokens else None,
        money=budget.money / workers if budget.money else None,
    )
