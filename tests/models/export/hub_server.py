"""A small Hugging Face hub: the requests that huggingface_hub makes to fetch a model's files, answered from folders."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


def commit_of(folder: Path) -> str:
    """40 digits that change with the folder's content."""
    digest = hashlib.sha1()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def serve_hub(models: Mapping[str, Mapping[str, Path]]) -> Iterator[tuple[str, list[str]]]:
    """models: OWNER/NAME -> revision -> flat folder. Gives the address for HF_ENDPOINT, and a list of the paths that were fetched."""
    fetched: list[str] = []
    handler = type("Handler", (_Handler,), {"models": models, "fetched": fetched})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", fetched
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    models: Mapping[str, Mapping[str, Path]]
    fetched: list[str]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def log_message(self, *_: object) -> None:
        return

    def _answer(self, with_body: bool) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        owner, name, kind, revision, *rest = (parts[2:] if api else parts) + [""] * 4
        model = self.models.get(f"{owner}/{name}")
        if model is None:
            return self._send(404, b"{}", with_body, {"X-Error-Code": "RepoNotFound"})
        folder = next((folder for known, folder in model.items() if revision in (known, commit_of(folder))), None)
        if folder is None:
            return self._send(404, b"{}", with_body, {"X-Error-Code": "RevisionNotFound"})
        commit = commit_of(folder)
        if api and kind == "revision":
            body = {"id": f"{owner}/{name}", "sha": commit, "siblings": [{"rfilename": path.name} for path in sorted(folder.iterdir())]}
            return self._send(200, json.dumps(body).encode(), with_body, {"Content-Type": "application/json"})
        if api and kind == "tree":
            files = [
                {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": _oid(path)} for path in sorted(folder.iterdir())
            ]
            return self._send(200, json.dumps(files).encode(), with_body, {"Content-Type": "application/json"})
        path = folder / "/".join(part for part in rest if part)
        if kind != "resolve" or not path.is_file():
            return self._send(404, b"{}", with_body, {"X-Error-Code": "EntryNotFound"})
        if with_body:
            self.fetched.append(path.name)
        return self._send(200, path.read_bytes(), with_body, {"X-Repo-Commit": commit, "ETag": f'"{_oid(path)}"'})

    def _send(self, status: int, body: bytes, with_body: bool, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _oid(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()
