"""The scripts of the demo played through the services, as guests and hosts would use them.

Each step looks first at how things stand, so that a world whose making was killed is continued and not made twice.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count

from dinnerkit.booking.errors import AlreadyConfirmed, HoldExpired
from dinnerkit.booking.following import Following
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.rules import EXPECTED
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.demo.keys import Keys
from dinnerkit.demo.plots import BAD_CARDS, CARD_WITH_QUESTIONS, PAYING, Plot, Script, Visit
from dinnerkit.demo.programme import Planned
from dinnerkit.events.errors import EventIsCancelled
from dinnerkit.events.rules import Status
from dinnerkit.events.seat_errors import AlreadyBooked, AlreadyWaiting, SeatsAvailable, SoldOut
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.identity import Principal, Role
from dinnerkit.kit import Kit
from dinnerkit.payment.authentication import AuthenticationService
from dinnerkit.payment.errors import PaymentDeclined
from dinnerkit.payment.refunds import RefundService
from dinnerkit.vouchers.uses import VoucherUses


class Stage:
    """Plays scripts, each from one thread; several at a time.

    Args:
        kit: with the sandbox gateway.
        keys: what the ids of payments are made with.
        step: called before each booking; raising from it ends the play.
    """

    def __init__(self, kit: Kit, keys: Keys, step: Callable[[], None]) -> None:
        self._keys = keys
        self._step = step
        self._events = kit.service(EventService)
        self._store = kit.service(BookingStore)
        self._bookings = kit.service(BookingService)
        self._earlier_bookings = _bookings_of_a_while_ago(kit)
        self._paying = kit.service(PayingService)
        self._waitlist = kit.service(WaitingList)
        self._authentication = kit.service(AuthenticationService)

    def announce(self, event: Planned) -> None:
        """Have the host plan the event and publish it."""
        host = Principal(event.host, Role.HOST)
        if self._events.create(host, event.details, event.id)["status"] == Status.DRAFT.value:
            self._events.publish(host, event.id)

    def play(self, script: Script) -> None:
        """Let everybody book, pay, wait and cancel."""
        event = script.event
        if self._events.event(event.id).status is Status.CANCELLED:
            return
        for visit in script.visits:
            self._step()
            self._visit(event, visit)
        for party in script.waiting:
            self._step()
            self._wait(event, party)
        for visit in script.visits:
            if visit.plot is Plot.CANCELS:
                self._cancel(event, visit)
        for party in script.waiting:
            self._answer_offer(party)

    def call_off(self, event: Planned) -> None:
        """Have the host cancel the event, if it is not."""
        with suppress(EventIsCancelled):
            self._events.cancel(Principal(event.host, Role.HOST), event.id)

    def settled(self, script: Script) -> bool:
        """Whether everybody who authenticated has been confirmed, which takes a webhook."""
        asked = {booking.user for booking in self._store.of_event(script.event.id, {"action_required"})}
        return not any(visit.plot in PAYING and visit.user in asked for visit in (*script.visits, *script.waiting))

    def _visit(self, event: Planned, visit: Visit) -> None:
        if visit.plot is Plot.WALKED_AWAY:
            with suppress(HoldExpired):  # it was done before
                self._earlier_bookings.reserve(visit.user, event.id, visit.guests, booking_id=visit.id)
            return
        for attempt in count():
            try:
                booking = self._reserved(event, visit, attempt)
                if booking.status in {"held", "action_required"}:
                    self._pay(booking, visit, attempt)
            except HoldExpired:  # the world was cut short, and continued later
                continue
            return

    def _reserved(self, event: Planned, visit: Visit, attempt: int) -> Booking:
        booking_id = self._keys.again(visit.id, attempt) if attempt else visit.id
        try:
            return self._bookings.reserve(visit.user, event.id, visit.guests, booking_id=booking_id)
        except (HoldExpired, SoldOut):  # it was made by an earlier run, and is over
            booking = self._bookings.get(visit.user, booking_id)
        if booking.status == "expired":
            raise HoldExpired("the hold of an earlier run is over")
        return booking

    def _pay(self, booking: Booking, visit: Visit, attempt: int = 0) -> None:
        first, second = (self._keys.again(booking.id, 100 + 2 * attempt + turn) for turn in range(2))
        match visit.plot:
            case Plot.DECLINED_FIRST | Plot.DECLINED:
                with suppress(PaymentDeclined):
                    self._paying.pay(booking.user, booking.id, BAD_CARDS[sum(map(ord, booking.id)) % len(BAD_CARDS)], payment_id=first)
                if visit.plot is Plot.DECLINED_FIRST:
                    self._paying.pay(booking.user, booking.id, visit.card, payment_id=second)
            case Plot.SECURE | Plot.REFUSED | Plot.PONDERS:
                self._authenticate(booking, visit, first)
                if visit.plot is Plot.REFUSED:
                    self._paying.pay(booking.user, booking.id, visit.card, payment_id=second)
            case _:
                self._paying.pay(booking.user, booking.id, visit.card, payment_id=first)

    def _authenticate(self, booking: Booking, visit: Visit, payment_id: str) -> None:
        """Start a payment that asks the guest to authenticate, and answer as they do; its outcome comes by webhook."""
        try:
            result = self._paying.pay(booking.user, booking.id, CARD_WITH_QUESTIONS, payment_id=payment_id)
        except (PaymentDeclined, AlreadyConfirmed):  # answered by an earlier run
            return
        if result.client_secret and visit.plot is not Plot.PONDERS:
            self._authentication.answer(result.client_secret, approve=visit.plot is Plot.SECURE)

    def _wait(self, event: Planned, party: Visit) -> None:
        with suppress(AlreadyWaiting, AlreadyBooked, SeatsAvailable):
            if self._store.find(party.id) is None:
                self._waitlist.join(event.id, party.user, party.guests, entry_id=party.id)

    def _cancel(self, event: Planned, visit: Visit) -> None:
        for attempt in count():
            booking = self._store.find(self._keys.again(visit.id, attempt) if attempt else visit.id)
            if booking is None:
                return
            if booking.status in EXPECTED:
                self._bookings.cancel(visit.user, booking.id)
                return

    def _answer_offer(self, party: Visit) -> None:
        """Accept what the waiting list has offered, unless the party ponders."""
        booking = self._store.find(party.id)
        if booking is None or booking.status != "offered" or party.plot is Plot.PONDERS:
            return
        if booking.amount.amount:
            self._pay(booking, party)
        else:
            self._bookings.accept(party.user, party.id)


def _bookings_of_a_while_ago(kit: Kit) -> BookingService:
    """The booking service as it was when holds that were made then have just run out."""
    settings = kit.settings
    ago = timedelta(seconds=settings.hold_seconds + 60)

    def then() -> datetime:
        return kit.clock() - ago

    store, seats = BookingStore(kit.database, then), Seats(kit.database, then, settings.offer_seconds)
    uses, refunds = kit.service(VoucherUses), kit.service(RefundService)
    waiting = WaitingList(store, seats, Waitlist(kit.database, then), uses, then)
    return BookingService(store, seats, uses, refunds, waiting, Following(store, seats, then), then, settings.hold_seconds)
