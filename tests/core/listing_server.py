"""A server that answers S3's listing, HEAD and GET for names that no folder can hold ("a//b.mp3"), which the gateway of tests/s3_server.py
cannot keep.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "music"
PAGE = 4


@contextmanager
def serve_objects(objects: Mapping[str, bytes]) -> Iterator[str]:
    """The address of a server with one bucket, BUCKET, that gives PAGE names a page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"objects": dict(sorted(objects.items()))}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    objects: Mapping[str, bytes] = {}
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._object(with_body=False)

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}
        if "list-type" in query:
            self._answer(200, self._listing(query).encode(), "application/xml", True)
        else:
            self._object(with_body=True)

    def log_message(self, *_: object) -> None:
        return

    def _object(self, with_body: bool) -> None:
        key = unquote(urlsplit(self.path).path)[len(BUCKET) + 2 :]
        data = self.objects.get(key)
        if data is None:
            missing = b"<Error><Code>NoSuchKey</Code><Message>There is no such object</Message></Error>"
            self._answer(404, missing if with_body else b"", "application/xml", with_body)
        else:
            self._answer(200, data, "audio/mpeg", with_body, _tag(data))

    def _answer(self, status: int, body: bytes, kind: str, with_body: bool, tag: str = '""') -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", kind)
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _listing(self, query: Mapping[str, str]) -> str:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        start = query.get("continuation-token") or query.get("start-after", "")
        rows: dict[str, str] = {}
        for key, data in self.objects.items():
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                folder = prefix + rest[: rest.index(delimiter) + 1]
                rows[folder] = f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
            else:
                rows[key] = (
                    f"<Contents><Key>{escape(key)}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified>"
                    f"<ETag>{escape(_tag(data))}</ETag><Size>{len(data)}</Size></Contents>"
                )
        waiting = [name for name in sorted(rows) if name > start]
        page = waiting[:PAGE]
        more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if len(waiting) > PAGE else ""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>{BUCKET}</Name><KeyCount>{len(page)}</KeyCount>'
            f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{''.join(rows[name] for name in page)}</ListBucketResult>"
        )


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
