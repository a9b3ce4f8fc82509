"""An OpenAI-compatible server as a writer: many requests in flight, each retried while a retry can help.

One event loop in its own thread serves all threads of the process. A request holds a slot of `concurrency` from its first try until its
answer is stored, so a killed process loses only the requests in flight.
"""

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import openai

from noise2music.core.errors import RowError
from noise2music.core.ids import hash_uniform
from noise2music.labeling.writer.base import Answer, Keep, Reply, Request, WriterStopped
from noise2music.labeling.writer.budget import BudgetTracker
from noise2music.labeling.writer.circuit import Circuit
from noise2music.labeling.writer.http import BadReply, classify, new_client, refused_parameter, server_message
from noise2music.labeling.writer.parameters import Parameters
from noise2music.labeling.writer.reply_body import read_body
from noise2music.labeling.writer_settings import Server

NO_KEY = "none"
"""The key that is sent where the environment has none: private servers need none."""
LONGEST_BACKOFF = 30.0
_MOST_PROBES = 3
"""After this many refusals without a known reason, requests are no longer retried without their schema."""

log = logging.getLogger("n2m")

_Answered = SimpleQueue[tuple[int, Answer] | None]


class ServerWriter:
    """Writes with the server of `[run.server]`. model: its served name, the identity of the answers. Raises ValueError without url."""

    def __init__(self, server: Server, model: str) -> None:
        if not server.url:
            raise ValueError("a server has a url")
        self.name = self.identity = model
        self._server = server
        self._key = os.environ.get(server.api_key_env, "").strip()
        self._offers_schema: bool | None = None
        self._schema_probes = 0
        self._parameters = Parameters(server.parameters)
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="writer", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    async def _open(self) -> None:
        self._client = openai.AsyncOpenAI(
            base_url=self._server.url,
            api_key=self._key or NO_KEY,
            max_retries=0,
            timeout=self._server.timeout,
            http_client=new_client(self._server.concurrency),
        )
        self._slots = asyncio.Semaphore(self._server.concurrency)
        self._settled = asyncio.Condition()
        self._circuit = Circuit(self._server.patience)
        self._budget = BudgetTracker(self._server)

    def write(self, requests: Sequence[Request], keep: Keep) -> None:
        """See labeling.writer.base.Writer."""
        answers: _Answered = SimpleQueue()
        tasks = asyncio.run_coroutine_threadsafe(self._ask_all(requests, answers), self._loop)
        try:
            while batch := _take(answers):
                try:
                    keep(batch)
                except WriterStopped as stopped:
                    self._loop.call_soon_threadsafe(self._circuit.stop, str(stopped))
                finally:
                    self._loop.call_soon_threadsafe(self._release, len(batch))
        except BaseException:
            tasks.cancel()
            while batch := _take(answers):
                self._loop.call_soon_threadsafe(self._release, len(batch))
            raise
        tasks.result()

    @property
    def changes(self) -> tuple[str, ...]:
        """Messages about parameters that are sent differently because the server refused them."""
        return tuple(self._parameters.changes)

    def count_tokens(self, requests: Sequence[Request]) -> list[int] | None:
        """Tokens of each prompt by vLLM's /tokenize; None from a server without it."""
        return asyncio.run_coroutine_threadsafe(self._tokenize_all(requests), self._loop).result()

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._closed:
            return
        self._closed = True
        asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _release(self, slots: int) -> None:
        for _ in range(slots):
            self._slots.release()

    async def _ask_all(self, requests: Sequence[Request], answers: _Answered) -> None:
        """Ask every request as slots get free, and put each answer. At the end, and whatever happened, put None. Raises WriterStopped."""
        tasks: list[asyncio.Task[bool]] = []
        try:
            async with asyncio.TaskGroup() as group:
                for position in range(len(requests)):
                    await self._slots.acquire()
                    if self._circuit.stop_reason:
                        self._slots.release()
                        break
                    tasks.append(group.create_task(self._ask(position, requests[position], answers)))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            answers.put(None)
        if len(tasks) < len(requests) or not all(task.result() for task in tasks):
            self._circuit.check()

    async def _ask(self, position: int, request: Request, answers: _Answered) -> bool:
        """Answer one request; returns whether there was an answer. Its slot passes to the reader of the answer, and is freed without
        one.
        """
        try:
            answers.put((position, await self._answer(request)))
        except BaseException as error:
            self._slots.release()
            if isinstance(error, WriterStopped):
                return False
            raise
        return True

    async def _answer(self, request: Request) -> Answer:
        """Try until there is a reply, or until a retry cannot help. Raises WriterStopped."""
        tries = failures = 0
        turned_down_since: float | None = None
        while True:
            async with self._circuit.attempt():
                reservation = await self._reserve(request)
                tries += 1
                started = time.perf_counter()
                reply: Reply | None = None
                try:
                    async with asyncio.timeout(self._server.timeout):
                        reply = await self._send(request)
                except (openai.OpenAIError, BadReply, TimeoutError, ValueError) as error:
                    failure = classify(error, self._server.api_key_env)
                finally:
                    self._budget.settle(request, reservation, reply)
                    async with self._settled:
                        self._settled.notify_all()
                if reply is not None:
                    self._circuit.record_answer()
                    return replace(reply, tries=tries, seconds=round(time.perf_counter() - started, 3))
                message = self._without_key(failure.message)
                match failure.kind:
                    case "row":
                        self._circuit.record_answer()
                        return RowError(failure.reason, message)
                    case "stop":
                        self._circuit.stop(message)
                    case "busy":
                        now = time.monotonic()
                        turned_down_since = turned_down_since or now
                        self._circuit.record_wait(failure.wait, message)
                        if (
                            tries >= self._server.tries
                            and now - turned_down_since > self._server.patience
                            and not self._circuit.stop_reason
                        ):
                            return RowError(failure.reason, f"{message} ({tries} tries)")
                    case "try" | "gone":
                        self._circuit.record_failure(message, failure.has_response)
                        if failure.wait is not None:
                            self._circuit.record_wait(failure.wait, message)
                        failures += failure.kind == "try"
                        if failures >= self._server.tries:
                            return RowError(failure.reason, f"{message} ({tries} tries)")
            if failure.wait is None:
                await asyncio.sleep(_backoff(request, tries))

    async def _reserve(self, request: Request) -> Any:
        """Reserve a part of the budget. Waits while requests in flight may return some. Raises WriterStopped when nothing is left."""
        while (reservation := self._budget.reserve(request)) is None:
            if not self._budget.may_free:
                self._circuit.stop(f"the budget of [run.server] is spent: {self._budget.spent()}. Raise it, or run this again to go on")
            self._circuit.check()
            async with self._settled:
                await self._settled.wait()
        return reservation

    async def _send(self, request: Request) -> Reply:
        """Send a request; again, with changes, when the server refuses a parameter or the schema."""
        with_schema = request.schema is not None and self._offers_schema is not False
        refused: str | None = None
        while True:
            parameters = self._parameters.body(request)
            try:
                reply = await self._post(request, parameters, with_schema)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                message = server_message(error)
                if message == refused:
                    self._parameters.undo()
                    refused = None
                elif self._adapt(parameters, message, refused_parameter(error)):
                    refused = message
                    continue
                if not with_schema or self._offers_schema or self._schema_probes >= _MOST_PROBES:
                    raise
                self._schema_probes += 1
                with_schema = False
                continue
            if request.schema is not None:
                self._learn_schema(with_schema)
            return reply

    def _adapt(self, parameters: dict[str, Any], message: str, named: str | None) -> bool:
        """Whether the request should be sent again, with the parameters that the server takes."""
        count = len(self._parameters.changes)
        adapts = self._parameters.adapt(parameters, message, named)
        for change in self._parameters.changes[count:]:
            log.warning("%s. It says: %s", change, self._without_key(message))
        return adapts

    def _learn_schema(self, is_offered: bool) -> None:
        if self._offers_schema is None and not is_offered:
            log.warning("the server does not take response_format: replies are asked for without a schema")
        self._offers_schema = is_offered

    async def _post(self, request: Request, parameters: dict[str, Any], with_schema: bool) -> Reply:
        """Send a request once. The body is parsed here, since the client trusts types that servers do not keep to."""
        body = dict(parameters)
        if request.prompt is not None:
            completions = self._client.completions.with_raw_response
            return read_body((await completions.create(model=request.model, prompt=request.prompt, extra_body=body)).content)
        if with_schema and request.schema is not None:
            form = {"name": "reply", "schema": json.loads(request.schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        messages: Any = [{"role": message.role, "content": message.content} for message in request.messages]
        chats = self._client.chat.completions.with_raw_response
        return read_body((await chats.create(model=request.model, messages=messages, extra_body=body)).content)

    async def _tokenize_all(self, requests: Sequence[Request]) -> list[int] | None:
        url = f"{(self._server.url or '').rstrip('/').removesuffix('/v1')}/tokenize"
        counts = []
        for request in requests:
            prompt: dict[str, Any] = {"prompt": request.prompt}
            if request.prompt is None:
                prompt = {"messages": [{"role": message.role, "content": message.content} for message in request.messages]}
            try:
                answer = await self._client.post(url, cast_to=object, body={"model": request.model, **prompt})
                counts.append(int(answer["count"]))  # type: ignore[index]
            except (openai.OpenAIError, ValueError, KeyError, TypeError):
                return None
        return counts

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _take(answers: _Answered) -> list[tuple[int, Answer]]:
    """The answers that have come, at least one; none at the end."""
    first = answers.get()
    if first is None:
        return []
    batch = [first]
    while True:
        try:
            following = answers.get_nowait()
        except Empty:
            return batch
        if following is None:
            answers.put(None)
            return batch
        batch.append(following)


def _backoff(request: Request, tries: int) -> float:
    """Seconds to wait: doubled after every try, times a factor from 0.5 to 1.5 that depends on the request and the try."""
    jitter = float(hash_uniform(int(request.key[:16], 16), np.full(1, tries, np.uint64))[0])
    return min(LONGEST_BACKOFF, 0.5 * 2.0 ** (tries - 1)) * (0.5 + jitter)
