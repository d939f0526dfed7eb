"""A finished world in figures, as the services tell them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.booking.rules import EXPECTED, STATUSES
from dinnerkit.booking.store import BookingStore
from dinnerkit.demo.plan import Plan
from dinnerkit.demo.plots import PAYING, Plot, Script
from dinnerkit.events.rules import Status
from dinnerkit.events.service import EventService
from dinnerkit.events.waitlist import Waitlist
from dinnerkit.kit import Kit
from dinnerkit.matching.seatings import StoredSeating
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.ports.urls import parse_url
from dinnerkit.settings import Settings


@dataclass(frozen=True, slots=True)
class CityFigures:
    """A city.

    Attributes:
        night: the id of its match night.
        people: who live there.
        events: what is on: its match night and dinners, without what was called off.
        seats, sold: of these; what is held for a payment or an offer counts as sold.
        taken, refunded: money paid, and what of it went back.
        tables, seated, score, chance, worst: of its match night.
        above_chance: how many of its tables are better than those drawn by lot are on the average.
    """

    name: str
    night: str
    people: int
    events: int
    seats: int
    sold: int
    taken: Money
    refunded: Money
    tables: int
    seated: int
    score: float
    chance: float
    worst: float
    above_chance: int

    @property
    def better(self) -> float:
        """Points that its tables are better than chance."""
        return self.score - self.chance


@dataclass(frozen=True, slots=True)
class WorldFigures:
    """The whole world.

    Attributes:
        cities: in the order of the plan.
        called_off: events that their hosts cancelled.
        bookings, payments: how many of each status.
        refunds: carried out.
        authenticated: bookings that are paid by 3-D Secure.
        second_try: bookings that are paid after a first card was refused.
        waited, offered, accepted, waiting: parties that joined a waiting list, were offered seats, took them, and still wait.
        mails: sent.
    """

    cities: Sequence[CityFigures]
    called_off: int
    bookings: Mapping[str, int]
    payments: Mapping[str, int]
    refunds: int
    authenticated: int
    second_try: int
    waited: int
    offered: int
    accepted: int
    waiting: int
    mails: int

    @property
    def best(self) -> CityFigures:
        """The city whose tables are furthest above chance."""
        return max(self.cities, key=lambda city: city.better)

    def mean(self, name: str) -> float:
        """The mean of a city's figure, each seated person counting alike."""
        seated = sum(city.seated for city in self.cities)
        return sum(float(getattr(city, name)) * city.seated for city in self.cities) / seated if seated else 0.0


class Count:
    """Asks the services."""

    def __init__(self, kit: Kit, plan: Plan) -> None:
        self._kit = kit
        self._plan = plan
        self._store = kit.service(BookingStore)
        self._events = {script.event.id: kit.service(EventService).event(script.event.id) for script in plan.scripts}
        self._bookings = {script.event.id: self._store.of_event(script.event.id, STATUSES) for script in plan.scripts}

    def world(self) -> WorldFigures:
        """All figures."""
        known = self._kit.service(AnalyticsService).fresh_figures()
        by_id = {booking.id: booking for bookings in self._bookings.values() for booking in bookings}
        paid = Counter(
            visit.plot
            for script in self._plan.scripts
            for visit in script.visits
            if visit.plot in PAYING and (booking := by_id.get(visit.id)) and booking.status in EXPECTED
        )
        parties = [party.id for script in self._plan.scripts for party in script.waiting]
        offers = [by_id[party] for party in parties if party in by_id and by_id[party].status != "waitlisted"]
        waitlist = self._kit.service(Waitlist)
        return WorldFigures(
            cities=[self._city(night) for night in self._plan.nights],
            called_off=sum(event.status is Status.CANCELLED for event in self._events.values()),
            bookings=known.bookings,
            payments=known.payments,
            refunds=known.refunds,
            authenticated=paid[Plot.SECURE],
            second_try=paid[Plot.DECLINED_FIRST] + paid[Plot.REFUSED],
            waited=len(parties),
            offered=len(offers),
            accepted=sum(offer.status in EXPECTED for offer in offers),
            waiting=sum(len(waitlist.waiting(script.event.id)) for script in self._plan.scripts if script.waiting),
            mails=_mails(self._kit.settings),
        )

    def _city(self, night: Script) -> CityFigures:
        city = night.event.city
        scripts = [script for script in self._plan.scripts if script.event.city is city]
        events = [event for script in scripts if (event := self._events[script.event.id]).status is not Status.CANCELLED]
        bookings = [booking for script in scripts for booking in self._bookings[script.event.id]]
        seating = self._kit.service(SeatingService).published(night.event.id)
        return CityFigures(
            name=city.name,
            night=night.event.id,
            people=sum(account.profile.city == city.name for account in self._plan.accounts),
            events=len(events),
            seats=sum(event.details.seats for event in events),
            sold=sum(event.sold for event in events),
            taken=_sum((booking.amount for booking in bookings if booking.payment), city.currency),
            refunded=_sum((booking.refund for booking in bookings if booking.refund), city.currency),
            **_tables(seating),
        )


def _tables(seating: StoredSeating | None) -> dict[str, Any]:
    if seating is None or seating.chance is None or not seating.tables:
        return {"tables": 0, "seated": 0, "score": 0.0, "chance": 0.0, "worst": 0.0, "above_chance": 0}
    return {
        "tables": len(seating.tables),
        "seated": sum(len(table.places) for table in seating.tables),
        "score": seating.score,
        "chance": seating.chance,
        "worst": seating.floor,
        "above_chance": sum(table.score > seating.chance for table in seating.tables),
    }


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, start=Money(0, currency))


def _mails(settings: Settings) -> int:
    url = parse_url(settings.mail)
    return sum(1 for _ in url.path.glob("*.eml")) if url.scheme == "folder" else 0
