"""The waiting list as guests see it: who waits has a booking, which says so.

The list itself lies in the event, and is the truth; a party's booking has the id of its entry there. What a crash leaves between the two,
:meth:`WaitingList.call_the_roll` finds.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from pymongo.errors import DuplicateKeyError

from dinnerkit.booking.applying import apply, give_back_unused
from dinnerkit.booking.errors import BookingCancelled as GivenUp
from dinnerkit.booking.making import made
from dinnerkit.booking.messages import BookingCancelled, BookingOffered
from dinnerkit.booking.rules import LIVE, OVER
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.seat_errors import AlreadyWaiting, NotWaiting
from dinnerkit.events.seat_holds import EventFacts, SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.ids import new_id
from dinnerkit.messages import Message
from dinnerkit.vouchers.errors import VoucherUsedUp
from dinnerkit.vouchers.rules import Voucher
from dinnerkit.vouchers.uses import VoucherUse, VoucherUses


class WaitingList:
    """Lets parties wait, and makes their bookings follow the event's list."""

    def __init__(self, store: BookingStore, seats: Seats, waitlist: Waitlist, uses: VoucherUses, clock: Clock) -> None:
        self._store = store
        self._uses = uses
        self._seats = seats
        self._waitlist = waitlist
        self._clock = clock

    def join(self, event_id: str, user_id: str, guests: int, *, entry_id: str | None = None, code: str | None = None) -> int:
        """Put a party at the end of the list; its position, from 1.

        ``entry_id`` is a new id, which its booking will have; the same call with the same id again finds the same place. ``code`` is of a
        voucher that is to be used for the seats, if it is still good once they are offered.

        Raises:
            Invalid, NoSuchEvent, BookingClosed, SeatsAvailable, AlreadyBooked, AlreadyWaiting, PartyTooLarge, WaitingListFull: as
                :meth:`dinnerkit.events.waitlist.Waitlist.join` says.
            VoucherUnknown, …, TooManyAttempts: as :meth:`dinnerkit.vouchers.uses.VoucherUses.look_up` says.
            BookingCancelled: a repetition, and the place was given up or the offer has passed since, or that id is of another dinner.
        """
        entry = entry_id or new_id()
        earlier = self._store.find(entry, user_id) if entry_id else None
        # Else its party would stand on the list, and could never be offered seats.
        if earlier is not None and (earlier.status in OVER or earlier.event != event_id):
            raise GivenUp("this place was given up: join again")
        hold = SeatHold(event_id, entry, entry, user_id, guests, None)
        voucher = self._look_up(code, hold) if code else None
        try:
            position = self._waitlist.join(event_id, user_id, guests, entry_id=entry)
        except AlreadyWaiting:
            place = self._waitlist.place(event_id, user_id)
            if place is None or place.entry != entry:
                raise
            position = place.position
        if not self._enrol(hold, self._seats.facts(event_id), voucher) and voucher:
            self._note(entry, user_id, voucher)
        return position

    def leave(self, event_id: str, user_id: str) -> None:
        """Take the guest's party off the list.

        Raises:
            NotWaiting: it is not there.
        """
        self.no_longer(user_id, self._waitlist.leave(event_id, user_id))

    def give_up(self, booking: Booking) -> Booking | None:
        """End a booking that waits; as it is then, or None where it waits no more."""
        with suppress(NotWaiting):
            self._waitlist.leave(booking.event, booking.user, booking.id)
        return self.no_longer(booking.user, booking.id)

    def no_longer(self, user_id: str, entry: str) -> Booking | None:
        """End the booking of an entry that its guest took off the list, by leaving or by booking; None where it does not wait."""
        ended = self._store.move_by_id(entry, user_id, ("waitlisted",), {"status": "cancelled", "cancelled_by": "guest"})
        if ended is not None and ended.voucher:  # who made it an offer may have died after counting the use
            self._uses.give_back(ended.voucher, ended.hold)
        return ended

    def position(self, booking: Booking) -> int | None:
        """Where the booking's party stands, from 1; None where it does not wait."""
        place = self._waitlist.place(booking.event, booking.user) if booking.status == "waitlisted" else None
        return place.position if place and place.entry == booking.id else None

    def positions(self, user_id: str, bookings: Collection[Booking]) -> dict[str, int]:
        """The same for all of a user's bookings that wait, by their ids."""
        waiting = [booking for booking in bookings if booking.status == "waitlisted"]
        places = self._waitlist.places({booking.event for booking in waiting}, user_id) if waiting else {}
        found = ((booking.id, places.get(booking.event)) for booking in waiting)
        return {booking_id: place.position for booking_id, place in found if place and place.entry == booking_id}

    def offer(self, hold: SeatHold) -> bool:
        """Make the booking of an offer, or of that which waited one; safe to repeat. False where the booking is over already."""
        facts = self._seats.facts(hold.event)
        told = BookingOffered(booking_id=hold.booking, event_id=hold.event, user_id=hold.user)
        while (waiting := self._store.find(hold.booking)) is None or waiting.status == "waitlisted":
            voucher = self._use_noted(waiting, hold, facts) if waiting else None
            booking = made(hold, facts, "offered", self._clock(), voucher)
            if self._store.offer(booking, told, noted=waiting.voucher) if waiting else self._insert(booking, told):
                return True
            if voucher:  # its guest chose another one meanwhile, or somebody else has made the offer
                give_back_unused(self._store, self._uses, booking, voucher)
        return waiting.status in LIVE

    def dismiss(self, event_id: str) -> None:
        """Tell those who wait that the dinner was called off; safe to repeat."""
        for booking in self._store.of_event(event_id, ("waitlisted",)):
            told = BookingCancelled(booking_id=booking.id, event_id=event_id, user_id=booking.user, by="host")
            values = {"status": "cancelled", "cancelled_by": "host", "refund": 0}
            self._store.move(booking, ("waitlisted",), values, told)

    def call_the_roll(self) -> int:
        """Make the bookings agree with the lists of their events; how many were changed.

        It finds what a crash or a race has left, the entries of old that have no booking yet, and the dinners that began.
        """
        events = set(self._store.events_waited_for()) | set(self._waitlist.events_with_a_list())
        return sum(self._call_the_roll_of(event_id) for event_id in sorted(events))

    def _call_the_roll_of(self, event_id: str) -> int:
        facts = self._seats.facts(event_id)
        if facts.status != "published":
            self.dismiss(event_id)
            return 0
        # The bookings are read first: whoever joins in between is on the list, and whoever is offered seats waits no more.
        bookings = {booking.id: booking for booking in self._store.of_event(event_id, ("waitlisted",))}
        parties = {party.entry: party for party in self._waitlist.parties(event_id)}
        # Then the holds: who is on the list no more may have been offered seats, and not been told yet.
        offered = {hold.hold for hold in self._seats.holds(event_id)}
        if facts.starts_at <= self._clock():
            over = [self._store.move(booking, ("waitlisted",), {"status": "expired"}) for booking in bookings.values()]
            return sum(booking is not None for booking in over)
        gone = [self.no_longer(bookings[entry].user, entry) for entry in bookings.keys() - parties.keys() - offered]
        new = [
            self._enrol(SeatHold(event_id, entry, entry, parties[entry].user, parties[entry].guests, None), facts)
            for entry in parties.keys() - bookings.keys()
        ]
        return sum(booking is not None for booking in gone) + sum(new)

    def _look_up(self, code: str, hold: SeatHold) -> Voucher:
        facts = self._seats.facts(hold.event)
        price = facts.price * hold.guests
        return self._uses.look_up(code, hold_id=hold.hold, user_id=hold.user, host_id=facts.host, event_id=hold.event, price=price)

    def _note(self, entry: str, user_id: str, voucher: Voucher) -> None:
        """Have a booking use a voucher that was made without: the roll was called before it was there, or it has an offer already."""
        while (booking := self._store.find(entry, user_id)) and booking.status in {"waitlisted", "offered"} and not booking.voucher:
            try:
                if apply(self._store, self._uses, booking, voucher):
                    return
            except VoucherUsedUp:  # the offer stands, as it does where a voucher that was noted is not good any more
                return

    def _use_noted(self, waiting: Booking, hold: SeatHold, facts: EventFacts) -> Voucher | None:
        """Count a use of the voucher that the waiting booking of an offer has; None where there is none, or it is not good any more."""
        voucher = self._uses.still_good(waiting.voucher, hold.event, facts.price * hold.guests) if waiting.voucher else None
        if voucher is None:
            return None
        try:
            self._uses.take(VoucherUse(voucher.id, hold.hold, hold.booking, hold.user, hold.until))
        except VoucherUsedUp:
            return None
        return voucher

    def _enrol(self, hold: SeatHold, facts: EventFacts, voucher: Voucher | None = None) -> bool:
        return self._insert(made(hold, facts, "waitlisted", self._clock(), voucher))

    def _insert(self, booking: Booking, *told: Message) -> bool:
        try:
            self._store.insert(booking, *told)
        except DuplicateKeyError:
            return False
        return True
