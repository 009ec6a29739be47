"""Chromium, driven over two pipes (the DevTools protocol): no package is needed for it."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
_ANSWER = 60  # seconds


class Browser:
    """One tab, with all that it says and asks for."""

    def __init__(self, to: int, out: int) -> None:
        self._to, self._out, self._buffer, self._number = to, out, b"", 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask for something, and wait for the answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _ANSWER
        while b"\0" not in self._buffer:
            waiting = select.poll()  # a process of many tests has many descriptors open
            waiting.register(self._out, select.POLLIN)
            ready = waiting.poll(max(0.0, until - time.monotonic()) * 1000)
            data = os.read(self._out, 1 << 20) if ready else b""
            assert data, "chromium does not answer"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def see(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """A window of a size, light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])

    def see_paper(self, width: int) -> None:
        """As it is printed, on paper of a width, after it was drawn for the window."""
        self.see(width=width)
        self.call("Emulation.setEmulatedMedia", media="print")

    def open(self, path: Path) -> None:
        """Open a page, and wait until it is there."""
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._next())

    def do(self, script: str) -> Any:
        """Run a script, as a developer would; its value."""
        done = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def without_scripts(self) -> None:
        """Run no script of a page from now on."""
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key, as on a keyboard."""
        for kind in ("keyDown", "keyUp"):
            told = {"text": text} if text and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **told
            )

    def picture(self, path: Path) -> None:
        """The whole page as a picture."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF")["data"])

    @property
    def requests(self) -> list[str]:
        """All that was asked for."""
        sent = [each for each in self.events if each.get("method") == "Network.requestWillBeSent"]
        return [each["params"]["request"]["url"] for each in sent]

    @property
    def blocked(self) -> list[str]:
        """What the page's policy did not let out."""
        failed = [
            each["params"] for each in self.events if each["method"] == "Network.loadingFailed"
        ]
        ids = {each["requestId"] for each in failed if each.get("blockedReason") == "csp"}
        sent = [each for each in self.events if each["method"] == "Network.requestWillBeSent"]
        return [e["params"]["request"]["url"] for e in sent if e["params"]["requestId"] in ids]

    @property
    def complaints(self) -> list[str]:
        """What is on the console, of errors, and of what the policy forbids."""
        kinds = {
            "Runtime.exceptionThrown",
            "Runtime.consoleAPICalled",
            "Log.entryAdded",
            "Audits.issueAdded",
            "Page.javascriptDialogOpening",
        }
        return [str(each) for each in self.events if each.get("method") in kinds]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Chromium without a window.

    Args:
        profile: a folder of its own.
    """
    assert PROGRAM is not None
    their_in, to = os.pipe()
    out, their_out = os.pipe()
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
    ]
    # The browser speaks on descriptors 3 and 4.
    script = f'exec 3<&{their_in} 4>&{their_out}; exec "$@"'
    process = subprocess.Popen(
        ["bash", "-c", script, "chromium", PROGRAM, *options],
        pass_fds=(their_in, their_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(their_in)
    os.close(their_out)
    try:
        yield Browser(to, out)
    finally:
        os.close(to)
        os.close(out)
        process.kill()
        process.wait()
