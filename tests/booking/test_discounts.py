"""Vouchers for bookings that are there already: of parties that wait, of offers, and of seats that nobody has paid for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import pytest

from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.booking.discounting import DiscountService
from dinnerkit.booking.errors import AlreadyConfirmed, AlreadyDiscounted, AmountChanged, HoldExpired, NoSuchBooking
from dinnerkit.booking.rules import LIVE
from dinnerkit.booking.store import Booking
from dinnerkit.errors import DinnerkitError
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.errors import PaymentDeclined, PaymentInProgress
from dinnerkit.vouchers.errors import VoucherExpired, VoucherUnknown, VoucherUsedUp
from dinnerkit.vouchers.rules import Kind
from dinnerkit.vouchers.uses import CODE_LIMIT, VoucherUse, VoucherUses
from tests.booking.balance import books_balance, come_to_rest, money_is_safe, seats_add_up
from tests.booking.killing import Killed
from tests.booking.scenes import authenticating, held, offered, voucher
from tests.booking.snapshot import Snapshot
from tests.booking.world import DECLINED, HOLD, HOST, OFFER, PRICE, SECURE, VISA, World

CODE = "SUMMER26"


def use(world: World, booking: Booking, code: str = CODE) -> Booking:
    return world.kit.service(DiscountService).use(booking.user, booking.id, code)


def used(world: World) -> int:
    return sum(len(row["uses"]) for row in world.database["vouchers"].find())


def waiting(world: World, *users: str, code: str | None = CODE, guests: int = 1) -> tuple[str, Booking]:
    """A full dinner, for which these wait with a voucher; its id, and the booking that has all its seats."""
    event = world.host_dinner(guests)
    first = world.reserve("zoe", event, guests)
    for user in users:
        world.waitlist.join(event, user, guests, code=code)
    return event, first


class TestWaitingWithOne:
    def test_what_is_offered_costs_less_and_counts_once(self, world: World) -> None:
        voucher(world, percent=40)
        _, first = waiting(world, "ada", guests=2)
        assert (world.offer_of("ada").status, used(world)) == ("waitlisted", 0)
        world.bookings.cancel("zoe", first.id)
        world.work()
        offer = world.offer_of("ada")
        assert (offer.status, offer.amount, offer.discount, used(world)) == ("offered", Money(4200, "EUR"), Money(2800, "EUR"), 1)
        assert world.pay(offer).booking.status == "confirmed"
        come_to_rest(world)
        assert used(world) == 1

    def test_what_is_free_by_it_is_accepted(self, world: World) -> None:
        voucher(world, kind=Kind.FREE)
        _, first = waiting(world, "ada")
        world.bookings.cancel("zoe", first.id)
        world.work()
        assert world.bookings.accept("ada", world.offer_of("ada").id).status == "confirmed"
        come_to_rest(world)

    def test_an_offer_that_nobody_takes_gives_it_back(self, world: World) -> None:
        voucher(world, max_uses=1)
        _, first = waiting(world, "ada", "ben")
        world.bookings.cancel("zoe", first.id)
        world.work()
        assert (world.offer_of("ada").discount, used(world)) == (Money(350, "EUR"), 1)
        world.clock.now += OFFER
        world.work()
        assert world.offer_of("ada").status == "expired"
        assert (world.offer_of("ben").status, world.offer_of("ben").discount, used(world)) == ("offered", Money(350, "EUR"), 1)
        come_to_rest(world)

    def test_who_comes_too_late_is_offered_seats_at_their_price(self, world: World) -> None:
        voucher(world, max_uses=1)
        event, first = waiting(world, "ada", "ben")
        assert world.offer_of("ben").discount
        world.events.update(HOST, event, {"seats": 3})
        world.bookings.cancel("zoe", first.id)
        world.work()
        offers = [world.offer_of(user) for user in ("ada", "ben")]
        assert [(offer.status, offer.amount, bool(offer.voucher)) for offer in offers] == [
            ("offered", Money(3150, "EUR"), True),
            ("offered", PRICE, False),
        ]
        assert used(world) == 1
        come_to_rest(world)

    def test_one_that_has_ended_meanwhile_takes_nothing_off(self, world: World) -> None:
        voucher(world, valid_until=world.clock() + timedelta(hours=1))
        _, first = waiting(world, "ada")
        world.clock.now += timedelta(hours=2)
        world.work()
        assert world.now(first).status == "expired"
        assert (world.offer_of("ada").status, world.offer_of("ada").amount, used(world)) == ("offered", PRICE, 0)
        come_to_rest(world)

    def test_a_code_that_is_not_good_puts_nobody_in_line(self, world: World) -> None:
        event, _ = waiting(world)
        with pytest.raises(VoucherUnknown):
            world.waitlist.join(event, "ada", 1, code="NOSUCH99")
        assert world.line(event) == []

    def test_a_party_that_waits_can_change_its_mind(self, world: World) -> None:
        voucher(world, percent=10)
        voucher(world, "WINTER26", percent=50)
        waiting(world, "ada")
        assert use(world, world.offer_of("ada"), "WINTER26").amount == Money(1750, "EUR")
        assert use(world, world.offer_of("ada")).amount == Money(3150, "EUR")
        assert used(world) == 0

    def test_a_join_that_was_cut_short_and_is_repeated_has_it(self, world: World) -> None:
        voucher(world)
        event, _ = waiting(world)
        entry, last, died = new_id(), 0, True
        restore = world.save()
        while died:
            last += 1
            restore()
            world.killer.arm(last, before=True)
            with suppress(Killed):
                world.waitlist.join(event, "ada", 1, entry_id=entry, code=CODE)
            died = world.killer.struck
            world.restart()
            world.roll()
            world.waitlist.join(event, "ada", 1, entry_id=entry, code=CODE)
            assert world.offer_of("ada").discount == Money(350, "EUR")
        assert last > 2

    @pytest.mark.parametrize("before", [True, False])
    def test_an_offer_that_is_cut_short_anywhere_is_made_once_with_it(self, world: World, *, before: bool) -> None:
        voucher(world, max_uses=1)
        event, first = waiting(world, "ada")
        restore, last, died = world.save(), 0, True
        while died:
            last += 1
            restore()
            world.killer.arm(last, before=before)
            with suppress(Killed):
                world.bookings.cancel("zoe", first.id)
                world.tick()
            died = world.killer.struck
            world.restart()
            if world.now(first).status == "cancelled":
                world.recover()
                offer = world.offer_of("ada")
                assert (offer.event, offer.status, offer.discount, used(world)) == (event, "offered", Money(350, "EUR"), 1)
            come_to_rest(world)
            assert used(world) == 0
        assert last > 4

    @pytest.mark.parametrize("then", ["cancel", "use another"])
    def test_one_counted_for_an_offer_that_was_cut_short_is_free_at_once(self, world: World, then: str) -> None:
        voucher(world, max_uses=1)
        voucher(world, "WINTER26", percent=50)
        _, first = waiting(world, "ada")
        restore, last, died, counted = world.save(), 0, True, 0
        while died:
            last += 1
            restore()
            world.killer.arm(last, before=False)
            with suppress(Killed):
                world.bookings.cancel("zoe", first.id)
            died = world.killer.struck
            world.restart()
            booking = world.offer_of("ada")
            if booking.status != "waitlisted" or not used(world):
                continue
            counted += 1
            if then == "cancel":
                world.bookings.cancel("ada", booking.id)
            else:
                use(world, booking, "WINTER26")
            assert used(world) == 0
        assert counted

    def test_a_use_that_its_booking_does_not_have_ends_though_the_seats_are_kept(self, world: World) -> None:
        voucher(world)
        other = voucher(world, "WINTER26")
        booking = held(world, CODE)
        world.kit.service(VoucherUses).take(VoucherUse(other.id, booking.hold, booking.id, "ada", world.clock()))
        world.sweep()
        assert [(row["code"], len(row["uses"])) for row in world.database["vouchers"].find()] == [(CODE, 1), ("WINTER26", 0)]
        assert world.now(booking).status == "held"


class TestUsingOneForSeats:
    @pytest.mark.parametrize("scene", [held, offered(PRICE)], ids=["held", "offered"])
    def test_they_cost_less_from_then_on(self, world: World, scene: Callable[[World], Booking]) -> None:
        voucher(world, percent=10, max_uses=1)
        booking = scene(world)
        cheaper = use(world, booking)
        assert cheaper.amount + (cheaper.discount or cheaper.amount) == booking.amount
        assert use(world, booking) == cheaper
        assert used(world) == 1
        assert world.pay(cheaper).booking.status == "confirmed"
        with pytest.raises(AlreadyConfirmed):
            use(world, booking)
        come_to_rest(world)
        assert used(world) == 1

    def test_limits_hold_whoever_comes_at_once(self, world: World) -> None:
        voucher(world, max_uses=3)
        event = world.host_dinner(12)
        bookings = [world.reserve(f"guest-{number}", event) for number in range(12)]

        def attempt(booking: Booking) -> str:
            try:
                return str(use(world, booking).discount)
            except VoucherUsedUp:
                return "used up"

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(attempt, bookings))
        assert (outcomes.count("used up"), used(world)) == (9, 3)
        come_to_rest(world)
        assert used(world) == 0

    def test_no_seats_have_two(self, world: World) -> None:
        voucher(world)
        voucher(world, "WINTER26")
        booking = held(world, CODE)
        with pytest.raises(AlreadyDiscounted):
            use(world, booking, "WINTER26")
        assert used(world) == 1

    def test_not_while_a_payment_has_no_answer_and_again_when_it_failed(self, world: World) -> None:
        voucher(world)
        booking = held(world)
        world.pay(booking, SECURE)
        with pytest.raises(PaymentInProgress):
            use(world, booking)
        other = world.reserve("ben", world.host_dinner(2))
        with pytest.raises(PaymentDeclined):
            world.pay(other, DECLINED)
        assert use(world, other).discount == Money(350, "EUR")
        come_to_rest(world)

    def test_not_for_somebody_else_s_nor_after_its_time(self, world: World) -> None:
        voucher(world)
        booking = held(world)
        with pytest.raises(NoSuchBooking):
            world.kit.service(DiscountService).use("ben", booking.id, CODE)
        world.clock.now += HOLD
        with pytest.raises(HoldExpired):
            use(world, booking)
        assert used(world) == 0

    def test_nobody_finds_codes_by_guessing(self, world: World) -> None:
        booking = held(world)
        for _ in range(CODE_LIMIT.most):
            with pytest.raises(VoucherUnknown):
                use(world, booking, "GUESS123")
        with pytest.raises(TooManyAttempts):
            use(world, booking, "GUESS123")

    def test_one_that_is_over_is_refused(self, world: World) -> None:
        voucher(world, valid_until=world.clock() + timedelta(minutes=1))
        booking = held(world)
        world.clock.now += timedelta(minutes=2)
        with pytest.raises(VoucherExpired):
            use(world, booking)

    @pytest.mark.parametrize("before", [True, False])
    @pytest.mark.parametrize("repeated", [True, False])
    def test_one_that_is_cut_short_is_used_once_or_comes_back(self, world: World, *, before: bool, repeated: bool) -> None:
        voucher(world, max_uses=1)
        booking = held(world)
        restore, last, died = world.save(), 0, True
        while died:
            last += 1
            restore()
            world.killer.arm(last, before=before)
            with suppress(Killed):
                use(world, booking)
            died = world.killer.struck
            world.restart()
            if repeated:
                assert use(world, booking).discount == Money(700, "EUR")
                assert used(world) == 1
            come_to_rest(world)
            assert used(world) == 0
        assert last > 2

    def test_one_that_was_cut_short_comes_back_though_the_seats_stay(self, world: World) -> None:
        voucher(world, max_uses=1)
        booking = held(world)
        world.killer.arm(2, before=False)
        with suppress(Killed):
            use(world, booking)
        world.restart()
        assert (used(world), world.now(booking).voucher) == (1, None)
        assert world.pay(booking).booking.amount == Money(7000, "EUR")
        come_to_rest(world)
        assert (used(world), world.now(booking).status) == (0, "confirmed")


def pay(world: World, booking: Booking) -> None:
    world.paying.pay(booking.user, booking.id, VISA, payment_id="p" * 24)


def pay_securely(world: World, booking: Booking) -> None:
    world.paying.pay(booking.user, booking.id, SECURE, payment_id="s" * 24)


def cancel(world: World, booking: Booking) -> None:
    world.bookings.cancel(booking.user, booking.id)


def expire(world: World, booking: Booking) -> None:
    world.clock.now += OFFER
    world.work()


def use_it(world: World, booking: Booking) -> None:
    use(world, booking)


def use_another(world: World, booking: Booking) -> None:
    use(world, booking, "WINTER26")


def pause(world: World, booking: Booking) -> None:
    for _ in range(2):
        world.clock.now += 2 * HOLD
        world.work()


Act = Callable[[World, Booking], None]


@pytest.mark.parametrize("scene", [held, offered(PRICE)], ids=["held", "offered"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        *((use_it, other) for other in (pay, pay_securely, cancel, expire, use_it, use_another, pause)),
        *((other, use_it) for other in (pay, pay_securely, cancel)),
    ],
)
def test_whatever_happens_meanwhile_the_books_balance(world: World, scene: Callable[[World], Booking], first: Act, second: Act) -> None:
    voucher(world, max_uses=1)
    voucher(world, "WINTER26", percent=50)
    booking = scene(world)
    restore, at, paused = world.save(), 0, True
    while paused:
        at += 1
        restore()

        def meanwhile() -> None:
            with suppress(DinnerkitError):
                second(world, booking)

        world.killer.interrupt(at, meanwhile)
        with suppress(DinnerkitError):
            first(world, booking)
        paused = world.killer.paused
        there = Snapshot.of(world)
        seats_add_up(there)
        money_is_safe(there)
        world.killer.disarm()
        world.work()
        assert used(world) == (world.now(booking).status in LIVE and world.now(booking).voucher is not None)
        if world.now(booking).status == "action_required":
            live = world.payments.live(booking.id)
            assert live, "a guest is to authenticate what nobody asks for"
            assert live.money == world.now(booking).amount, "a guest is to authenticate what can only go back"
        if world.now(booking).status == "confirmed":
            paid = world.database["payments"].find_one({"_id": world.now(booking).payment})
            assert paid
            assert (paid["amount"], paid["refundable"]) == (world.now(booking).amount.amount,) * 2
        world.clock.now += OFFER
        come_to_rest(world)
    assert at > 1


def test_a_payment_of_the_old_price_goes_back_and_another_one_pays(world: World) -> None:
    voucher(world)
    booking = held(world)
    paying: Any = world.payments
    begin = paying.pay

    def meanwhile(**asked: Any) -> Any:
        use(world, booking)  # between what the payment reads and what it writes
        return begin(**asked)

    paying.pay = meanwhile
    try:
        with pytest.raises(AmountChanged):
            world.pay(booking)
    finally:
        del paying.pay
    assert world.now(booking).status == "held"
    assert world.pay(booking).booking.status == "confirmed"
    come_to_rest(world)
    assert sorted(row["refundable"] for row in world.database["payments"].find({"status": "succeeded"})) == [0, 6300]
    books_balance(world)


@pytest.mark.parametrize("died", [False, True])
def test_nobody_authenticates_a_payment_of_the_old_price(world: World, *, died: bool) -> None:
    voucher(world)
    booking = held(world)
    paying, form = cast("Any", world.payments), new_id()
    begin = paying.pay

    def meanwhile(**asked: Any) -> Any:
        use(world, booking)
        found = begin(**asked)
        if died:
            raise Killed
        return found

    paying.pay = meanwhile
    try:
        with pytest.raises(Killed if died else AmountChanged):
            world.pay(booking, SECURE, form)
    finally:
        del paying.pay
    if died:
        with pytest.raises(AmountChanged):
            world.pay(booking, SECURE, form)
    assert (world.now(booking).status, world.payments.live(booking.id)) == ("held", None)
    secret = world.pay(booking, SECURE).client_secret
    assert secret
    world.gateway.authenticate(secret, approve=True)
    world.work()
    assert world.now(booking).status == "confirmed"
    come_to_rest(world)


def test_who_has_authenticated_a_payment_of_the_old_price_can_pay_again(world: World) -> None:
    voucher(world)
    booking, secret = authenticating(world)
    world.database["bookings"].update_one({"_id": booking.id}, {"$set": {"amount": 6300}})  # as it could come about once
    world.gateway.authenticate(secret, approve=True)
    world.work()
    assert world.now(booking).status == "held"
    assert world.pay(world.now(booking)).booking.status == "confirmed"
    world.work()
    assert sorted(row["refundable"] for row in world.database["payments"].find({"status": "succeeded"})) == [0, 6300]


class TestSeatsAreOfferedMeanwhile:
    """What the guest was answered holds, though the party stopped waiting at that moment."""

    @pytest.mark.parametrize("noted", [None, "WINTER26"])
    def test_a_voucher_that_a_party_chooses_just_then_counts(self, world: World, noted: str | None) -> None:
        voucher(world, percent=50, max_uses=1)
        voucher(world, "WINTER26", max_uses=1)
        _, first = waiting(world, "ada", code=noted)
        restore, at, paused, answered = world.save(), 0, True, 0
        while paused:
            at += 1
            restore()
            chosen: list[Booking] = []

            def meanwhile(chosen: list[Booking] = chosen) -> None:
                with suppress(DinnerkitError):
                    chosen.append(use(world, world.offer_of("ada")))

            world.killer.interrupt(at, meanwhile)
            world.bookings.cancel("zoe", first.id)
            paused = world.killer.paused
            world.killer.disarm()
            world.work()
            offer = world.offer_of("ada")
            assert offer.status == "offered"
            for answer in chosen:
                answered += 1
                assert (offer.voucher, offer.amount) == (answer.voucher, Money(1750, "EUR"))
            assert used(world) == bool(offer.voucher)
            books_balance(world)
        assert answered > 2

    def test_a_voucher_that_is_named_when_joining_counts(self, world: World) -> None:
        voucher(world, percent=50, max_uses=1)
        event, first = waiting(world)
        restore, at, paused, joined = world.save(), 0, True, 0
        while paused:
            at += 1
            restore()
            world.killer.interrupt(at, lambda: world.bookings.cancel("zoe", first.id))
            with suppress(DinnerkitError):  # such as that there are seats by now
                world.waitlist.join(event, "ada", 1, code=CODE)
                joined += 1
                paused = world.killer.paused
                world.killer.disarm()
                world.work()
                assert (world.offer_of("ada").amount, bool(world.offer_of("ada").voucher)) == (Money(1750, "EUR"), True)
            books_balance(world)
        assert joined > 2
