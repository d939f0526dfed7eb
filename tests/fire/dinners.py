"""Dinners for tests over HTTP."""

from __future__ import annotations

from datetime import timedelta

from dinnerkit.events.rules import EventDetails, Format, Location, RefundPolicy, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.kit import Kit
from dinnerkit.money import Money

HOST = Principal("host", Role.HOST)
PRICE = Money(3500, "EUR")


def host_dinner(kit: Kit, *, seats: int, price: Money = PRICE) -> str:
    """Publish a dinner in three weeks; its id."""
    details = EventDetails(
        title="Dumplings",
        description="We fold, we steam, we eat.",
        cuisine="Sichuan",
        starts_at=kit.clock() + timedelta(days=21),
        timezone="Europe/Berlin",
        city="München",
        venue=Venue("Bahnwärter Thiel", "Tumblingerstraße 45", Location(48.1228, 11.5536)),
        seats=seats,
        table_size=TableSize(1, min(6, seats)),
        price=price,
        format=Format.TABLE,
        refund_policy=RefundPolicy(48, 50),
    )
    events = kit.service(EventService)
    return events.publish(HOST, events.create(HOST, details)["id"])["id"]
