"""Hosts are paid once for each dinner, some time after it, what their guests have paid and not had back."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from dinnerkit.booking.host_payouts import HostPayouts
from dinnerkit.errors import Invalid
from dinnerkit.money import Money
from dinnerkit.payment.deposits import DepositService
from dinnerkit.payment.ledger.checking import IN_FLIGHT, LedgerCheck
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.payouts.accounts import PayeeAccounts
from dinnerkit.payment.payouts.service import PayoutService
from dinnerkit.ports.gateway import Payout
from tests.booking.killing import Killed
from tests.booking.snapshot import paid_out
from tests.booking.world import HOST, World

DISPUTED = "pm_card_createDispute"
DELAY = timedelta(hours=24)


@pytest.fixture
def ready(world: World) -> World:
    """A world whose host has an account that takes payouts."""
    onboard(world)
    return world


def onboard(world: World) -> None:
    accounts = world.kit.service(PayeeAccounts)
    accounts.open("host", country="DE", email="host@example.org")
    accounts.onboarding_url("host")


def run(world: World) -> int:
    return world.kit.service(HostPayouts).run()


def after(world: World, event: str) -> None:
    """Let the dinner be over for so long that its host is paid, and whatever was on its way arrive."""
    world.work()
    world.clock.now = max(world.clock.now, world.seats.facts(event).starts_at + DELAY)
    run(world)
    world.work()
    agree(world)


def agree(world: World) -> None:
    check = LedgerCheck(world.database, Ledger(world.database, world.clock), lambda: world.clock() + IN_FLIGHT)
    assert not list(check.findings())


def payouts(world: World) -> list[tuple[str, int | None]]:
    rows = world.database["payouts"].find().sort([("created_at", 1), ("_id", 1)])
    return [(row["status"], row.get("amount")) for row in rows]


def owed(world: World) -> int:
    return Ledger(world.database, world.clock).owed("host").get("EUR", 0)


class TestWhen:
    def test_not_before_the_dinner_is_a_day_over(self, ready: World) -> None:
        event = ready.host_dinner(4)
        ready.book("ada", event, 2)
        ready.work()
        assert run(ready) == 0
        ready.clock.now = ready.seats.facts(event).starts_at + DELAY - timedelta(seconds=1)
        assert run(ready) == 0
        assert paid_out(ready) == 0
        ready.clock.now += timedelta(seconds=1)
        assert run(ready) == 1
        assert paid_out(ready) == 7000

    def test_later_where_the_host_has_moved_it(self, ready: World) -> None:
        event = ready.host_dinner(4)
        ready.book("ada", event)
        ready.work()
        starts_at = ready.seats.facts(event).starts_at
        ready.database["events"].update_one({"_id": event}, {"$set": {"starts_at": starts_at + timedelta(days=3)}})
        ready.clock.now = starts_at + DELAY
        run(ready)
        assert paid_out(ready) == 0
        after(ready, event)
        assert paid_out(ready) == 3500

    def test_once_however_often_it_is_tried(self, ready: World) -> None:
        event = ready.host_dinner(4)
        for user in ("ada", "ben"):
            ready.book(user, event)
        for _ in range(3):
            after(ready, event)
        assert payouts(ready) == [("sent", 7000)]
        assert owed(ready) == 0

    def test_not_until_the_host_has_said_where_to(self, world: World) -> None:
        event = world.host_dinner(4)
        world.book("ada", event)
        after(world, event)
        assert payouts(world) == [("waiting", None)]
        onboard(world)
        world.clock.now += timedelta(hours=1)
        after(world, event)
        assert payouts(world) == [("sent", 3500)]

    def test_later_where_the_gateway_has_not_the_money_yet(self, ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
        event = ready.host_dinner(4)
        ready.book("ada", event)
        ready.work()
        with ready.gateway.books.writing() as books:
            books.execute("update charges set amount = 1000")
        ready.clock.now = ready.seats.facts(event).starts_at + DELAY
        run(ready)
        assert payouts(ready) == [("sending", 3500)]
        with ready.gateway.books.writing() as books:
            books.execute("update charges set amount = 3500")
        assert run(ready) == 0
        ready.clock.now += timedelta(hours=1)
        after(ready, event)
        assert payouts(ready) == [("sent", 3500)]


class TestHowMuch:
    def test_less_what_went_back(self, ready: World) -> None:
        event = ready.host_dinner(4)
        ready.book("ada", event)
        ben = ready.book("ben", event)
        ready.bookings.cancel("ben", ben.id)
        after(ready, event)
        assert payouts(ready) == [("sent", 3500)]

    def test_of_a_dinner_that_was_called_off_nothing(self, ready: World) -> None:
        event = ready.host_dinner(4)
        ready.book("ada", event)
        ready.work()
        ready.events.cancel(HOST, event)
        after(ready, event)
        assert payouts(ready) == [("nothing", None)]

    def test_what_a_bank_has_taken_is_kept_back_and_paid_once_it_is_won(self, ready: World) -> None:
        event = ready.host_dinner(4)
        ready.book("ada", event)
        ready.book("ben", event, method=DISPUTED)
        after(ready, event)
        assert payouts(ready) == [("sent", 3500)]
        decide(ready, won=True)
        after(ready, event)
        assert payouts(ready) == [("sent", 3500), ("sent", 3500)]
        assert owed(ready) == 0

    def test_what_is_won_while_another_payout_is_being_sent_is_paid_too(self, ready: World) -> None:
        event = ready.host_dinner(4)
        for user, method in (("ada", "pm_card_visa"), ("ben", DISPUTED), ("cleo", DISPUTED)):
            ready.book(user, event, method=method)
        after(ready, event)
        decide(ready, won=True)
        with ready.gateway.books.writing() as books:
            books.execute("update charges set amount = 1000")
        run(ready)
        assert payouts(ready) == [("sent", 3500), ("sending", 3500)]
        with ready.gateway.books.writing() as books:
            books.execute("update charges set amount = 3500")
        decide(ready, won=True)
        ready.clock.now += timedelta(hours=1)
        after(ready, event)
        assert payouts(ready) == [("sent", 3500)] * 3
        assert owed(ready) == 0

    def test_what_is_lost_after_it_was_paid_out_is_taken_from_the_next(self, ready: World) -> None:
        first = ready.host_dinner(4)
        booking = ready.book("ada", first)
        after(ready, first)
        take_back(ready, booking.id)
        decide(ready, won=False)
        assert owed(ready) == -3500
        second = ready.host_dinner(4)
        ready.book("ben", second)
        ready.book("eve", second)
        after(ready, second)
        assert payouts(ready) == [("sent", 3500), ("sent", 3500)]
        assert owed(ready) == 0

    def test_what_is_less_than_nothing_is_carried_over(self, ready: World) -> None:
        first = ready.host_dinner(4)
        bookings = [ready.book(user, first) for user in ("ada", "ben")]
        after(ready, first)
        for booking in bookings:
            take_back(ready, booking.id)
            decide(ready, won=False)
        second, third = ready.host_dinner(4), ready.host_dinner(4, starts_in=timedelta(days=60))
        ready.book("eve", second)
        after(ready, second)
        assert payouts(ready)[1:] == [("nothing", None)]
        for user in ("ada", "ben"):
            ready.book(user, third)
        after(ready, third)
        assert payouts(ready)[2:] == [("sent", 3500)]
        assert owed(ready) == 0

    def test_what_is_still_to_come_does_not_pay_for_what_is_over(self, ready: World) -> None:
        first, second = ready.host_dinner(4), ready.host_dinner(4, starts_in=timedelta(days=60))
        ready.book("ada", first)
        ready.book("ben", second)
        after(ready, first)
        assert payouts(ready) == [("sent", 3500), ("waiting", None)]

    def test_a_deposit_that_is_kept_later_is_paid_later(self, ready: World) -> None:
        event = ready.host_dinner(4)
        booking = ready.book("ada", event)
        payment = booking.payment or ""
        ready.database["payments"].update_one({"_id": payment}, {"$set": {"deposit": 500, "deposit_left": 500}})
        ready.database["ledger"].delete_many({})
        after(ready, event)
        assert payouts(ready) == [("sent", 3000)]
        ready.kit.service(DepositService).keep(payment)
        after(ready, event)
        assert payouts(ready) == [("sent", 3000), ("sent", 500)]

    def test_each_host_gets_their_own(self, ready: World) -> None:
        event = ready.host_dinner(4)
        ready.book("ada", event)
        other = ready.host_dinner(4)
        ready.database["events"].update_one({"_id": other}, {"$set": {"host": "other"}})
        ready.book("ben", other, 2)
        after(ready, event)
        assert payouts(ready) == [("sent", 3500), ("waiting", None)]


def test_one_that_came_back_is_sent_again_a_day_later(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event = ready.host_dinner(4)
    ready.book("ada", event)
    after(ready, event)
    (row,) = ready.database["payouts"].find()
    payout = ready.gateway.payout(row["gateway_id"])
    with ready.gateway.books.writing() as books:
        books.execute("delete from payouts")
    failed = type(payout)(payout.id, payout.key, payout.account_id, "failed", payout.money)
    monkeypatch.setattr(ready.gateway, "payout", lambda _: failed)
    ready.kit.service(PayoutService).sync_account(row["account"])
    ready.work()
    assert payouts(ready) == [("failed", 3500), ("waiting", None)]
    assert owed(ready) == 3500
    agree(ready)
    monkeypatch.undo()
    ready.clock.now += timedelta(days=1)
    after(ready, event)
    assert payouts(ready) == [("failed", 3500), ("sent", 3500)]
    assert owed(ready) == 0


def test_one_process_at_a_time_asks_the_gateway_for_a_payout(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event = ready.host_dinner(4)
    ready.book("ada", event)
    ready.work()
    ready.clock.now = ready.seats.facts(event).starts_at + DELAY
    asked, pay_out = 0, ready.gateway.pay_out

    def while_another_runs(**given: Any) -> Payout:
        nonlocal asked
        asked += 1
        assert run(ready) == 1
        return pay_out(**given)

    monkeypatch.setattr(ready.gateway, "pay_out", while_another_runs)
    assert run(ready) == 1
    assert asked == 1
    assert payouts(ready) == [("sent", 3500)]


@pytest.mark.parametrize("before", [True, False])
def test_a_process_killed_at_any_command_pays_once(ready: World, before: bool) -> None:
    event = ready.host_dinner(4)
    ready.book("ada", event, 2)
    ready.work()
    ready.clock.now = ready.seats.facts(event).starts_at + DELAY
    restore = ready.save()
    last, died = 0, True
    while died:
        last += 1
        restore()
        ready.killer.arm(last, before=before)
        with suppress(Killed):
            run(ready)
        died = ready.killer.struck
        ready.restart()
        ready.clock.now += timedelta(hours=1)
        after(ready, event)
        assert paid_out(ready) == 7000
        assert payouts(ready) == [("sent", 7000)]
    assert last > 4


def take_back(world: World, booking_id: str) -> None:
    """Let the guest's bank take the payment of a booking back."""
    payment: Any = world.payments.live(booking_id)
    charge = world.gateway.find(payment.id)
    assert charge
    with world.gateway.books.writing() as books:
        books.execute(
            "insert into disputes values (?, ?, ?, 'open', 'fraudulent', 0)", (f"dp_{booking_id}", charge.id, charge.money.amount)
        )


def decide(world: World, *, won: bool) -> None:
    with world.gateway.books.reading() as books:
        (dispute,) = books.execute("select id from disputes where status = 'open'").fetchone()
    world.gateway.settle_dispute(dispute, won=won)
    world.work()


def test_what_is_no_whole_step_of_the_currency_goes_with_the_next(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with Stripe, which moves ten fils alone; here of 3,000 cents."""
    whole = ready.gateway.pay_out

    def pay_out(*, money: Money, **given: Any) -> Payout:
        if money.amount % 3000:
            raise Invalid("it moves in steps of 3000", step=3000)
        return whole(money=money, **given)

    monkeypatch.setattr(ready.gateway, "pay_out", pay_out)
    for price, sent, left in ((3500, [3000], 500), (400, [3000], 900), (2500, [3000, 3000], 400)):
        event = ready.host_dinner(4, Money(price, "EUR"))
        ready.book("ada", event)
        after(ready, event)
        run(ready)
        ready.work()
        assert [amount for status, amount in payouts(ready) if status == "sent"] == sent
        assert owed(ready) == left
    assert paid_out(ready) == 6000
    assert run(ready) == 0
    agree(ready)
