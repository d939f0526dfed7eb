"""``dinnerkit reconcile`` and ``dinnerkit refunds``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.money import Money
from dinnerkit.payment.refunds import RefundService
from dinnerkit.settings import Settings
from dinnerkit.testing import run_background
from tests.cli.running import Ended
from tests.fire.dinners import host_dinner


@pytest.fixture
def paid(served_environ: dict[str, str]) -> str:
    """The payment of a booking, by a card whose refunds fail a little later."""
    with Kit.open(Settings.load(environ=served_environ)) as kit:
        booking = kit.service(BookingService).reserve("ada", host_dinner(kit, seats=4), 1, booking_id=new_id())
        kit.service(PayingService).pay("ada", booking.id, "pm_card_refundFail", payment_id=(payment_id := new_id()))
        run_background(kit)
    return payment_id


def test_a_success_that_was_missed_is_repaired_unless_it_is_tried_out(
    run_served: Callable[..., Ended], paid: str, database: Database[dict[str, Any]]
) -> None:
    assert run_served("reconcile", "--since", "1h").out == "1 compared, 0 mismatches, 0 repaired, 0 left\n"
    database["payments"].update_one({"_id": paid}, {"$set": {"status": "processing", "outbox": []}, "$unset": {"succeeded_at": 1}})
    database["ledger"].delete_many({})
    tried = run_served("reconcile", "--since", "1h", "--dry-run", "--json")
    assert tried.code == 1
    told = json.loads(tried.out)
    assert [(one["code"], one["subject"], one["repaired"]) for one in told["mismatches"]] == [("charge_status", paid, False)]
    ended = run_served("reconcile", "--since", "1h")
    assert (ended.code, ended.err) == (0, "")
    assert "charge_status: " in ended.out
    assert ended.out.endswith(" (repaired)\n1 compared, 1 mismatches, 1 repaired, 0 left\n")


def test_what_is_left_is_exit_code_1(run_served: Callable[..., Ended], paid: str, served_environ: dict[str, str]) -> None:
    path = Path(served_environ["DINNERKIT_GATEWAY"].removeprefix("sandbox://").partition("?")[0])
    with closing(sqlite3.connect(path)) as books, books:
        books.execute("update charges set amount = 1")
    ended = run_served("reconcile", "--since", "1h")
    assert (ended.code, ended.err) == (1, "")
    assert "is of 3500 EUR, and its charge" in ended.out
    assert ended.out.endswith("1 compared, 1 mismatches, 0 repaired, 1 left\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--since"),
        (("--since", "tuesday"), "'tuesday' is no moment"),
        (("--since", "2100-01-01"), "a reconciliation begins before it ends"),
        (("--since", "1990-01-01"), "a year long at most"),
    ],
)
def test_what_is_wrong_with_the_question_is_one_line_and_exit_code_2(
    run_served: Callable[..., Ended], arguments: tuple[str, ...], says: str
) -> None:
    ended = run_served("reconcile", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert ended.err.count("\n") == 1


def test_a_refund_that_failed_is_listed_and_tried_again(
    run_served: Callable[..., Ended], paid: str, served_environ: dict[str, str]
) -> None:
    assert run_served("refunds", "list").out == "none: every refund was made, or is on its way\n"
    with Kit.open(Settings.load(environ=served_environ)) as kit:
        kit.service(RefundService).request(paid, Money(1000, "EUR"), key="cause", reason="because")
        run_background(kit)
        run_background(kit)
        ((_, failed),) = kit.service(RefundService).failed()
    listed = run_served("refunds", "list").out.splitlines()
    assert listed[1].split() == [failed["id"], failed["reference"], "10.00", "EUR", "because"]
    assert run_served("refunds", "retry", failed["id"]).out == "it is on its way\n"
    gone = run_served("refunds", "retry", "unknown")
    assert (gone.code, gone.err) == (2, "dinnerkit: no refund unknown has failed\n")
