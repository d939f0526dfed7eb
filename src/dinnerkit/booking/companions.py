"""Those whom guests bring: their names and diets, and a private link for each by which they tell about themselves.

The booker sees names, diets and whether somebody answered, never what. A link needs no account, is for one person and one purpose, ends
when the dinner begins, and is worth nothing once another was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dinnerkit.accounts.attempts import AttemptLimit, Attempts
from dinnerkit.accounts.errors import BadToken
from dinnerkit.accounts.people import People
from dinnerkit.accounts.rules import LONGEST_TAG, MOST_TAGS, tags
from dinnerkit.accounts.secrecy import SignedTokens
from dinnerkit.booking.errors import BookingNotConfirmed, NoSuchCompanion, TooLateToChange
from dinnerkit.booking.rules import EXPECTED, UNPAID
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore, Companion
from dinnerkit.clock import Clock
from dinnerkit.errors import Invalid
from dinnerkit.events.service import EventService
from dinnerkit.ids import new_id

LONGEST_NAME = 100
LINK_LIMIT = AttemptLimit("companion-link", 60, timedelta(hours=1))
"""Links that one user can make."""

_NAMEABLE = EXPECTED | UNPAID


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a private link shows: who is asked, by whom, and to which dinner."""

    companion: Companion
    inviter: str
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PrivateLink:
    """What a private link carries, the page that it leads to, and until when it is good."""

    token: str
    url: str
    expires_at: datetime


class CompanionService:
    """Lets guests say whom they bring, and lets those answer for themselves."""

    def __init__(
        self,
        store: BookingStore,
        bookings: BookingService,
        events: EventService,
        people: People,
        attempts: Attempts,
        tokens: SignedTokens,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._store = store
        self._bookings = bookings
        self._events = events
        self._people = people
        self._attempts = attempts
        self._tokens = tokens
        self._clock = clock
        self._url = public_url.rstrip("/")

    def name(self, user_id: str, booking_id: str, companions: Sequence[Companion]) -> Booking:
        """Say whom the user brings, in their order, in place of whoever was named before. Who keeps place and name keeps link and answers.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            BookingNotConfirmed: the booking has no seats any more, or its guests are in.
            TooLateToChange: the event's cut-off has passed.
            Invalid: more than the party has, or a name or a diet that can't be.
        """
        booking = self._open(self._bookings.get(user_id, booking_id))
        named = _checked(companions, booking.guests - 1)
        while True:
            kept = [
                replace(new, link=old.link, traits=old.traits) if old is not None and old.name == new.name else new
                for new, old in zip(named, [*booking.companions, *[None] * len(named)], strict=False)
            ]
            values = {"companions": [asdict(one) for one in kept], "companions_version": booking.companions_version + 1}
            changed = self._store.move(booking, _NAMEABLE, values, when=_as_read(booking))
            if changed is not None:
                return changed
            booking = self._open(self._bookings.get(user_id, booking_id))

    def link(self, user_id: str, booking_id: str, number: int) -> PrivateLink:
        """Make the private link of the companion of that number, from 1; earlier ones are worth nothing any more.

        Raises:
            NoSuchBooking, BookingNotConfirmed, TooLateToChange: as :meth:`name` says.
            NoSuchCompanion: nobody of that number was named.
            TooManyAttempts: too many links were made.
        """
        booking, link = self._with(number, self._bookings.get(user_id, booking_id)), new_id()
        self._attempts.count(LINK_LIMIT, user_id)
        while True:
            # A version that rises with every change: or whoever names companions at that moment, by an older one, takes the link away.
            values = {f"companions.{number - 1}.link": link, "companions_version": booking.companions_version + 1}
            if self._store.move(booking, _NAMEABLE, values, when=_as_read(booking)) is not None:
                break
            booking = self._with(number, self._bookings.get(user_id, booking_id))
        ends = booking.about["starts_at"]
        token = self._tokens.sign({"sub": booking.id, "jti": link}, now=self._clock(), expires_at=ends)
        return PrivateLink(token, f"{self._url}/companions/{token}", ends)

    def invitation(self, token: str) -> Invitation:
        """What a private link is about.

        Raises:
            BadToken: it is not valid, has expired, or another was made in its place.
        """
        booking, link = self._read(token)
        inviter = self._people.contact(booking.user)
        companion = next(one for one in booking.companions if one.link == link)
        return Invitation(companion, inviter.first_name if inviter else "A guest", booking.about)

    def answer(self, token: str, traits: Mapping[str, float]) -> None:
        """Keep the traits that follow from a companion's answers; later ones take their place.

        Raises:
            BadToken: as :meth:`invitation` says.
        """
        booking, link = self._read(token)
        if not self._store.answered(booking, link, _NAMEABLE, traits):
            raise BadToken("This link is not good any more.")

    def _read(self, token: str) -> tuple[Booking, str]:
        claims = self._tokens.read(token, now=self._clock())
        booking, link = self._store.find(str(claims["sub"])), str(claims.get("jti"))
        if booking is None or booking.status not in _NAMEABLE or all(one.link != link for one in booking.companions):
            raise BadToken("This link is not good any more.")
        return booking, link

    def _with(self, number: int, booking: Booking) -> Booking:
        if not 1 <= number <= len(self._open(booking).companions):
            raise NoSuchCompanion("you have named nobody of that number")
        return booking

    def _open(self, booking: Booking) -> Booking:
        if booking.status not in _NAMEABLE:
            raise BookingNotConfirmed(f"this booking is {booking.status.replace('_', ' ')}", booking_status=booking.status)
        if self._events.event(booking.event).details.changes_end <= self._clock():
            raise TooLateToChange("it is too late to change who comes")
        return booking


def _as_read(booking: Booking) -> dict[str, Any]:
    return {"companions_version": booking.companions_version or {"$in": [None, 0]}}


def _checked(companions: Sequence[Companion], most: int) -> list[Companion]:
    problems: dict[str, str] = {}
    if len(companions) > most:
        problems["companions"] = f"Your party has {most} besides you."
    for place, one in enumerate(companions[:most]):
        name = one.name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            problems[f"companions.{place}.name"] = f"From 1 to {LONGEST_NAME} characters, on one line."
        if len(one.diets) > MOST_TAGS or any(len(diet) > LONGEST_TAG or not diet.isprintable() for diet in one.diets):
            problems[f"companions.{place}.diets"] = f"At most {MOST_TAGS}, each of at most {LONGEST_TAG} characters."
    if problems:
        raise Invalid("that is not whom you can bring", fields=problems)
    return [Companion(" ".join(one.name.split()), tuple(diet for diet in tags(one.diets) if diet)) for one in companions]
