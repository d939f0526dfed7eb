"""Makes what the load test needs: guests who sign in with one password, and dinners that cost nothing.

    python prepare.py --guests 200 --dinners 20 > guests.txt

It writes into the database that DINNERKIT_DATABASE names: one that is there to be tested. The guests' addresses go to stdout.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta

from dinnerkit import Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.events.rules import EventDetails, Location, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.money import Money

CITIES = {"Lisbon": ("Europe/Lisbon", 38.7139, -9.1440), "Berlin": ("Europe/Berlin", 52.5200, 13.4050)}


def dinner(number: int, seats: int) -> EventDetails:
    """The number-th dinner: each in another week, so that a guest may book many."""
    city, (timezone, latitude, longitude) = list(CITIES.items())[number % len(CITIES)]
    return EventDetails(
        title=f"Soup and strangers, {number + 1}",
        description="Come as you are. " * 10,
        cuisine="Portuguese",
        starts_at=datetime.now(UTC) + timedelta(weeks=number + 1),
        timezone=timezone,
        city=city,
        venue=Venue("Tasca", "Rua da Rosa 1", Location(latitude, longitude)),
        seats=seats,
        table_size=TableSize(3, 6),
        price=Money(0, "EUR"),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--guests", type=int, default=200)
    parser.add_argument("--dinners", type=int, default=20)
    parser.add_argument("--seats", type=int, default=1000)
    options = parser.parse_args()
    password = os.environ["LOADTEST_PASSWORD"]
    run = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    addresses = [f"guest-{run}-{number}@loadtest.example" for number in range(options.guests)]
    with Kit.open(Settings.load()) as kit:
        accounts, events = kit.service(AccountService), kit.service(EventService)
        (host_id,) = accounts.import_users([NewUser(email=f"host-{run}@loadtest.example", name="Hera", role=Role.HOST)])
        host = Principal(host_id, Role.HOST)
        for number in range(options.dinners):
            events.publish(host, events.create(host, dinner(number, options.seats))["id"])
        for start in range(0, len(addresses), 100):
            accounts.import_users([NewUser(email=one, name="Ada", password=password) for one in addresses[start : start + 100]])
    print("\n".join(addresses))


if __name__ == "__main__":
    main()
