"""A headless Chromium driven over the DevTools protocol: pages are opened, keys are pressed, values are read, pictures are taken."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--mute-audio", "--remote-debugging-port=0"),
)
CODES = {" ": "Space", "Enter": "Enter", "Backspace": "Backspace", "ArrowUp": "ArrowUp", "ArrowDown": "ArrowDown", "Tab": "Tab"}
START_SECONDS = 60


def find_browser() -> str | None:
    """The program, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One tab of the browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol, and its result. Errors of the page that come meanwhile are kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._socket.recv(timeout=START_SECONDS))
            if said.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(said["params"]["exceptionDetails"].get("exception", {}).get("description", said)))
            if said.get("method") == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.errors.append(said["params"]["entry"]["text"])
            if said.get("method") == "Page.javascriptDialogOpening":
                self._socket.send(json.dumps({"id": 0, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}))
            if said.get("id") == self._number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                result: dict[str, Any] = said["result"]
                return result

    def open(self, url: str) -> None:
        """Go there, and wait until the page is whole."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait(self, expression: str, seconds: float = 30) -> None:
        """Until the expression is true. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while True:
            try:
                if self.value(f"Boolean({expression})"):
                    return
            except RuntimeError:
                pass  # The page changes just now.
            if time.monotonic() > end:
                raise TimeoutError(f"never true: {expression}; the page says: {self.value('document.body.innerText')}; {self.errors}")
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """A key, as a person presses it."""
        code = CODES.get(key) or (f"Digit{key}" if key.isdigit() else f"Key{key.upper()}")
        number = {" ": 32, "Enter": 13, "Backspace": 8, "ArrowUp": 38, "ArrowDown": 40, "Tab": 9}.get(key) or ord(key.upper())
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else None)
        named = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", **named, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def size(self, width: int, height: int, phone: bool = False) -> None:
        """Of the window; a phone's has touch and no mouse."""
        scale = 2 if phone else 1
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        features = [{"name": "hover", "value": "none"}, {"name": "pointer", "value": "coarse"}] if phone else []
        self.call("Emulation.setEmulatedMedia", features=features)

    def picture(self, path: Path, whole: bool = True) -> None:
        """What the tab shows, as a PNG."""
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Tab]:
    """A browser with a new profile in `folder`, which downloads go to as well; it ends with the block."""
    profile = folder / "profile"
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        written = profile / "DevToolsActivePort"
        end = time.monotonic() + START_SECONDS
        while not written.exists() or len(written.read_text().split()) < 2:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{program} does not start ({process.poll()})")
            time.sleep(0.05)
        port = written.read_text().split()[0]
        with urlopen(f"http://127.0.0.1:{port}/json/list") as reply:
            pages = [page for page in json.load(reply) if page["type"] == "page"]
        with connect(pages[0]["webSocketDebuggerUrl"], max_size=None) as socket:
            tab = Tab(socket)
            tab.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
            yield tab
    finally:
        process.terminate()
        process.wait(30)
