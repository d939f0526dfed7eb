"""What a booking and the list of events cost the server's CPU, beside the two writes and one read that the bare driver needs for them."""

from __future__ import annotations

import logging
from datetime import timedelta
from tempfile import TemporaryDirectory

import structlog
from flask import Flask
from measuring import cpu_micros, report

from dinnerkit import Dinnerkit, Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import EventDetails, Location, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.money import Money

REPEAT = 300
BOOKINGS_AN_EVENT = 20


def publish_events(kit: Kit, count: int, price: int = 3500, seats: int = 100) -> list[str]:
    """Published events, by id; the price in cents."""
    (user_id,) = kit.service(AccountService).import_users([NewUser(email="host@example.org", name="Hera", role=Role.HOST)])
    host, events = Principal(user_id, Role.HOST), kit.service(EventService)
    details = EventDetails(
        title="Soup and strangers",
        description="Come as you are. " * 10,
        cuisine="Portuguese",
        starts_at=utcnow() + timedelta(days=7),
        timezone="Europe/Lisbon",
        city="Lisbon",
        venue=Venue("Tasca do Zé", "Rua da Rosa 1", Location(38.7139, -9.1440)),
        seats=seats,
        table_size=TableSize(3, 6),
        price=Money(price, "EUR"),
    )
    ids = [events.create(host, details)["id"] for _ in range(count)]
    for event_id in ids:
        events.publish(host, event_id)
    return ids


def measure(kit: Kit) -> dict[str, float]:
    """CPU microseconds, by what is done."""
    events = publish_events(kit, 3 * (REPEAT // BOOKINGS_AN_EVENT + 3))
    app = Flask("bench")
    Dinnerkit(app, kit=kit, user_resolver=lambda request: Principal(request.headers["X-User"]) if "X-User" in request.headers else None)
    client, bookings, database = app.test_client(), kit.service(BookingService), kit.database

    def by_driver(number: int) -> None:
        database["bench_events"].update_one({"_id": "e", "seats_left": {"$gte": 1}}, {"$inc": {"seats_left": -1}}, upsert=not number)
        database["bench_bookings"].insert_one({"_id": new_id(), "event": "e", "user": "u", "guests": 1, "status": "held"})

    def by_service(number: int) -> None:
        bookings.reserve(f"service-{number}", events[number // BOOKINGS_AN_EVENT], 1, booking_id=new_id())

    def by_api(number: int) -> None:
        body = {"event_id": events[-1 - number // BOOKINGS_AN_EVENT], "guests": 1}
        answer = client.post("/v1/bookings", json=body, headers={"X-User": f"api-{number}"})
        if answer.status_code != 201:
            raise RuntimeError(answer.text)

    def listed(_: int) -> None:
        client.get("/v1/events?city=Lisbon&limit=20").get_data()

    return {
        "two writes by the driver": cpu_micros(by_driver, REPEAT),
        "BookingService.reserve": cpu_micros(by_service, REPEAT),
        "POST /v1/bookings": cpu_micros(by_api, REPEAT),
        "GET /v1/events, 20 of them": cpu_micros(listed, REPEAT),
        "GET /health/live": cpu_micros(lambda _: client.get("/health/live").get_data(), REPEAT),
    }


def main() -> None:
    """Measure on an embedded database in a folder that is removed afterwards."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = Settings.load({"data": folder, "mail": f"folder://{folder}/mails", "rate_limit": "off"}, environ={})
        with Kit.open(settings) as kit:
            rows = measure(kit)
    report("Booking: CPU of the process, werkzeug's test client included", rows, "µs")


if __name__ == "__main__":
    main()
