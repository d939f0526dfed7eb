"""One dinner, from the plan to the table, by the services alone: no Flask, no server, no second process.

python dinner.py FOLDER
"""

from __future__ import annotations

import logging
import random
import sys
import time
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import structlog

from dinnerkit import Kit, Settings
from dinnerkit.accounts.rules import Personality, Profile
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.errors import DinnerkitError
from dinnerkit.events.rules import EventDetails, Format, Location, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.matching import ITEMS, score
from dinnerkit.matching.seatings import StoredSeating
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.worker import Worker, run_beside

NAMES = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jan", "Kira", "Leo"]


def make_people(kit: Kit) -> tuple[Principal, dict[str, str]]:
    """A host, and guests (id to name) who have answered the questionnaire, by dice here."""
    dice = random.Random(7)  # noqa: S311 - no secret
    accounts = kit.service(AccountService)
    people = [NewUser(email="host@example.org", name="Hera", role=Role.HOST)]
    for name in NAMES:
        answers = {item.id: dice.randint(1, 5) for item in ITEMS}
        personality = Personality(answers=answers, traits=asdict(score(answers)))
        profile = Profile(birth_year=dice.randint(1970, 2000), languages=("en",))
        people.append(NewUser(email=f"{name.lower()}@example.org", name=name, profile=profile, personality=personality))
    host, *guests = accounts.import_users(people)
    return Principal(host, Role.HOST), dict(zip(guests, NAMES, strict=True))


def publish_dinner(kit: Kit, host: Principal) -> str:
    """A match night: its guests are seated by the matching."""
    details = EventDetails(
        title="Twelve strangers and a pot of soup",
        description="Come as you are.",
        cuisine="Portuguese",
        starts_at=utcnow() + timedelta(days=7),
        timezone="Europe/Lisbon",
        city="Lisbon",
        venue=Venue("Tasca do Zé", "Rua da Rosa 1", Location(38.7139, -9.1440)),
        seats=12,
        table_size=TableSize(3, 5),
        price=Money(3500, "EUR"),
        format=Format.MATCH_NIGHT,
    )
    events = kit.service(EventService)
    event = events.create(host, details)
    events.publish(host, event["id"])
    return event["id"]


def book_and_pay(kit: Kit, guest: str, event_id: str, method: str) -> str:
    """Hold a seat, pay for it, and answer the booking's status."""
    booking = kit.service(BookingService).reserve(guest, event_id, 1, booking_id=new_id())
    paid = kit.service(PayingService).pay(guest, booking.id, method, payment_id=new_id())
    return paid.booking.status


def seat_guests(kit: Kit, host: Principal, event_id: str) -> StoredSeating:
    """Ask for tables, and wait for the background work to make them."""
    seatings = kit.service(SeatingService)
    seating_id = seatings.request(host, event_id, seating_id=new_id()).id
    deadline = time.monotonic() + 60
    while seatings.get(host, event_id, seating_id).status == "queued":
        if time.monotonic() > deadline:
            raise SystemExit("no tables after a minute")
        time.sleep(0.1)
    return seatings.publish(host, event_id, seating_id)


def main(folder: Path) -> None:
    """Tell the story on stdout; mails go to files in the folder."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = Settings.load({"data": folder, "mail": f"folder://{folder}/mails"})
    with Kit.open(settings) as kit:
        stop_working = run_beside(Worker(kit))
        try:
            host, guests = make_people(kit)
            event_id = publish_dinner(kit, host)
            first, *others = guests
            try:
                book_and_pay(kit, first, event_id, "pm_card_chargeDeclined")
            except DinnerkitError as error:
                print(f"{guests[first]}: {error.message} ({error.code}); the seat stays held for a second try")
            for guest in others:
                print(f"{guests[guest]}: {book_and_pay(kit, guest, event_id, 'pm_card_visa')}")
            seating = seat_guests(kit, host, event_id)
            print(f"score {seating.score:.0f}, {seating.chance:.0f} by chance")
            for number, table in enumerate(seating.tables, 1):
                print(f"table {number}: {', '.join(guests[place.user] for place in table.places)}")
                print(f"         {table.reasons[0][1]}")
        finally:
            stop_working()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "standalone-data"))
