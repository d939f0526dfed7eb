"""``dinnerkit ledger``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings
from dinnerkit.testing import run_background
from tests.cli.running import Ended
from tests.fire.dinners import host_dinner


@pytest.fixture
def sold(served_environ: dict[str, str], database: Database[dict[str, Any]]) -> str:
    """One booking that was paid for some minutes ago; the id of its host."""
    with Kit.open(Settings.load(environ=served_environ)) as kit:
        [host] = kit.service(AccountService).import_users([NewUser(email="mina@example.org", name="Mina", role=Role.HOST)])
        event = host_dinner(kit, seats=4)
        database["events"].update_one({"_id": event}, {"$set": {"host": host, "title": "=Dumplings"}})
        booking = kit.service(BookingService).reserve("ada", event, 2, booking_id=new_id())
        kit.service(PayingService).pay("ada", booking.id, "pm_card_visa", payment_id=new_id())
        run_background(kit)
    ago = utcnow() - timedelta(minutes=5)
    database["bookings"].update_many({}, {"$set": {"updated_at": ago}})
    database["payments"].update_many({}, {"$set": {"succeeded_at": ago}})
    database["ledger"].update_many({}, {"$set": {"at": ago}})
    return host


def test_a_ledger_in_which_all_is_well_is_exit_code_0(run_served: Callable[..., Ended], sold: str) -> None:
    ended = run_served("ledger", "check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == ["EUR: gateway 68.70, gateway_fees 1.30, hosts -70.00", "2 entries, all balanced; nothing is wrong"]


def test_what_is_wrong_is_a_line_each_and_exit_code_1(
    run_served: Callable[..., Ended], sold: str, database: Database[dict[str, Any]]
) -> None:
    database["ledger"].delete_one({"_id": {"$regex": "^payment_succeeded"}})
    ended = run_served("ledger", "check")
    assert (ended.code, ended.err) == (1, "")
    codes = [line.partition(":")[0] for line in ended.out.splitlines()]
    assert codes == ["missing_entry", "booking_not_in_ledger", "EUR", "1 entries, 2 things wrong"]
    told = json.loads(run_served("ledger", "check", "--json").out)
    assert [finding["code"] for finding in told["findings"]] == codes[:2]
    assert (told["entries"], told["balances"]) == (1, {"EUR": {"gateway": -130, "gateway_fees": 130}})


@pytest.mark.parametrize("by", ["id", "email"])
def test_a_host_has_a_statement_in_csv(run_served: Callable[..., Ended], sold: str, by: str) -> None:
    ended = run_served("ledger", "statement", "--host", sold if by == "id" else "Mina@example.org", "--from", "1d", "--to", "2100-01-01")
    assert (ended.code, ended.err) == (0, "")
    (line,) = csv.DictReader(io.StringIO(ended.out))
    assert (line["what"], line["amount"], line["currency"], line["balance"], line["dinner"]) == (
        "A guest paid",
        "70.00",
        "EUR",
        "70.00",
        "'=Dumplings",
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--host", "nobody@example.org"), "there is no user nobody@example.org"),
        (("--host", "nobody"), "no such user"),
        (("--host", "x", "--from", "yesterday"), "'yesterday' is no moment, such as 2026-11-01"),
        (("--host", "x", "--from", "2026-13-01"), "is no moment"),
        ((), "--host"),
    ],
)
def test_what_is_wrong_with_the_question_is_one_line_and_exit_code_2(
    run_served: Callable[..., Ended], arguments: tuple[str, ...], says: str
) -> None:
    ended = run_served("ledger", "statement", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert ended.err.count("\n") == 1
