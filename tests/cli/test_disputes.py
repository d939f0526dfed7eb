"""``dinnerkit disputes``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo.database import Database

from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings
from dinnerkit.testing import run_background
from tests.cli.running import Ended
from tests.fire.dinners import host_dinner


def test_one_is_listed_and_in_the_sandbox_decided(
    run_served: Callable[..., Ended], served_environ: dict[str, str], database: Database[dict[str, Any]]
) -> None:
    assert run_served("disputes", "list").out == "none\n"
    with Kit.open(Settings.load(environ=served_environ)) as kit:
        booking = kit.service(BookingService).reserve("ada", host_dinner(kit, seats=4), 1, booking_id=new_id())
        kit.service(PayingService).pay("ada", booking.id, "pm_card_createDispute", payment_id=new_id())
        run_background(kit)
    line = run_served("disputes", "list", "--open").out.splitlines()[1].split()
    assert line[1:] == ["open", booking.id, "35.00", "EUR", "15.00", "fraudulent"]
    assert run_served("disputes", "decide", line[0], "--lost").out == "lost\n"
    assert run_served("disputes", "list", "--open").out == "none\n"
    assert run_served("disputes", "list").out.splitlines()[1].split()[:2] == [line[0], "lost"]
    again = run_served("disputes", "decide", line[0], "--won")
    assert (again.code, again.err) == (2, "dinnerkit: this dispute is decided already\n")
    assert run_served("disputes", "decide", line[0]).code == 2
