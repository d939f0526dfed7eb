"""Mails to guests, each written from what the documents say when it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dinnerkit.accounts.people import People, Person
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.unsubscribing import Unsubscribing
from dinnerkit.booking.calendar import BookingCalendar
from dinnerkit.booking.rules import EXPECTED, LIVE, SETTLED, UNPAID
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.transferring import TransferService
from dinnerkit.clock import Clock
from dinnerkit.events.rules import MOVING, resold_share
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.notifications.writing import MailWriter
from dinnerkit.ports.mailer import Mailer


class NotificationService:
    """Sends the mails. Each is safe to repeat: a mail has the same Message-ID whenever it says the same for the same cause."""

    def __init__(
        self,
        people: People,
        recovery: RecoveryService,
        unsubscribing: Unsubscribing,
        bookings: BookingStore,
        calendar: BookingCalendar,
        transfers: TransferService,
        seatings: SeatingService,
        feedback: FeedbackService,
        writer: MailWriter,
        mailer: Mailer,
        clock: Clock,
    ) -> None:
        self._people = people
        self._recovery = recovery
        self._unsubscribing = unsubscribing
        self._bookings = bookings
        self._calendar = calendar
        self._transfers = transfers
        self._seatings = seatings
        self._feedback = feedback
        self._writer = writer
        self._mailer = mailer
        self._clock = clock

    def about_booking(self, template: str, booking_id: str) -> None:
        """Send the mail of that name about a booking, with its calendar entry.

        Raises:
            Unavailable: it could not be handed over.
        """
        booking = self._bookings.find(booking_id)
        if booking is not None:
            self._send(template, booking.user, booking.id, calendar=self._calendar.of(booking), booking=booking)

    def booking_offered(self, booking_id: str) -> None:
        """Send the mail about offered seats, unless the guest was faster and has answered the offer already, or it is over.

        Raises:
            Unavailable: it could not be handed over.
        """
        booking = self._bookings.find(booking_id)
        if booking is not None and booking.status in UNPAID:
            self._send("booking_offered", booking.user, booking.id, booking=booking)

    def booking_moved(self, booking_id: str, was: Mapping[str, Any], change_id: str) -> None:
        """Tell a guest, or who waits, that the dinner takes place at another time or place than they know, unless that is over for them.

        Raises:
            Unavailable: it could not be handed over.
        """
        booking = self._bookings.find(booking_id)
        if booking is None or booking.status not in LIVE | {"waitlisted"}:
            return
        changed = [name for name in MOVING if was[name] != booking.about[name]]
        what = {"time" if name in {"starts_at", "timezone"} else "place" for name in changed}
        if what:
            calendar = self._calendar.of(booking) if booking.status in SETTLED else b""
            key = f"{booking.id}:{change_id}"
            self._send("booking_moved", booking.user, key, calendar=calendar, booking=booking, was=was, what=what)

    def reminder(self, booking_id: str, hours: int, starts_at: datetime) -> None:
        """Remind a guest of the dinner, if they still expect it at that time and want to be reminded.

        Raises:
            Unavailable: it could not be handed over.
        """
        booking = self._bookings.find(booking_id)
        if booking is None or booking.status not in EXPECTED or booking.about["starts_at"] != starts_at or starts_at <= self._clock():
            return
        self._send_if_wanted("reminder", booking, f"{booking.id}:{hours}:{starts_at.isoformat()}", hours=hours)

    def how_was_it(self, booking_id: str) -> None:
        """Ask a guest who was there how the dinner was, while that can be said, unless they want no reminders.

        Raises:
            Unavailable: it could not be handed over.
        """
        booking = self._bookings.find(booking_id)
        if booking is not None and self._feedback.open_to(booking):
            self._send_if_wanted("how_was_it", booking, booking.id)

    def seats_resold(self, booking_id: str, seats: int) -> None:
        """Tell who cancelled that so many of the seats are sold again, and what goes back in all.

        Raises:
            Unavailable: it could not be handed over.
        """
        booking = self._bookings.find(booking_id)
        if booking is not None and booking.refund_if_resold is not None:
            back = resold_share(booking.refund_if_resold, booking.guests, seats)
            self._send("seats_resold", booking.user, f"{booking.id}:{seats}", booking=booking, seats=seats, back=back)

    def transfer_offered(self, booking_id: str, transfer_id: str) -> None:
        """Write to the address to which seats are offered, whoever has it; nothing happens where the offer is over.

        Raises:
            Unavailable: it could not be handed over.
        """
        booking = self._bookings.find(booking_id)
        if booking is None or not booking.transfer or booking.transfer["id"] != transfer_id:
            return
        token, giver = self._transfers.token(booking), self._people.contact(booking.user)
        if token is not None:
            values = {"booking": booking, "token": token, "giver": giver.first_name if giver else "Somebody"}
            self._mailer.send(self._writer.write("transfer_offered", to=booking.transfer["email"], key=transfer_id, values=values))

    def tables_published(self, event_id: str) -> None:
        """Tell every guest of the seating in force who still comes that their table can be seen.

        Raises:
            Unavailable: a mail could not be handed over; some may have been.
        """
        seating = self._seatings.published(event_id)
        if seating is None:
            return
        people = self._seatings.people_of(seating.places)
        bookings = {booking.id: booking for booking in self._bookings.of_event(event_id, SETTLED)}
        for place in (place for table in seating.tables for place in table.places if not place.companion):
            booking, contact = bookings.get(place.booking), people.get(place.user)
            if booking is not None and contact is not None:
                self._mail("table_published", contact, f"{booking.id}:{seating.id}:{seating.published_at}", booking=booking)

    def verify_email(self, user_id: str) -> None:
        """Send the link that proves an address, if it is not proved yet.

        Raises:
            Unavailable: it could not be handed over.
        """
        token = self._recovery.verification_token(user_id)
        if token is not None:
            self._send("verify_email", user_id, token, token=token)

    def reset_password(self, user_id: str) -> None:
        """Send the link to choose a new password.

        Raises:
            Unavailable: it could not be handed over.
        """
        token = self._recovery.reset_token(user_id)
        if token is not None:
            self._send("reset_password", user_id, token, token=token)

    def password_changed(self, user_id: str, change_id: str) -> None:
        """Warn the user of a new password, in case it is not theirs.

        Raises:
            Unavailable: it could not be handed over.
        """
        self._send("password_changed", user_id, change_id)

    def refund_sent(self, user_id: str, refund_id: str, refund: Money) -> None:
        """Say that money is on its way back.

        Raises:
            Unavailable: it could not be handed over.
        """
        self._send("refund_sent", user_id, refund_id, refund=refund)

    def _send_if_wanted(self, template: str, booking: Booking, key: str, **values: Any) -> None:
        """Send what nobody needs to know, with the link by which it ends."""
        contact = self._people.contact(booking.user)
        if contact is not None and contact.reminders:
            token = self._unsubscribing.token(booking.user)
            filled = values | {"booking": booking, "token": token, "name": contact.name}
            mail = self._writer.write(template, to=contact.email, key=key, values=filled, unsubscribe=f"/unsubscribe/{token}")
            self._mailer.send(mail)

    def _send(self, template: str, user_id: str, key: str, calendar: bytes = b"", **values: Any) -> None:
        contact = self._people.contact(user_id)
        if contact is not None:
            self._mail(template, contact, key, calendar, **values)

    def _mail(self, template: str, contact: Person, key: str, calendar: bytes = b"", **values: Any) -> None:
        mail = self._writer.write(template, to=contact.email, key=key, values=values | {"name": contact.name})
        if calendar:
            # Mail programs act on an entry only if the part's type names the method that stands in it (RFC 6047, 2.4).
            method = "CANCEL" if b"METHOD:CANCEL" in calendar else "PUBLISH"
            mail.add_attachment(calendar, maintype="text", subtype="calendar", filename="dinner.ics", params={"method": method})
        self._mailer.send(mail)
