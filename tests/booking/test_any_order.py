"""Guests, hosts, gateways, workers and crashes in any order, with a small model beside them that says what ought to come of it.

DINNERKIT_TEST_EXAMPLES says how many stories are tried; the usual 200 take about a minute of an idle processor.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from dinnerkit.accounts.documents import AttemptDocument
from dinnerkit.errors import DinnerkitError
from dinnerkit.ids import derived_id
from dinnerkit.money import Money
from dinnerkit.payment.errors import PaymentDeclined
from dinnerkit.vouchers.rules import Kind
from tests.booking.balance import come_to_rest, money_is_safe, nobody_waits_for_free_seats, seats_add_up, vouchers_are_not_overused
from tests.booking.killing import Killed
from tests.booking.model.acts import Model
from tests.booking.model.records import VOUCHERS
from tests.booking.scenes import voucher
from tests.booking.snapshot import Snapshot
from tests.booking.world import CHECK, DECLINED, HOLD, HOST, SECURE, VISA, World

GUESTS = ("ada", "ben", "cleo", "dan", "eve")
USERS = st.sampled_from(GUESTS)
CODES = st.sampled_from([None, None, None, *VOUCHERS])
PARTIES = st.integers(1, 3)
WHICH = st.integers(0, 7)
CARDS = {VISA: "succeeded", DECLINED: "declined", SECURE: "action_required"}
SPANS = st.sampled_from([timedelta(seconds=1), CHECK, HOLD / 2, HOLD, HOLD, 2 * HOLD, timedelta(days=1)])


class Story(RuleBasedStateMachine):
    """One dinner of three to six seats, in three days."""

    world: World

    @initialize(seats=st.integers(3, 6), price=st.sampled_from([3500, 3501, 0]), deposit=st.sampled_from([0, 0, 1000]))
    def begin(self, seats: int, price: int, deposit: int) -> None:
        self.world.clear()
        self.world.invite(*GUESTS)
        self.seats = seats
        self.ids = (f"{number:024}" for number in count())
        asked_for = Money(deposit, "EUR") if deposit else None
        self.event = self.world.host_dinner(seats, Money(price, "EUR"), starts_in=timedelta(days=3), deposit=asked_for)
        voucher(self.world, "HALF", percent=50, max_uses=VOUCHERS["HALF"])
        voucher(self.world, "GIFT", kind=Kind.FREE, max_uses=VOUCHERS["GIFT"])
        self.model = Model.of(Snapshot.of(self.world), self.event)

    @rule(user=USERS, guests=PARTIES, code=CODES)
    def reserve(self, user: str, guests: int, code: str | None) -> None:
        booking = next(self.ids)
        self._forget_attempts()
        expected = self.model.reserve(user, guests, booking, self.world.clock(), code)
        assert outcome(lambda: self.world.reserve(user, self.event, guests, booking, code).status) == expected

    @precondition(lambda self: any(booking.status in ("confirmed", "seated") for booking in self.model.bookings.values()))
    @rule(which=WHICH, taker=USERS)
    def transfer(self, which: int, taker: str) -> None:
        booking, sent = self._booking(which), next(self.ids)
        giver = self.model.bookings[booking].user
        new = derived_id(sent, giver, f"transfer/{booking}/{taker}@example.org")
        self._forget_attempts()
        expected = self.model.transfer(booking, taker, new, self.world.clock())

        def change_hands() -> str:
            offered = self.world.transfers.offer(giver, booking, f"{taker}@example.org", transfer_id=sent)
            return self.world.transfers.accept(taker, self.world.transfers.token(offered) or "").status

        assert outcome(change_hands) == expected

    @precondition(lambda self: self.model.bookings)
    @rule(which=WHICH, card=st.sampled_from([VISA, VISA, SECURE, SECURE, DECLINED]))
    def pay(self, which: int, card: str) -> None:
        booking, payment = self._booking(which), next(self.ids)
        expected = self.model.pay(booking, payment, CARDS[card], self.world.clock())
        user = self.model.bookings[booking].user
        paying = self.world.paying
        assert outcome(lambda: paying.pay(user, booking, card, payment_id=payment).booking.status) == expected

    @precondition(lambda self: self.model.bookings)
    @rule(which=WHICH)
    def accept(self, which: int) -> None:
        booking = self._booking(which)
        expected = self.model.accept(booking, self.world.clock())
        assert outcome(lambda: self.world.bookings.accept(self.model.bookings[booking].user, booking).status) == expected

    @precondition(lambda self: self.model.bookings)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        booking = self._booking(which)
        expected = self.model.cancel(booking, self.world.clock())
        assert outcome(lambda: self.world.bookings.cancel(self.model.bookings[booking].user, booking).status) == expected

    @precondition(lambda self: self.model.bookings)
    @rule(which=WHICH)
    def arrive(self, which: int) -> None:
        booking = self.world.store.find(self._booking(which))
        assert booking
        expected = self.model.arrive(booking.id, self.world.clock())
        ticket = self.world.tickets.of(booking)
        assert outcome(lambda: self.world.door.check_in(HOST, self.event, ticket).booking.status) == expected

    @precondition(lambda self: self.model.bookings)
    @rule(which=WHICH, came=st.booleans())
    def note_who_came(self, which: int, came: bool) -> None:
        booking = self._booking(which)
        expected = self.model.note(booking, self.world.clock(), came=came)
        assert outcome(lambda: self.world.door.note(HOST, self.event, booking, came=came).booking.status) == expected

    @precondition(lambda self: self.model.bookings)
    @rule(which=st.sets(WHICH))
    def publish_tables(self, which: set[int]) -> None:
        seated = {self._booking(number) for number in which}
        self.model.seat(seated)
        self.world.store.seat(self.event, seated)

    @rule()
    def find_no_shows(self) -> None:
        self.model.find_no_shows(self.world.clock())
        self.world.find_no_shows()

    @precondition(lambda self: any(payment.at_gateway == "action_required" for payment in self.model.payments.values()))
    @rule(which=WHICH, approve=st.booleans())
    def authenticate(self, which: int, approve: bool) -> None:
        waiting = [name for name, payment in self.model.payments.items() if payment.at_gateway == "action_required"]
        name = waiting[which % len(waiting)]
        charge = self.world.gateway.find(name)
        assert charge
        assert charge.client_secret
        self.world.gateway.authenticate(charge.client_secret, approve=approve)
        self.model.payments[name].at_gateway = "succeeded" if approve else "declined"

    @rule(which=WHICH, times=st.integers(1, 2), acknowledge=st.booleans())
    def hand_in_a_webhook(self, which: int, times: int, acknowledge: bool) -> None:
        webhooks = list(self.world.gateway.due_webhooks())
        if webhooks:
            webhook = webhooks[which % len(webhooks)]
            for _ in range(times):
                self.world.inbox.receive("sandbox", webhook.body, webhook.headers)
            if acknowledge:
                self.world.gateway.acknowledge(webhook.id)

    @rule(user=USERS, guests=PARTIES)
    def join(self, user: str, guests: int) -> None:
        entry = next(self.ids)
        expected = self.model.join(user, guests, entry, self.seats, self.world.clock())
        assert outcome(lambda: self.world.waitlist.join(self.event, user, guests, entry_id=entry)) == expected

    @rule(user=USERS)
    def leave(self, user: str) -> None:
        expected = self.model.leave(user)
        assert outcome(lambda: self.world.waitlist.leave(self.event, user) or "gone") == expected

    @precondition(lambda self: len(self.model.bookings) > 3)
    @rule()
    def call_off(self) -> None:
        expected = self.model.call_off(self.world.clock())
        assert outcome(lambda: self.world.events.cancel(HOST, self.event)["status"]) == expected

    @rule(days=st.sampled_from([-1, 1, 2]))
    def move_the_dinner(self, days: int) -> None:
        starts_at = self.model.starts_at + timedelta(days=days)
        expected = self.model.move(starts_at, self.world.clock())
        assert outcome(lambda: self.world.events.update(HOST, self.event, {"starts_at": starts_at})["status"]) == expected

    @rule(span=SPANS)
    def pass_time(self, span: timedelta) -> None:
        self.world.clock.now += span

    @rule()
    def sweep(self) -> None:
        self.model.sweep(self.world.clock())
        self.world.sweep()
        self.model.call_the_roll(self.world.clock())
        self.world.roll()

    @rule()
    def look_after_payments(self) -> None:
        self.model.look_after_payments(self.world.clock())
        self.world.payments.sweep()

    @rule(most=st.integers(1, 12))
    def relay_and_deliver(self, most: int) -> None:
        self.world.relay()
        self.world.deliveries.sweep()
        self.world.deliver(most, self._delivered)

    @rule()
    def forget_the_hints(self) -> None:
        self.world.restart()

    @rule(what=st.integers(0, 3), last=st.integers(1, 8), before=st.booleans(), which=WHICH, user=USERS, guests=PARTIES, code=CODES)
    def crash(self, what: int, last: int, before: bool, which: int, user: str, guests: int, code: str | None) -> None:
        booking = self._booking(which) if self.model.bookings else ""
        guest = self.model.bookings[booking].user if booking else ""
        dying: list[Callable[[], object]] = [
            lambda: self.world.reserve(user, self.event, guests, next(self.ids), code),
            lambda: self.world.paying.pay(guest, booking, VISA, payment_id=next(self.ids)),
            lambda: self.world.bookings.cancel(guest, booking),
            self.world.tick,
        ]
        self.world.killer.arm(last, before=before)
        with suppress(Killed, DinnerkitError):
            dying[what]()
        self.world.restart()
        self.model = Model.of(Snapshot.of(self.world), self.event)

    @invariant()
    def all_is_as_it_must_be_and_as_the_model_says(self) -> None:
        there = Snapshot.of(self.world)
        seats_add_up(there)
        nobody_waits_for_free_seats(there)
        money_is_safe(there)
        vouchers_are_not_overused(there)
        real = Model.of(there, self.event)
        for part in fields(Model):
            assert getattr(self.model, part.name) == getattr(real, part.name), part.name

    def teardown(self) -> None:
        self.world.restart()
        if hasattr(self, "event"):
            come_to_rest(self.world)

    def _forget_attempts(self) -> None:
        """Limits on attempts are for tests of their own."""
        self.world.database[AttemptDocument.collection_name].delete_many({})

    def _booking(self, which: int) -> str:
        names = sorted(self.model.bookings, reverse=True)
        return names[which % len(names)]

    def _delivered(self, delivery: dict[str, object]) -> None:
        if delivery["kind"] == "payment.notification_received":
            self.model.sync(self.world.key_of(delivery))
        else:
            self.model.handled(delivery, self.world.clock())


def outcome(act: Callable[[], object]) -> str:
    try:
        return str(act())
    except PaymentDeclined:
        return "PaymentDeclined"
    except DinnerkitError as error:
        return type(error).__name__


@pytest.mark.timeout(1_800)
def test_any_order_of_things_comes_to_what_the_model_says(world: World) -> None:
    story = type("StoryInThisWorld", (Story,), {"world": world})
    run_state_machine_as_test(
        story,
        settings=settings(
            max_examples=int(os.environ.get("DINNERKIT_TEST_EXAMPLES", "200")),
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
