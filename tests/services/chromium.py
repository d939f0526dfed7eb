"""Chromium, for what only a real browser can tell: scripts, frames, policies, and what is left without a connection."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from wsgiref.types import WSGIApplication

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.services.processes import NEAR, missing
from tests.waiting import DEADLINE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage")
PATIENCE = DEADLINE * 1000
"""Milliseconds to wait for the browser, and for what a page shall show."""


def find_chromium() -> str:
    """The program on PATH, or nothing."""
    return next((found for name in NAMES if (found := shutil.which(name))), "")


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """A running browser without a window, started with these options as well."""
    program = find_chromium()
    if not program:
        missing("Chromium", "apt-get install chromium")
    if importlib.util.find_spec("playwright") is None:
        missing("Playwright", "pip install playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        near = os.environ | {"TMPDIR": NEAR}
        browser = driver.chromium.launch(executable_path=program, args=[*QUIET, *options], env=near, timeout=PATIENCE)
        yield browser
        browser.close()


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Say nothing of each request."""


@contextmanager
def served(app: WSGIApplication) -> Iterator[str]:
    """The app, served by this process on this machine alone: its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def let_go(held: list[Route]) -> None:
    """End requests that a test has kept from going on and the browser has given up since; nobody else would."""
    from playwright.sync_api import Error

    for route in held:
        with suppress(Error):
            route.abort()
