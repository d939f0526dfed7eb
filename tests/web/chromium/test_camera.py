"""Tickets in front of the door's camera: a camera that shows a film of one, and everything after it but the reading of codes.

Chromium reads codes by what the system has for that, and on Linux there is nothing: no ``BarcodeDetector``, whatever its options say. So
the detector here is a double. It knows one code, and finds it in the pictures of the camera alone, module by module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import segno

from dinnerkit.accounts.rules import User
from dinnerkit.testing.proxy import Proxy
from tests.services.chromium import PATIENCE, chromium
from tests.web.browser import PASSWORD
from tests.web.chromium.test_door import Dinner
from tests.web.conftest import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, HEIGHT, MODULE = 640, 480, 8

DETECTOR = """
  const { code, rows, width, height, left, top, module } = CODE;
  globalThis.BarcodeDetector = class {
    static getSupportedFormats = async () => ["qr_code"];
    async detect(video) {
      const canvas = new OffscreenCanvas(width, height).getContext("2d");
      canvas.drawImage(video, 0, 0, width, height);
      const { data } = canvas.getImageData(0, 0, width, height);
      const dark = (row, column) => data[4 * (width * (top + module * (row + 0.5)) + left + module * (column + 0.5))] < 128;
      const found = rows.every((bits, row) => bits.every((bit, column) => dark(row, column) === !!bit));
      return found ? [{ rawValue: code }] : [];
    }
  };
"""


def film(path: Path, rows: list[list[int]], left: int, top: int) -> None:
    """Two pictures of a code on white, as Chromium's fake camera takes them (YUV4MPEG2)."""
    light = bytearray(b"\xeb" * (WIDTH * HEIGHT))
    for row, bits in enumerate(rows):
        for column, bit in enumerate(bits):
            for line in range(MODULE if bit else 0):
                start = WIDTH * (top + MODULE * row + line) + left + MODULE * column
                light[start : start + MODULE] = b"\x10" * MODULE
    picture = b"FRAME\n" + bytes(light) + b"\x80" * (WIDTH * HEIGHT // 2)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420\n" + 2 * picture)


@pytest.fixture
def dinner(world: World, host: User) -> Dinner:
    return Dinner(world, host)


@pytest.fixture
def door(dinner: Dinner, line: Proxy, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """The door's page in a browser whose camera sees Ada's ticket, if it may be used."""
    code = segno.make_qr(dinner.ticket(), error="m")
    rows = [list(row) for row in code.matrix]
    left, top = (WIDTH - MODULE * len(rows)) // 2, (HEIGHT - MODULE * len(rows)) // 2
    film(tmp_path / "ticket.y4m", rows, left, top)
    told = {"code": dinner.ticket(), "rows": rows, "width": WIDTH, "height": HEIGHT, "left": left, "top": top, "module": MODULE}
    with chromium("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={tmp_path / 'ticket.y4m'}") as browser:

        def door(*permissions: str) -> Page:
            context = browser.new_context(base_url=f"http://127.0.0.1:{line.port}", permissions=permissions)
            context.set_default_timeout(PATIENCE)
            context.add_init_script(f"{{{DETECTOR.replace('CODE', json.dumps(told))}}}")
            page = context.new_page()
            page.goto("/login")
            page.get_by_label("E-mail").fill(dinner.host.email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.goto(dinner.path)
            return page

        yield door


def test_a_ticket_in_front_of_it_is_checked_in_once_and_it_can_be_switched_off(door: Callable[..., Page], dinner: Dinner) -> None:
    page = door("camera")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Scan with the camera").click()
    page.locator(f"[data-booking='{dinner.adas}'][data-status='checked_in']").wait_for()
    page.wait_for_function("() => localStorage.length === 0")
    assert dinner.status(dinner.adas) == "checked_in"
    assert page.locator("[data-arrived]").inner_text() == "2"
    assert len(sent) == 1
    camera = "() => document.querySelector('video').srcObject.getTracks().map((track) => track.readyState)"
    assert page.evaluate(camera) == ["live"]
    page.get_by_role("button", name="Stop the camera").click()
    assert page.evaluate(camera) == ["ended"]
    assert not page.locator("video").is_visible()


def test_who_may_not_use_it_is_told_to_type_the_code(door: Callable[..., Page], dinner: Dinner) -> None:
    page = door()
    page.get_by_role("button", name="Scan with the camera").click()
    page.get_by_text("The camera can’t be used. Type the code instead.").wait_for()
    assert dinner.status(dinner.adas) == "confirmed"
