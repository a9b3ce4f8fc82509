"""write: the LLM's replies. A run that has to stop (server gone, budget spent) keeps what it has, and the next one goes on from there."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from noise2music.core.storage import Store, open_store
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, part_name
from noise2music.labeling.schemas import WRITE
from noise2music.labeling.stages import write as stage
from noise2music.labeling.writer.base import Reply, WriterStopped
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer.request_cache import RequestCache
from noise2music.pipelines.session import Session
from noise2music.pipelines.settings import RunSettings
from noise2music.pipelines.spread import PartWriter, spread_parts
from noise2music.pipelines.stops import begin, leave_word, raise_stopped
from noise2music.pipelines.writer import WriterHandle, changes

log = logging.getLogger("n2m")

_REQUESTS = re.compile(r"part-(\d{5})-of-(\d{5})")
_PARTS_AT_ONCE = 4


@dataclass(frozen=True)
class _EarlierReplies:
    """Replies that other datasets of the root hold, finished or not: whatever changed, the same request is not paid for twice."""

    store: Store
    own: str
    part: int
    parts: int

    def __call__(self, keys: frozenset[str]) -> Mapping[str, Reply]:
        replies: dict[str, Reply] = {}
        for fingerprint in self.store.folders("write"):
            path = f"write/{fingerprint}"
            if path == self.own:
                continue
            for part, parts in stage.overlapping(self.part, self.parts, self._parts_of(path)):
                for key, reply in RequestCache(self.store, requests_prefix(path, part, parts)).read().replies.items():
                    if key in keys:
                        replies.setdefault(key, reply)
        return replies

    def _parts_of(self, path: str) -> list[tuple[int, int]]:
        names = (entry.path.rsplit("/", 1)[-1] for entry in self.store.entries(f"{path}/requests"))
        return sorted({(int(match[1]), int(match[2])) for name in names if (match := _REQUESTS.match(name))})


def requests_prefix(path: str, part: int, parts: int) -> str:
    """Where a part's request cache lies below the root."""
    return f"{path}/requests/{part_name(part, parts)}"


@dataclass(frozen=True)
class _MakePart:
    writer: PartWriter
    songs: Dataset
    builder: stage.RequestBuilder
    handle: WriterHandle

    def __call__(self, part: int) -> None:
        try:
            self.writer.write(part, self._tables)
        except WriterStopped as stopped:
            leave_word(open_store(self.writer.root), self.writer.identity, part, str(stopped))

    def _tables(self, context: PartContext) -> Iterator[pa.Table]:
        identity, store = self.writer.identity, open_store(self.writer.root)
        cache = RequestCache(store, requests_prefix(identity.path, context.part, identity.parts))
        earlier = _EarlierReplies(store, identity.path, context.part, identity.parts)
        songs = self.songs.read_part(context.part)
        writer = self.handle.load()
        yield from stage.write_part(context, songs, self.builder, writer, cache, earlier, self.handle.server.price)
        for change in changes(writer):
            context.warn("server_parameters", self.handle.name, change)


def write(session: Session) -> Dataset:
    """schemas.SONGS -> schemas.WRITE, part by part. Raises UserError when the writer has to stop; the same command goes on later."""
    settings, songs, handle = session.settings, session.dataset("songs"), session.writer
    prompt = load_prompt(settings.write.prompt)
    builder = stage.RequestBuilder(prompt, settings.write, handle.name, settings.seed)

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        run = _waiting(settings.run, handle)
        at_once = settings.run.server.concurrency if settings.run.server.url else 1
        limit, parts = begin(session.root, identity, parts, settings.max_dead, songs.manifest.rows * settings.write.samples, at_once)
        writer = PartWriter(settings.root, identity, WRITE, limit=limit)
        total = sum(songs.manifest.parts[part].rows for part in parts) * settings.write.samples
        try:
            spread_parts(run, writer, parts, _MakePart(writer, songs, builder, handle), total)
        finally:
            handle.close()
            if limit is not None:
                limit.forget()
        raise_stopped(session.root, identity, parts)

    config = settings.write.model_dump(mode="json", exclude={"prompt", "model"}) | {"seed": settings.seed}
    inputs = {"prompt": prompt.identity, "model": handle.identity}
    replies = session.build("write", stage.VERSION, make_parts, config=config, inputs=inputs, parents=[songs])
    _say_cost(replies)
    return replies


def _waiting(run: RunSettings, handle: WriterHandle) -> RunSettings:
    """A thread that waits for a server costs nothing: with several parts at once the last replies of one do not hold up the next."""
    at_once = _PARTS_AT_ONCE if handle.server.url and run.mode == "threads" else run.workers
    return run.model_copy(update={"workers": max(run.workers, at_once)})


def _say_cost(replies: Dataset) -> None:
    stats = replies.manifest.stats
    if not stats.get("requests"):
        return
    counted = (f"{int(stats.get(name, 0)):,}" for name in ("requests", "retries", "prompt_tokens", "completion_tokens"))
    money = f", price {stats['price']:.2f}" if stats.get("price") else ""
    uncounted = "" if stats.get("prompt_tokens") else "; the server does not say how many tokens it used"
    log.info("%-24s %s requests (%s of them again), %s tokens in, %s out%s%s", "", *counted, money, uncounted)
