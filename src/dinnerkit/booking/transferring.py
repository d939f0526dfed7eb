"""Seats given to somebody else: offered to an address, and taken by whoever proves to have it.

Three documents take part, one after the other. The event's account gives the hold to the booking that is to be (so nobody has two), and
tells of it in the same update. Then the giver's booking becomes ``transferred``: that is the moment at which it happens, or, where that
booking was cancelled or checked in meanwhile, does not. Then the new booking is made of it, with the same hold, payment, voucher and
deposit. Whatever dies in between, the message goes on from where the documents stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from dinnerkit.accounts.attempts import AttemptLimit, Attempts
from dinnerkit.accounts.errors import BadToken
from dinnerkit.accounts.people import People
from dinnerkit.accounts.rules import email_address
from dinnerkit.accounts.secrecy import SignedTokens
from dinnerkit.booking.errors import BookingNotConfirmed, NotTheRecipient, TransferClosed
from dinnerkit.booking.following import Following
from dinnerkit.booking.making import DEPOSIT_KEPT, about
from dinnerkit.booking.messages import BookingConfirmed, BookingTransferred, TransferOffered
from dinnerkit.booking.rules import EXPECTED, LIVE
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import Clock
from dinnerkit.errors import Invalid
from dinnerkit.events.rules import Status
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.ids import derived_id

OFFER_LIMIT = AttemptLimit("transfer", 10, timedelta(hours=1))
"""Offers that one user can have mailed."""

_NO_OFFER = (
    "This link leads to no offer: it may be cut short, or too old. "
    "Open it from the mail once more, or ask whoever offered you the seats to send it again."
)
"""To a guest, who knows of no token."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Seats as those see them to whom they are offered; ``giver`` is the first name of who offers them."""

    booking: Booking
    giver: str


class TransferService:
    """Lets guests give their seats to somebody else, until their event's cut-off."""

    def __init__(
        self,
        store: BookingStore,
        bookings: BookingService,
        seats: Seats,
        waiting: WaitingList,
        following: Following,
        events: EventService,
        people: People,
        attempts: Attempts,
        tokens: SignedTokens,
        clock: Clock,
    ) -> None:
        self._store = store
        self._bookings = bookings
        self._seats = seats
        self._waiting = waiting
        self._following = following
        self._events = events
        self._people = people
        self._attempts = attempts
        self._tokens = tokens
        self._clock = clock

    def offer(self, user_id: str, booking_id: str, email: str, *, transfer_id: str) -> Booking:
        """Offer the seats of the user's booking to whoever has that address; an earlier offer is over.

        The answer is the same whether or not anybody has it. ``transfer_id`` is a new id; that of their booking would follow from it,
        from this booking's and from the address: so no two bookings can be given to one, and the same call again makes the same offer.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            BookingNotConfirmed: it has no seats for good.
            TransferClosed: it is too late.
            Invalid: that is no address, or the user's own.
            TooManyAttempts: too many offers were made.
        """
        booking = self._transferable(self._bookings.get(user_id, booking_id))
        address = email_address(email)
        # With the address: who goes back to a form and mends it means another offer.
        transfer_id = derived_id(transfer_id, user_id, f"transfer/{booking.id}/{address.key}")
        if booking.transfer and booking.transfer["id"] == transfer_id:
            return booking
        me = self._people.contact(user_id)
        if me is not None and email_address(me.email).key == address.key:
            raise Invalid("these seats are yours already", fields={"email": "This is your own address."})
        self._attempts.count(OFFER_LIMIT, user_id)
        offered = {"id": transfer_id, "email": address.shown, "email_key": address.key, "at": self._clock()}
        told = TransferOffered(booking_id=booking.id, event_id=booking.event, user_id=user_id, transfer_id=transfer_id)
        return self._store.move(booking, EXPECTED, {"transfer": offered}, told) or self._transferable(self._now(booking))

    def withdraw(self, user_id: str, booking_id: str) -> Booking:
        """Take an offer back, if there is one.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
        """
        booking = self._bookings.get(user_id, booking_id)
        return self._store.move(booking, EXPECTED, {"transfer": None}) or self._now(booking)

    def token(self, booking: Booking) -> str | None:
        """What the mail about the offer carries: the right to see it, and with the address to take it; None where there is no offer."""
        ends = self._ends(booking)
        if not booking.transfer or booking.status not in EXPECTED or ends <= self._clock():
            return None
        return self._tokens.sign({"sub": booking.id, "jti": booking.transfer["id"]}, now=self._clock(), expires_at=ends)

    def offered(self, token: str) -> Offered:
        """The seats that a token is about.

        Raises:
            BadToken: it is not valid, or the offer was taken back.
            TransferClosed: the seats can't be had any more.
        """
        booking, transfer_id = self._read(token)
        if not booking.transfer or booking.transfer["id"] != transfer_id:
            raise BadToken("This offer was taken back.")
        self._transferable(booking)
        giver = self._people.contact(booking.user)
        return Offered(booking, giver.first_name if giver else "A guest")

    def accept(self, user_id: str, token: str) -> Booking:
        """Take the seats that were offered to the user's address; a second call answers the same.

        Raises:
            BadToken: the token is not valid, or the offer was taken back.
            NotTheRecipient: they are offered to another address.
            TransferClosed, BookingClosed, BookingNotConfirmed: they can't be had any more.
            AlreadyBooked: the user has a booking for that event.
        """
        booking, transfer_id = self._read(token)
        if booking.transferred_to != transfer_id:
            booking = self.offered(token).booking
            person = self._people.contact(user_id)
            if person is None or not booking.transfer or email_address(person.email).key != booking.transfer["email_key"]:
                raise NotTheRecipient("these seats are offered to somebody with another e-mail address")
            self._bookings.settle(booking)
            waited = self._seats.pass_on(_hold_of(booking), transfer_id, user_id)
            if waited:
                self._waiting.no_longer(user_id, waited)
            self.finish(booking.id, transfer_id, user_id)
        elif any((hold.booking, hold.user) == (transfer_id, user_id) for hold in self._seats.holds(booking.event)):
            self.finish(booking.id, transfer_id, user_id)  # it was killed before the new booking was made
        taken = self._store.find(transfer_id, user_id)
        if taken is None:
            raise TransferClosed("these seats can't be had any more")
        return taken

    def finish(self, giver_id: str, booking_id: str, user_id: str) -> None:
        """Make the booking for a hold that was passed on, of the giver's; safe to repeat. Where that is over or came, it is undone."""
        giver = self._store.find(giver_id)
        if giver is None:
            return
        told = BookingTransferred(
            booking_id=giver.id, event_id=giver.event, user_id=giver.user, to_booking_id=booking_id, to_user_id=user_id
        )
        values = {"status": "transferred", "transferred_to": booking_id, "transfer": None}
        giver = self._store.move(giver, EXPECTED, values, told) or self._now(giver)
        if giver.transferred_to == booking_id:
            self._make(giver, booking_id, user_id)
        elif giver.status in LIVE:
            self._seats.take_back(_hold_of(giver), booking_id)
        elif giver.status != "transferred":  # else they are the other's
            self._bookings.give_up(replace(_hold_of(giver), booking=booking_id), giver)

    def _make(self, giver: Booking, booking_id: str, user_id: str) -> None:
        # Whom the giver wanted to bring is not told: the new guest brings others. And what the giver's booking says of the dinner may be
        # old: once it is over, it follows no more.
        now, facts = self._clock(), self._seats.facts(giver.event)
        booked_at = giver.booked_at or giver.created_at
        booking = replace(
            giver,
            about=about(facts),
            deposit_due_at=facts.starts_at + DEPOSIT_KEPT if giver.deposit_due_at else None,
            booked_at=booked_at,
            free_until=facts.free_until if facts.moved_since(booked_at, now) else None,
            companions=(),
            companions_version=0,
            id=booking_id,
            user=user_id,
            status="confirmed",
            transferred_from=giver.id,
            transferred_to=None,
            created_at=now,
        )
        try:
            self._store.insert(booking, BookingConfirmed(booking_id=booking.id, event_id=booking.event, user_id=user_id))
        except DuplicateKeyError:
            booking = self._now(booking)  # who made it may have died before it caught up
        self._following.catch_up(booking)

    def _read(self, token: str) -> tuple[Booking, str]:
        try:
            claims = self._tokens.read(token, now=self._clock())
        except BadToken as error:
            raise BadToken(_NO_OFFER) from error
        booking = self._store.find(str(claims["sub"]))
        if booking is None:
            raise BadToken(_NO_OFFER)
        return booking, str(claims.get("jti"))

    def _transferable(self, booking: Booking) -> Booking:
        if booking.status not in EXPECTED:
            raise BookingNotConfirmed(f"this booking is {booking.status.replace('_', ' ')}", booking_status=booking.status)
        if self._ends(booking) <= self._clock():
            raise TransferClosed("it is too late to give these seats to somebody else")
        return booking

    def _ends(self, booking: Booking) -> datetime:
        event = self._events.event(booking.event)
        return event.details.changes_end if event.status is Status.PUBLISHED else event.details.starts_at - timedelta(days=36_500)

    def _now(self, booking: Booking) -> Booking:
        return self._store.find(booking.id) or booking


def _hold_of(booking: Booking) -> SeatHold:
    return SeatHold(booking.event, booking.hold, booking.id, booking.user, booking.guests, None)
