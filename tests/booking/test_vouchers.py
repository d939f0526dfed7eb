"""Vouchers as guests use them: how often, by whom, and what comes of the use when the booking ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.booking.discounting import DiscountService
from dinnerkit.booking.errors import HoldExpired
from dinnerkit.booking.store import Booking
from dinnerkit.errors import Conflict, DinnerkitError, Forbidden
from dinnerkit.events.seat_errors import AlreadyBooked, NoSuchEvent, SoldOut
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.errors import PaymentDeclined
from dinnerkit.vouchers.errors import (
    CodeTaken,
    NoSuchVoucher,
    VoucherExpired,
    VoucherMinimum,
    VoucherNotForThisEvent,
    VoucherUnknown,
    VoucherUsedUp,
)
from dinnerkit.vouchers.rules import Kind, Terms
from dinnerkit.vouchers.uses import CODE_LIMIT
from tests.booking.balance import books_balance, come_to_rest
from tests.booking.killing import Killed
from tests.booking.scenes import FREE, expired_with_money_on_its_way, voucher
from tests.booking.world import DECLINED, HOLD, HOST, SECURE, World

ADMIN = Principal("admin", Role.ADMIN)
OTHER_HOST = Principal("other", Role.HOST)


def used(world: World) -> int:
    rows = list(world.database["vouchers"].find())
    return sum(len(row["uses"]) for row in rows)


class TestUsing:
    def test_a_part_is_taken_off_and_the_rest_is_paid(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=33)
        booking = world.reserve("ada", event, 2, code="summer-26")
        assert (booking.status, booking.discount, booking.amount) == ("held", Money(2310, "EUR"), Money(4690, "EUR"))
        assert world.pay(booking).booking.status == "confirmed"
        come_to_rest(world)
        assert used(world) == 1

    def test_what_is_free_now_is_confirmed_at_once(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, kind=Kind.FREE)
        booking = world.reserve("ada", event, 2, code="SUMMER26")
        assert (booking.status, booking.amount, booking.discount) == ("confirmed", Money(0, "EUR"), Money(7000, "EUR"))
        come_to_rest(world)
        assert used(world) == 1

    def test_seats_that_cost_nothing_take_no_voucher_and_leave_it_to_others(self, world: World) -> None:
        event = world.host_dinner(2, FREE)
        voucher(world, percent=50)
        with pytest.raises(VoucherMinimum):
            world.reserve("ada", event, 2, code="SUMMER26")
        assert world.reserve("ada", event, 2).status == "confirmed"
        with pytest.raises(VoucherMinimum):
            world.waitlist.join(event, "ben", 1, code="SUMMER26")
        world.waitlist.join(event, "ben", 1)
        with pytest.raises(VoucherMinimum):
            world.kit.service(DiscountService).use("ben", world.offer_of("ben").id, "SUMMER26")
        come_to_rest(world)
        assert used(world) == 0

    def test_a_refund_is_of_what_was_paid(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=50)
        booking = world.pay(world.reserve("ada", event, 2, code="SUMMER26")).booking
        assert world.bookings.cancel("ada", booking.id).refund == Money(3500, "EUR")
        come_to_rest(world)

    def test_it_is_used_as_often_as_it_may_be_and_its_uses_come_back(self, world: World) -> None:
        event = world.host_dinner(6)
        voucher(world, percent=10, max_uses=2)
        first = world.reserve("ada", event, code="SUMMER26")
        second = world.pay(world.reserve("ben", event, code="SUMMER26")).booking
        with pytest.raises(VoucherUsedUp):
            world.reserve("cleo", event, code="SUMMER26")
        world.bookings.cancel("ben", second.id)
        third = world.pay(world.reserve("cleo", event, code="SUMMER26")).booking
        world.clock.now += HOLD
        world.work()
        assert (world.now(first).status, world.now(third).status, used(world)) == ("expired", "confirmed", 1)
        books_balance(world)

    def test_a_guest_uses_it_as_often_as_a_guest_may(self, world: World) -> None:
        one, other = world.host_dinner(4), world.host_dinner(4)
        voucher(world, percent=10, per_guest=1)
        world.reserve("ada", one, code="SUMMER26")
        with pytest.raises(VoucherUsedUp):
            world.reserve("ada", other, code="SUMMER26")
        assert world.reserve("ben", other, code="SUMMER26").status == "held"
        assert len(world.bookings.page("ada", limit=5)) == 1

    def test_many_at_once_use_it_no_more_often(self, world: World) -> None:
        event = world.host_dinner(40)
        voucher(world, percent=10, max_uses=5)

        def attempt(number: int) -> str:
            try:
                return world.reserve(f"guest-{number}", event, code="SUMMER26").status
            except VoucherUsedUp:
                return "used up"

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(attempt, range(24)))
        assert (outcomes.count("held"), used(world)) == (5, 5)
        come_to_rest(world)
        assert used(world) == 0

    @pytest.mark.parametrize("at", range(1, 7))
    def test_a_guest_who_books_two_dinners_at_once_uses_it_once(self, world: World, at: int) -> None:
        one, other = world.host_dinner(4), world.host_dinner(4)
        voucher(world, percent=10, per_guest=1)
        world.killer.interrupt(at, lambda: world.reserve("ada", other, code="SUMMER26"))
        with suppress(VoucherUsedUp):
            world.reserve("ada", one, code="SUMMER26")
        world.killer.disarm()
        assert used(world) == 1
        come_to_rest(world)

    def test_the_same_booking_twice_is_one_use(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=10)
        first, second = (world.reserve("ada", event, 1, "b" * 24, code="SUMMER26") for _ in range(2))
        assert (first.id, used(world)) == (second.id, 1)

    def test_a_repetition_after_the_end_says_so_and_counts_nothing(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=10)
        world.reserve("ada", event, 1, "b" * 24, code="SUMMER26")
        world.clock.now += HOLD
        with pytest.raises(HoldExpired):
            world.reserve("ada", event, 1, "b" * 24, code="SUMMER26")
        assert used(world) == 0

    def test_who_authenticates_keeps_it_meanwhile(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=10, max_uses=1)
        booking = world.reserve("ada", event, code="SUMMER26")
        world.clock.now += HOLD / 2
        secret = world.pay(booking, SECURE).client_secret
        world.clock.now += HOLD * 3 / 4
        world.work()
        with pytest.raises(VoucherUsedUp):
            world.reserve("ben", event, code="SUMMER26")
        world.gateway.authenticate(secret or "", approve=True)
        world.work()
        assert world.now(booking).status == "confirmed"
        come_to_rest(world)
        assert used(world) == 1

    def test_a_declined_card_keeps_it_too(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=10)
        booking = world.reserve("ada", event, code="SUMMER26")
        with pytest.raises(PaymentDeclined):
            world.pay(booking, DECLINED)
        assert world.pay(booking).booking.discount == Money(350, "EUR")

    @pytest.mark.parametrize("gone", [True, False])
    def test_a_payment_that_comes_late_has_it_again_if_it_is_still_there(self, world: World, *, gone: bool) -> None:
        voucher(world, percent=10, max_uses=1)
        booking, _ = expired_with_money_on_its_way(world, code="SUMMER26")
        if gone:
            world.reserve("ben", world.host_dinner(2), code="SUMMER26")
        world.work()
        assert world.now(booking).status == ("cancelled" if gone else "confirmed")
        come_to_rest(world)

    def test_the_host_who_calls_the_dinner_off_frees_it(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=10)
        world.pay(world.reserve("ada", event, code="SUMMER26"))
        world.events.cancel(HOST, event)
        come_to_rest(world)
        assert used(world) == 0

    def test_what_is_in_the_way_otherwise_counts_no_use(self, world: World) -> None:
        event = world.host_dinner(1)
        voucher(world, percent=10)
        world.reserve("ada", event)
        for user, error in (("ada", AlreadyBooked), ("ben", SoldOut)):
            with pytest.raises(error):
                world.reserve(user, event, code="SUMMER26")
        assert used(world) == 0


class TestRefusing:
    def test_another_hosts_or_events_or_an_old_or_unknown_one_is_no_good(self, world: World) -> None:
        event, other = world.host_dinner(4), world.host_dinner(4)
        voucher(world, event=other)
        voucher(world, "PAST2026", valid_until=world.clock() + timedelta(seconds=1))
        world.vouchers.make(OTHER_HOST, Terms(kind=Kind.FREE), voucher_id=new_id(), code="ELSEWHERE")
        world.clock.now += timedelta(seconds=1)
        refused = {
            "SUMMER26": VoucherNotForThisEvent,
            "PAST2026": VoucherExpired,
            "ELSEWHERE": VoucherUnknown,
            "NOTHING": VoucherUnknown,
            "$where": VoucherUnknown,
        }
        for code, error in refused.items():
            with pytest.raises(error):
                world.reserve("ada", event, code=code)
        assert world.seats.facts(event).seats_left == 4
        assert world.bookings.page("ada", limit=5) == []

    def test_all_refusals_have_the_same_shape(self, world: World) -> None:
        event, other = world.host_dinner(4), world.host_dinner(4)
        voucher(world, event=other)
        errors: list[DinnerkitError] = []
        for code in ("SUMMER26", "NOTHING"):
            with pytest.raises(Conflict) as caught:
                world.reserve("ada", event, code=code)
            errors.append(caught.value)
        assert errors[0].details == errors[1].details == {}

    def test_nobody_finds_codes_by_trying(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world)
        for number in range(CODE_LIMIT.most):
            with pytest.raises(VoucherUnknown):
                world.reserve("ada", event, code=f"GUESS{number}")
        with pytest.raises(TooManyAttempts):
            world.reserve("ada", event, code="SUMMER26")
        assert world.reserve("ben", event, code="SUMMER26").discount
        world.clock.now += CODE_LIMIT.window
        assert world.reserve("ada", event, code="SUMMER26").discount

    def test_a_user_id_is_never_taken_for_a_field(self, world: World) -> None:
        event = world.host_dinner(4)
        voucher(world, percent=10, per_guest=1)
        assert world.reserve("$max_uses", event, code="SUMMER26").status == "held"


class TestMaking:
    def test_codes_are_made_up_and_differ(self, world: World) -> None:
        codes = {world.vouchers.make(HOST, Terms(kind=Kind.FREE), voucher_id=new_id()).code for _ in range(20)}
        assert len(codes) == 20

    def test_the_same_again_is_one_and_the_same_code_is_taken(self, world: World) -> None:
        first, second = (world.vouchers.make(HOST, Terms(kind=Kind.FREE), voucher_id="v" * 24, code="Summer 26") for _ in range(2))
        assert (first.id, first.code) == (second.id, "SUMMER 26")
        with pytest.raises(CodeTaken):
            voucher(world, "summer-26")
        assert world.vouchers.make(OTHER_HOST, Terms(kind=Kind.FREE), voucher_id=new_id(), code="SUMMER26").used == 0

    def test_another_hosts_event_is_not_there_and_everybodys_is_for_admins(self, world: World) -> None:
        event = world.host_dinner(4)
        with pytest.raises(NoSuchEvent):
            world.vouchers.make(OTHER_HOST, Terms(kind=Kind.FREE, event=event), voucher_id=new_id())
        with pytest.raises(Forbidden):
            world.vouchers.make(HOST, Terms(kind=Kind.FREE), voucher_id=new_id(), everywhere=True)
        with pytest.raises(Forbidden):
            world.vouchers.make(Principal("ada"), Terms(kind=Kind.FREE), voucher_id=new_id())
        world.vouchers.make(ADMIN, Terms(kind=Kind.FREE), voucher_id=new_id(), code="EVERYBODY", everywhere=True)
        assert world.reserve("ada", event, code="everybody").status == "confirmed"

    def test_the_hosts_own_comes_before_everybodys(self, world: World) -> None:
        event = world.host_dinner(4)
        world.vouchers.make(ADMIN, Terms(kind=Kind.FREE), voucher_id=new_id(), code="SUMMER26", everywhere=True)
        voucher(world, percent=10)
        assert world.reserve("ada", event, code="SUMMER26").discount == Money(350, "EUR")

    def test_a_stopped_one_is_good_for_nobody_new(self, world: World) -> None:
        event = world.host_dinner(4)
        made = voucher(world)
        kept = world.reserve("ada", event, code="SUMMER26")
        with pytest.raises(NoSuchVoucher):
            world.vouchers.stop(OTHER_HOST, made.id)
        assert [world.vouchers.stop(HOST, made.id).stopped_at for _ in range(2)] == [world.clock()] * 2
        with pytest.raises(VoucherExpired):
            world.reserve("ben", event, code="SUMMER26")
        assert world.pay(kept).booking.discount == Money(350, "EUR")

    def test_hosts_see_their_own_and_admins_everybodys_too(self, world: World) -> None:
        voucher(world)
        world.vouchers.make(ADMIN, Terms(kind=Kind.FREE), voucher_id=new_id(), code="EVERYBODY", everywhere=True)
        seen: dict[str, Any] = {
            who.user_id: [found.code for found in world.vouchers.page(who, limit=9)] for who in (HOST, OTHER_HOST, ADMIN)
        }
        assert seen == {"host": ["SUMMER26"], "other": [], "admin": ["EVERYBODY"]}


def test_the_use_of_a_booking_that_was_never_made_comes_back(world: World) -> None:
    event = world.host_dinner(4)
    voucher(world, percent=10, max_uses=1)
    world.killer.arm(4, before=True)
    with pytest.raises(Killed):
        world.reserve("ada", event, 1, "b" * 24, code="SUMMER26")
    commands = list(world.killer.commands)
    world.restart()
    assert (commands[-2:], used(world)) == (["vouchers.update_one", "bookings.insert_one"], 1)
    world.clock.now += HOLD
    world.work()
    assert used(world) == 0
    booking: Booking = world.reserve("ben", event, code="SUMMER26")
    assert booking.discount
    come_to_rest(world)
