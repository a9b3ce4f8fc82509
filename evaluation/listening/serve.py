"""A small server for one test: its page and clips to raters, their answers into files that are written once."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from noise2music.core.errors import UserError
from noise2music.core.storage import Store, local_path, open_existing
from noise2music.evaluation.listening.answers import LARGEST, check_answers, parse_answers
from noise2music.evaluation.listening.questionnaire import ANSWERS, KEY, PAGE, read_key

MOST_FILES = 100_000


def answers_app(folder: str) -> Starlette:
    """The application for the folder of a test: GET serves what is in `page` and nothing else, POST answers takes one rater's answers.

    A file of answers is named by the hash of what it holds, so that the same answers sent twice are one file, and none is ever replaced.
    What is no answer to this test is refused with a word why: 400; too large: 413; no JSON: 415; too many files: 507.
    Raises UserError where the folder holds no test.
    """
    store = open_existing(folder)
    if store.head(KEY) is None or store.head(PAGE) is None:
        raise UserError(f"{folder} holds no test. Give the folder that `n2m listen make` or `n2m audit` wrote.")
    key = read_key(store.describe(KEY))

    async def take(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return PlainTextResponse("answers are JSON", 415)
        data = b""
        async for chunk in request.stream():
            data += chunk
            if len(data) > LARGEST:
                return PlainTextResponse(f"answers have {LARGEST:,} bytes at most", 413)
        try:
            answers = parse_answers(data, "what was sent")
            check_answers(answers, key, "what was sent")
        except UserError as error:
            return PlainTextResponse(str(error), 400)
        return _keep(store, data)

    page = Path(local_path(folder)) / PAGE
    return Starlette(
        routes=[
            Route("/answers", take, methods=["POST"]),
            Mount("/", StaticFiles(directory=page.parent, html=True, follow_symlink=False)),
        ]
    )


def _keep(store: Store, data: bytes) -> Response:
    path = f"{ANSWERS}/{hashlib.sha256(data).hexdigest()[:32]}.json"
    if store.head(path) is not None:
        return PlainTextResponse("was there already")
    if sum(1 for _ in store.entries(ANSWERS)) >= MOST_FILES:
        return PlainTextResponse("there is no room for more answers", 507)
    try:
        store.create(path, data)
    except UserError:
        return PlainTextResponse("the answers could not be written", 507)
    return PlainTextResponse("taken", 201)


def serve(folder: str, host: str, port: int, said: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; tells `said` the page's address once it is there.

    Raises UserError where the folder holds no test or the address cannot be had.
    """
    import asyncio
    import socket

    import uvicorn

    app = answers_app(folder)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            why = error.strerror or error
            raise UserError(f"cannot serve at {host}, port {port}: {why}. Give another --port or --host.") from error
        name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                said(f"http://{name}:{bound.getsockname()[1]}/")

        server = Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False))
        with suppress(KeyboardInterrupt):  # uvicorn has closed all connections by then, and passes the signal on.
            asyncio.run(server.serve(sockets=[bound]))
