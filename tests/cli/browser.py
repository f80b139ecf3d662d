"""A browser for tests: Debian's chromium without a window or a network, spoken to through pipes.

    with Browser(folder) as browser:
        browser.open(path, width=390, dark=True)
        browser.evaluate("document.title")
        assert browser.complaints == []

The protocol is Chrome's own (https://chromedevtools.github.io/devtools-protocol/), so that nothing need be installed
beside the browser, and a page is looked at as it is: what a test evaluates needs no script in the page.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE_S = 60.0
"""How long an answer may take; a busy machine is slow to start a browser."""

_FLAGS = [
    "--headless=new",
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
]


class Browser:
    """One browser with one page.

    Attributes:
        complaints: What its console said since the page was opened: errors, warnings, and what its policy forbade.
        requests: The addresses that the page asked for, its own among them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers: dict[int, dict[str, Any]] = {}
        self._buffer = b""
        self._count = 0
        self._loaded = False
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def __enter__(self) -> Browser:
        program = shutil.which("chromium")
        assert program is not None, "the tests of pages need a browser: apt-get install chromium"
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        high = [fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in (theirs_in, theirs_out)]
        for each in (theirs_in, theirs_out):
            os.close(each)
        # it reads from 3 and writes to 4
        command = ["bash", "-c", f'exec "$@" 3<&{high[0]} 4>&{high[1]}', "browser", program, *_FLAGS]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={self._folder / 'profile'}", "about:blank"],
            pass_fds=high,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self._folder)},
        )
        for each in high:
            os.close(each)
        self._session: str | None = None
        pages = [each for each in self._call("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        target = pages[0]["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session = None
        self._send("Browser.close")
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def open(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Opens a file as a window of this size shows it, and waits until it is loaded."""
        self._call("Page.navigate", url="about:blank")
        self.complaints.clear()
        self.requests.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[theme])
        self._loaded = False
        self._call("Page.navigate", url=path.absolute().as_uri())
        self._until(lambda: self._loaded)

    def evaluate(self, expression: str) -> Any:
        """Returns what an expression of JavaScript comes to in the page; a promise is waited for."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Waits until an expression holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, f"never came true: {expression}"
            time.sleep(0.05)

    def press(self, key: str, code: int) -> None:
        """Presses a key where the focus is.

        Args:
            key: Its name, such as `Enter`.
            code: Its number on a keyboard of Windows.
        """
        text = {"text": "\r"} if key == "Enter" else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def click(self, x: float, y: float) -> None:
        """Clicks at a place of the window."""
        for near in (3, 0):
            self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x + near, y=y)
            time.sleep(0.2)  # plotly looks what is under the pointer now and then
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Writes what is seen as a PNG; all of the page, or what is in the window."""
        found = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = self._send(method, **parameters)
        self._until(lambda: number in self._answers)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _send(self, method: str, **parameters: Any) -> int:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._to, content) :]
        return self._count

    def _until(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_done():
            left = deadline - time.monotonic()
            assert left > 0, "the browser does not answer"
            if not select.select([self._from], [], [], left)[0]:
                continue
            received = os.read(self._from, 1 << 20)
            assert received, "the browser has ended"
            *messages, self._buffer = (self._buffer + received).split(b"\0")
            for message in messages:
                self._take(json.loads(message))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
            return
        method, given = message["method"], message["params"]
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str([each.get("value", each.get("description")) for each in given["args"]]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(given["exceptionDetails"].get("exception", given["exceptionDetails"])))
        elif method == "Log.entryAdded":
            self.complaints.append(given["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"][:200])
