"""The named ways in which money, seats and messages can miss each other, and what comes of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dinnerkit.booking.errors import AlreadyConfirmed, BookingCancelled, HoldExpired
from dinnerkit.booking.store import Booking
from dinnerkit.errors import Conflict, NotFound, Unavailable
from dinnerkit.events.rules import RefundPolicy
from dinnerkit.ids import new_id
from dinnerkit.payment.errors import ChargeMismatch, PaymentInProgress
from dinnerkit.ports.gateway import PaymentDisputed
from tests.booking.balance import come_to_rest
from tests.booking.scenes import FREE, authenticating, held, paid
from tests.booking.snapshot import gateway_books
from tests.booking.world import HOLD, HOST, SECURE, VISA, World


def refunds(world: World) -> list[int]:
    return [refund["amount"] for refund in gateway_books(world)[1]]


def while_charging(world: World, meanwhile: Callable[[], object]) -> None:
    world.gateway.meanwhile = meanwhile


def let_it_expire(world: World, booking: Booking) -> None:
    world.clock.now += HOLD
    assert world.bookings.get(booking.user, booking.id).status == "expired"


class TestPaidAfterTheHoldExpired:
    def test_the_guest_gets_seats_if_there_are_some(self, world: World) -> None:
        booking = held(world)
        while_charging(world, lambda: let_it_expire(world, booking))
        assert world.pay(booking).booking.status == "confirmed"
        come_to_rest(world)
        assert world.now(booking).status == "confirmed"
        assert refunds(world) == []

    def test_the_money_goes_back_if_the_seats_are_gone(self, world: World) -> None:
        booking = held(world)

        def meanwhile() -> None:
            let_it_expire(world, booking)
            world.book("ben", booking.event, 2)

        while_charging(world, meanwhile)
        with pytest.raises(HoldExpired, match="money goes back"):
            world.pay(booking)
        come_to_rest(world)
        assert (world.now(booking).status, world.now(booking).cancelled_by) == ("cancelled", "payment")
        assert refunds(world) == [7000]

    def test_the_money_goes_back_if_the_guest_has_booked_again(self, world: World) -> None:
        booking = held(world)

        def meanwhile() -> None:
            let_it_expire(world, booking)
            world.reserve("ada", booking.event)

        while_charging(world, meanwhile)
        with pytest.raises(HoldExpired):
            world.pay(booking)
        come_to_rest(world)
        assert refunds(world) == [7000]

    def test_the_money_goes_back_if_the_dinner_has_begun(self, world: World) -> None:
        booking = world.reserve("ada", world.host_dinner(2, starts_in=timedelta(minutes=5)))
        while_charging(world, lambda: let_it_expire(world, booking))
        with pytest.raises(HoldExpired):
            world.pay(booking)
        come_to_rest(world)
        assert refunds(world) == [3500]

    def test_a_payment_that_has_not_begun_is_refused(self, world: World) -> None:
        booking = held(world)
        world.clock.now += HOLD
        with pytest.raises(HoldExpired):
            world.pay(booking)
        assert gateway_books(world)[0] == {}

    def test_a_worker_that_died_with_the_seats_in_hand_is_succeeded_by_the_next(self, world: World) -> None:
        booking, secret = authenticating(world)
        world.clock.now += 2 * HOLD
        world.bookings.get("ada", booking.id)
        charge = world.gateway.authenticate(secret, approve=True)
        payment = world.payments.sync_charge(charge.id)
        assert payment is not None
        world.seats.take(world.hold_for(booking, payment.id))
        world.clock.now += 2 * HOLD
        world.sweep()
        assert world.now(booking).status == "confirmed"
        come_to_rest(world)
        assert refunds(world) == []


class TestPaidTwice:
    def test_the_second_call_gets_the_first_answer(self, world: World) -> None:
        booking = held(world)
        first, second = (world.pay(booking, VISA, "p" * 24) for _ in range(2))
        assert first == second
        assert len(gateway_books(world)[0]) == 1

    def test_a_second_payment_is_not_begun_for_what_is_confirmed(self, world: World) -> None:
        booking = paid(world)
        with pytest.raises(AlreadyConfirmed):
            world.pay(booking)
        assert len(gateway_books(world)[0]) == 1

    def test_a_second_payment_is_refused_while_the_first_has_no_answer(self, world: World) -> None:
        booking = held(world)

        def meanwhile() -> None:
            with pytest.raises(PaymentInProgress):
                world.pay(booking)

        while_charging(world, meanwhile)
        assert world.pay(booking).booking.status == "confirmed"

    def test_a_payment_that_had_been_given_up_and_succeeds_all_the_same_goes_back(self, world: World) -> None:
        booking, secret = authenticating(world)
        pretend_never_to_have_cancelled(world)
        world.pay(booking, VISA)
        world.gateway.authenticate(secret, approve=True)
        come_to_rest(world)
        assert world.now(booking).status == "confirmed"
        assert refunds(world) == [7000]

    def test_what_went_back_once_is_not_asked_back_for_another_reason(self, world: World) -> None:
        booking, secret = authenticating(world)
        pretend_never_to_have_cancelled(world)
        world.pay(booking, VISA)
        charge = world.gateway.authenticate(secret, approve=True)
        world.work()
        assert refunds(world) == [7000]
        world.bookings.cancel("ada", booking.id)
        assert world.paying.settle_again(charge.key)
        come_to_rest(world)
        assert refunds(world) == [7000, 7000]


def pretend_never_to_have_cancelled(world: World) -> None:
    """Make a cancelled charge one that may still succeed, as when the bank answers after the gateway said that it had given up."""
    cancel = world.gateway.cancel

    def lie(charge_id: str) -> object:
        answer = cancel(charge_id)
        with closing(sqlite3.connect(world.books)) as books, books:
            books.execute("update charges set status = 'action_required' where id = ?", (charge_id,))
        return answer

    world.gateway.__dict__["cancel"] = lie


class TestPaidWhileCancelled:
    def test_by_the_guest_the_money_goes_back(self, world: World) -> None:
        booking = held(world)
        while_charging(world, lambda: world.bookings.cancel("ada", booking.id))
        with pytest.raises(BookingCancelled):
            world.pay(booking)
        come_to_rest(world)
        assert world.now(booking).status == "cancelled"
        assert refunds(world) == [7000]

    def test_by_the_host_the_money_goes_back(self, world: World) -> None:
        booking = held(world)

        def meanwhile() -> None:
            world.events.cancel(HOST, booking.event)
            world.work()

        while_charging(world, meanwhile)
        with pytest.raises(BookingCancelled):
            world.pay(booking)
        come_to_rest(world)
        assert refunds(world) == [7000]

    def test_an_authentication_after_the_cancellation_comes_to_nothing(self, world: World) -> None:
        booking, secret = authenticating(world)
        world.bookings.cancel("ada", booking.id)
        world.gateway.authenticate(secret, approve=True)
        come_to_rest(world)
        assert refunds(world) == [7000]

    def test_an_authentication_that_is_called_back_first_can_not_be_given(self, world: World) -> None:
        booking, secret = authenticating(world)
        world.bookings.cancel("ada", booking.id)
        world.work()
        with pytest.raises(Exception, match="no authentication any more"):
            world.gateway.authenticate(secret, approve=True)


class TestWebhooks:
    def test_one_may_come_before_the_answer(self, world: World) -> None:
        booking = held(world)
        while_charging(world, world.work)
        assert world.pay(booking).booking.status == "confirmed"
        come_to_rest(world)
        assert refunds(world) == []

    def test_one_that_comes_before_the_answer_of_a_dead_process_confirms_the_booking(self, world: World) -> None:
        booking = held(world)

        class Gone(BaseException): ...

        def die() -> None:
            raise Gone

        while_charging(world, die)
        with suppress(Gone):
            world.pay(booking)
        world.work()
        assert world.now(booking).status == "confirmed"

    def test_repetition_and_any_order_do_no_harm(self, world: World) -> None:
        booking, secret = authenticating(world)
        world.gateway.authenticate(secret, approve=True)
        webhooks = list(world.gateway.due_webhooks())
        for webhook in [*reversed(webhooks), *webhooks]:
            world.inbox.receive("sandbox", webhook.body, webhook.headers)
        world.work()
        assert world.now(booking).status == "confirmed"
        kinds = sorted(row["kind"] for row in world.database["gateway_notifications"].find())
        assert kinds == ["payment_intent.requires_action", "payment_intent.succeeded"]

    def test_of_other_kinds_and_other_apps_are_stored_and_do_nothing(self, world: World) -> None:
        for event, charge in (("evt_1", "ch_of_another_app"), ("evt_2", "")):
            body = f'{{"id": "{event}", "type": "unheard.of", "charge": "{charge}"}}'.encode()
            assert world.inbox.receive("sandbox", body, world.gateway.sign(body))
        come_to_rest(world)

    def test_for_another_gateway_are_not_taken(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.inbox.receive("stripe", b"{}", {})


class TestTheBrowserNeverReturns:
    def test_the_seats_go_back_and_the_charge_is_called_off(self, world: World) -> None:
        booking, _ = authenticating(world)
        come_to_rest(world)
        assert world.now(booking).status == "expired"
        (charge,) = gateway_books(world)[0].values()
        assert charge["status"] == "cancelled"
        assert world.seats.facts(booking.event).seats_left == 2

    def test_the_guest_has_the_hold_anew_to_authenticate(self, world: World) -> None:
        booking = held(world)
        world.clock.now += HOLD - timedelta(seconds=1)
        waiting = world.pay(booking, SECURE).booking
        assert waiting.expires_at == world.clock() + HOLD
        assert [hold.until for hold in world.seats.holds(booking.event)] == [waiting.expires_at]

    def test_the_guest_who_tries_again_and_again_does_not_keep_the_seats_for_ever(self, world: World) -> None:
        booking = held(world)
        for _ in range(4):
            waiting = world.pay(booking, SECURE).booking
            world.clock.now = waiting.expires_at - timedelta(seconds=1)
        assert waiting.expires_at == booking.created_at + 3 * HOLD
        world.clock.now = waiting.expires_at
        with pytest.raises(HoldExpired):
            world.pay(booking, SECURE)

    def test_a_booking_that_ended_while_the_gateway_was_asked_is_not_authenticated(self, world: World) -> None:
        booking = held(world)

        def meanwhile() -> None:
            let_it_expire(world, booking)
            world.database["bookings"].update_one({"_id": booking.id}, {"$set": {"outbox": []}})

        while_charging(world, meanwhile)
        with pytest.raises(HoldExpired):
            world.pay(booking, SECURE)
        (charge,) = gateway_books(world)[0].values()
        assert charge["status"] == "cancelled"


class TestRefundOfADispute:
    def test_is_refused_to_the_guest_and_the_booking_stays(self, world: World) -> None:
        booking = disputed(world)
        with pytest.raises(PaymentDisputed, match="your bank"):
            world.bookings.cancel("ada", booking.id)
        assert world.now(booking).status == "confirmed"
        assert refunds(world) == []

    def test_is_not_needed_to_cancel_where_nothing_would_go_back(self, world: World) -> None:
        booking = disputed(world, policy=RefundPolicy(48, 0))
        world.clock.now = booking.about["starts_at"] - timedelta(hours=1)
        assert world.bookings.cancel("ada", booking.id).status == "cancelled"
        assert refunds(world) == []

    def test_waits_where_the_host_calls_the_dinner_off_and_is_made_once_it_is_won(self, world: World) -> None:
        booking = disputed(world)
        world.events.cancel(HOST, booking.event)
        world.work()
        assert world.now(booking).status == "cancelled"
        assert refunds(world) == []
        decide(world, won=True)
        come_to_rest(world)
        assert refunds(world) == [3500]

    def test_is_made_once_it_is_won_also_where_the_seats_went_to_somebody_else(self, world: World) -> None:
        world.invite("ada", "ben", "cleo")
        booking = disputed(world)
        for user in ("ben", "cleo"):
            offered = world.transfers.offer(booking.user, booking.id, f"{user}@example.org", transfer_id=new_id())
            booking = world.transfers.accept(user, world.transfers.token(offered) or "")
        world.events.cancel(HOST, booking.event)
        world.work()
        assert world.now(booking).status == "cancelled"
        assert refunds(world) == []
        decide(world, won=True)
        assert refunds(world) == [3500]
        come_to_rest(world)

    def test_is_never_made_once_it_is_lost(self, world: World) -> None:
        booking = disputed(world)
        world.events.cancel(HOST, booking.event)
        world.work()
        decide(world, won=False)
        world.recover()
        assert refunds(world) == []
        assert world.deliveries.dead_letters(limit=1) == []

    def test_of_what_was_paid_twice_waits_too(self, world: World) -> None:
        booking, secret = authenticating(world)
        pretend_never_to_have_cancelled(world)
        world.pay(booking, VISA)
        charge = world.gateway.authenticate(secret, approve=True)
        with closing(sqlite3.connect(world.books)) as books, books:
            books.execute("insert into disputes values ('dp_1', ?, 7000, 'open', 'fraudulent', 0)", (charge.id,))
            books.execute("update webhooks set body = replace(body, 'payment_intent.succeeded', 'unheard.of')")
        world.work()
        assert refunds(world) == []
        decide(world, won=True)
        come_to_rest(world)
        assert refunds(world) == [7000]


def disputed(world: World, **options: Any) -> Booking:
    """A booking of one seat, whose payment the guest's bank has taken back."""
    booking = world.book("ada", world.host_dinner(2, **options), method="pm_card_createDispute")
    world.work()
    payment = world.payments.live(booking.id)
    assert payment is not None
    assert payment.disputed
    return booking


def decide(world: World, *, won: bool) -> None:
    with closing(sqlite3.connect(world.books)) as books:
        (dispute_id,) = books.execute("select id from disputes where status = 'open'").fetchone()
    world.gateway.settle_dispute(dispute_id, won=won)
    world.work()


class TestTheGatewayDoesNotAnswer:
    def test_and_has_charged_the_booking_is_confirmed_by_the_sweep(self, world: World) -> None:
        booking = held(world)
        while_charging(world, time_out)
        with pytest.raises(Unavailable):
            world.pay(booking)
        world.database["gateway_notifications"].delete_many({})
        forget_webhooks(world)
        world.clock.now += timedelta(seconds=31)
        world.work()
        assert world.now(booking).status == "confirmed"
        come_to_rest(world)

    def test_and_has_charged_a_repetition_finds_the_charge(self, world: World) -> None:
        booking = held(world)
        while_charging(world, time_out)
        with pytest.raises(Unavailable):
            world.pay(booking, VISA, "p" * 24)
        assert world.pay(booking, VISA, "p" * 24).booking.status == "confirmed"
        assert len(gateway_books(world)[0]) == 1

    def test_and_has_not_charged_a_repetition_charges(self, world: World) -> None:
        booking = held(world)
        world.killer.arm(2, before=True, trouble=lambda: Unavailable("no answer"))
        with pytest.raises(Unavailable):
            world.pay(booking, VISA, "p" * 24)
        assert world.killer.commands == ["payments.insert_one", "gateway.charge"]
        world.restart()
        assert world.pay(booking, VISA, "p" * 24).booking.status == "confirmed"

    def test_and_has_not_charged_a_repetition_charges_even_after_the_sweep_gave_up(self, world: World) -> None:
        booking = held(world)
        world.killer.arm(2, before=True, trouble=lambda: Unavailable("no answer"))
        with pytest.raises(Unavailable):
            world.pay(booking, VISA, "p" * 24)
        world.restart()
        world.clock.now += timedelta(seconds=61)
        world.work()
        assert world.payments.live(booking.id) is None
        assert world.pay(booking, VISA, "p" * 24).booking.status == "confirmed"
        come_to_rest(world)

    def test_and_has_not_charged_another_attempt_is_free_after_the_sweep(self, world: World) -> None:
        booking = held(world)
        world.killer.arm(2, before=True, trouble=lambda: Unavailable("no answer"))
        with pytest.raises(Unavailable):
            world.pay(booking, VISA, "p" * 24)
        world.restart()
        with pytest.raises(PaymentInProgress):
            world.pay(booking, VISA, "q" * 24)
        world.clock.now += timedelta(seconds=31)
        assert world.pay(booking, VISA, "q" * 24).booking.status == "confirmed"
        with pytest.raises(AlreadyConfirmed):
            world.pay(booking, VISA, "p" * 24)
        come_to_rest(world)


def time_out() -> None:
    raise Unavailable("no answer")


def forget_webhooks(world: World) -> None:
    with closing(sqlite3.connect(world.books)) as books, books:
        books.execute("delete from webhooks")


class TestTheGatewayChargesAnotherAmount:
    @pytest.mark.parametrize("change", ["amount = 1", "currency = 'USD'"])
    def test_nothing_is_confirmed_and_a_person_is_told(self, world: World, change: str) -> None:
        booking = held(world)

        def meanwhile() -> None:
            with closing(sqlite3.connect(world.books)) as books, books:
                books.execute(f"update charges set {change}")  # noqa: S608 - one of the two above
            time_out()

        while_charging(world, meanwhile)
        with pytest.raises(Unavailable):
            world.pay(booking, VISA, "p" * 24)
        with pytest.raises(ChargeMismatch):
            world.pay(booking, VISA, "p" * 24)
        assert world.now(booking).status == "held"
        world.clock.now += HOLD
        for _ in range(10):
            with suppress(ChargeMismatch):
                world.work()
            world.clock.now += HOLD
        assert world.now(booking).status == "expired"
        assert {letter["handler"] for letter in world.deliveries.dead_letters(limit=10)} == {"payment.look", "booking.stop_paying"}


class TestTheSameIdForTwoDinners:
    """The id comes with a form, and so from whoever sends it."""

    def test_takes_no_seats_of_the_second(self, world: World) -> None:
        first, second = world.host_dinner(2, FREE), world.host_dinner(2)
        booking = world.reserve("ada", first)
        assert world.reserve("ada", second, 2, booking.id).event == first
        assert world.seats.holds(second) == []
        come_to_rest(world)

    def test_at_the_same_moment_keeps_none_of_the_second(self, world: World) -> None:
        first, second = world.host_dinner(2, FREE), world.host_dinner(2)
        booking_id = new_id()
        world.killer.interrupt(2, lambda: world.reserve("ada", first, 1, booking_id))
        assert world.reserve("ada", second, 2, booking_id).event == first
        world.killer.disarm()
        world.clock.now += HOLD
        world.sweep()
        assert world.seats.holds(second) == []
        assert world.now(world.offer_of("ada")).status == "confirmed"
        come_to_rest(world)

    def test_is_not_called_off_with_the_second(self, world: World) -> None:
        booking, second = world.book("ada", world.host_dinner(2)), world.host_dinner(2)
        world.seats.take(replace(world.hold_for(booking, booking.hold), event=second))
        world.events.cancel(HOST, second)
        world.work()
        assert world.now(booking).status == "confirmed"
        assert refunds(world) == []
        assert world.seats.holds(second) == []
        come_to_rest(world)

    def test_gets_no_place_in_the_line_of_the_second(self, world: World) -> None:
        booking, second = world.book("ada", world.host_dinner(2)), world.host_dinner(1)
        world.reserve("ben", second)
        with pytest.raises(BookingCancelled):
            world.waitlist.join(second, "ada", 1, entry_id=booking.id)
        assert world.line(second) == []

    @pytest.mark.parametrize("at_once", [False, True])
    def test_gives_away_both_when_both_are_offered(self, world: World, *, at_once: bool) -> None:
        world.invite("ada", "ben")
        transfer, first, second = new_id(), *(world.book("ada", world.host_dinner(2)) for _ in range(2))
        offers = [world.transfers.offer("ada", one.id, "ben@example.org", transfer_id=transfer) for one in (first, second)]
        tokens = [world.transfers.token(offered) or "" for offered in offers]
        restore, at, paused = world.save(), 0, True
        while paused:
            at += 1
            restore()
            if at_once:
                world.killer.interrupt(at, lambda: world.transfers.accept("ben", tokens[0]))
            else:
                world.transfers.accept("ben", tokens[0])
            taken = world.transfers.accept("ben", tokens[1])
            paused = at_once and world.killer.paused
            if at_once and not paused:
                break
            assert (taken.event, taken.payment) == (second.event, second.payment)
            assert {booking.payment for booking in world.bookings.page("ben", limit=5)} == {first.payment, second.payment}
            come_to_rest(world)

    def test_pays_for_none_of_the_second(self, world: World) -> None:
        first, second = (world.reserve("ada", world.host_dinner(2)) for _ in range(2))
        payment = new_id()
        world.pay(first, VISA, payment)
        with pytest.raises(Conflict, match="something else"):
            world.pay(second, VISA, payment)
        assert world.now(second).status == "held"
        assert world.pay(second).booking.status == "confirmed"
        come_to_rest(world)
