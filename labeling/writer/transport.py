"""HTTP for the client of the server: connections that are kept, no proxy surprises, and bodies that end somewhere."""

from collections.abc import AsyncIterator

import httpx2

MAX_BODY_BYTES = 1 << 20
KEPT_SECONDS = 2.0
"""How long an idle connection is kept: less than the five seconds after which common servers close one while a request is on its way."""


class BodyTooLarge(httpx2.ReadError):
    """A response is longer than MAX_BODY_BYTES; the rest was not read."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge(f"the response is longer than {MAX_BODY_BYTES} bytes", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """httpx's transport, except that the body of a response is bounded."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, request)
        return response


def new_client(concurrency: int) -> httpx2.AsyncClient:
    """A client with a connection for each request in flight. Redirects are not followed: they would carry the key elsewhere."""
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=KEPT_SECONDS)
    return httpx2.AsyncClient(transport=BoundedTransport(limits=limits), follow_redirects=False)
