"""What hosts do, by forms: plan, publish, change, call off, seat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import Format, Location, RefundPolicy, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]

PLAN = {
    "title": "A long night",
    "description": "First this.\r\n\r\nThen that.",
    "cuisine": "Basque",
    "tags": "cider, fire",
    "format": "match_night",
    "starts_at": f"{utcnow().year + 1}-07-10T20:30",
    "timezone": "America/New_York",
    "city": "New York",
    "venue_name": "The Loft",
    "venue_address": "1 Long Street",
    "lat": "40,7",
    "lon": "-74",
    "seats": "20",
    "table_min": "4",
    "table_max": "5",
    "price": "35,5",
    "currency": "usd",
    "full_until_hours": "72",
    "late_percent": "50",
    "deposit": "10",
    "changes_until_hours": "5",
}


def _gap_in_new_york() -> str:
    """Half past two in the night of March in which the clocks are put forward there: the second Sunday."""
    first = datetime(utcnow().year + 1, 3, 1, tzinfo=UTC)
    sunday = first + timedelta(days=(6 - first.weekday()) % 7 + 7)
    return f"{sunday:%Y-%m-%d}T02:30"


def planned(browser: Browser) -> str:
    browser.open("/hosting")
    browser.follow("Plan a dinner")
    browser.send("Save as a draft", **PLAN)
    return browser.path.split("/")[2]


def test_a_host_plans_and_publishes_a_dinner(browse: Browse, host: User, kit: Kit) -> None:
    browser = browse(host)
    event_id = planned(browser)
    assert "Your draft is saved." in browser.text

    stranger = browse()
    assert stranger.open(f"/events/{event_id}").status_code == 404
    browser.send("Publish")

    assert "Your dinner is published." in browser.text
    assert stranger.open(f"/events/{event_id}").status_code == 200
    details = kit.service(EventService).event(event_id).details
    assert details.starts_at == datetime(utcnow().year + 1, 7, 11, 0, 30, tzinfo=UTC)
    assert (details.price, details.tags, details.description) == (Money(3550, "USD"), ("cider", "fire"), "First this.\n\nThen that.")
    assert (details.table_size, details.refund_policy) == (TableSize(4, 5), RefundPolicy(72, 50))
    assert (details.deposit, details.changes_until_hours) == (Money(1000, "USD"), 5)
    assert (details.venue.location.lat, details.venue.location.lon) == (40.7, -74.0)


@pytest.mark.parametrize(
    ("field", "typed", "named"),
    [
        ("title", " ", "title"),
        ("title", "x" * 500, "title"),
        ("seats", "many", "seats"),
        ("seats", "0", "seats"),
        ("seats", "9" * 300, "seats"),
        ("table_max", "1.5", "table_max"),
        ("price", "-1", "price"),
        ("price", "1.234", "price"),
        ("price", "NaN", "price"),
        ("price", "1e400", "price"),
        ("currency", "XYZ", "currency"),
        ("currency", "€", "currency"),
        ("starts_at", "soon", "starts_at"),
        ("starts_at", "9999-12-31T23:59", "starts_at"),
        ("starts_at", _gap_in_new_york(), "starts_at"),
        ("timezone", "Middle/Earth", "timezone"),
        ("format", "buffet", "format"),
        ("lat", "91", "lat"),
        ("lat", "inf", "lat"),
        ("lon", "east", "lon"),
        ("tags", ",".join(str(number) for number in range(50)), "tags"),
        ("late_percent", "101", "late_percent"),
    ],
)
def test_a_plan_that_makes_no_sense_is_shown_again_with_what_is_wrong(
    browse: Browse, host: User, field: str, typed: str, named: str
) -> None:
    browser = browse(host)
    browser.open("/hosting/new")

    browser.send("Save as a draft", **(PLAN | {field: typed}))

    assert browser.answer.status_code == 422
    assert f'href="#f-{named}"' in browser.html
    assert browser.form("Save as a draft").values["city"] == "New York"


def test_an_unfinished_draft_is_not_published_and_says_why(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, published=False, table_size=TableSize(5, 40))
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")

    browser.send("Publish")

    assert browser.answer.status_code == 409
    assert "The event is not ready to be public." in browser.text
    assert "A table can't have more places than the event has seats." in browser.text


def test_a_host_changes_what_may_be_changed(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    world.booked(world.user().id, event_id)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}/edit")

    browser.send("Save", price="40")
    assert browser.answer.status_code == 409
    assert "they can't be changed now" in browser.text
    browser.send("Save", price="35", title="Another name")

    assert "Saved." in browser.text
    assert kit.service(EventService).event(event_id).details.title == "Another name"


def test_saving_what_was_not_changed_changes_nothing(browse: Browse, world: World, host: User, kit: Kit) -> None:
    place = Venue("Roof", "", Location(-33.8688197, 151.2092955))
    start = utcnow() + timedelta(days=9, seconds=7)
    event_id = world.event(host, price=Money(1234, "JPY"), timezone="Asia/Kathmandu", tags=("a b", "c"), venue=place, starts_at=start)
    before = kit.service(EventService).event(event_id)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}/edit")

    browser.send("Save")

    after = kit.service(EventService).event(event_id)
    assert (after.version, after.details) == (before.version, before.details)


def test_a_change_does_not_overwrite_one_that_was_made_meanwhile(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}/edit")
    kit.service(EventService).update(Principal(host.id, Role.HOST), event_id, {"title": "Theirs"})

    browser.send("Save", title="Mine")

    assert browser.answer.status_code == 409
    assert "The event was changed meanwhile" in browser.text
    assert kit.service(EventService).event(event_id).details.title == "Theirs"


def test_calling_a_dinner_off_is_asked_about_first(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    world.booked(world.user().id, event_id)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")

    browser.follow("Call it off")
    assert "1 booking will be cancelled." in browser.text
    browser.send("Call it off")

    assert "The dinner is called off." in browser.text
    assert str(kit.service(EventService).event(event_id).status) == "cancelled"
    stranger = browse()
    stranger.open(f"/events/{event_id}")
    assert "This dinner is called off." in stranger.text


def test_the_guests_are_listed_by_name_and_what_they_don_t_eat_without(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, price=Money(0, "EUR"))
    people = world.people(3, diets=("vegan",))
    for person in reversed(people):
        world.booked(person, event_id)
    browser = browse(host)

    browser.open(f"/hosting/{event_id}")

    names = [f"Name{number} Surname{number}" for number in range(3)]
    assert sorted(names, key=browser.text.index) == names
    assert "vegan (3)" in browser.text
    assert "@example.test" not in browser.html
    assert not any(person in browser.html for person in people)


def test_a_host_has_the_guests_seated_looks_and_publishes(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"))
    guest = world.user()
    for person in (guest.id, *world.people(5)):
        world.booked(person, event_id)
    browser, guests = browse(host), browse(guest)
    browser.open(f"/hosting/{event_id}")
    assert "Seat the 6 guests who are confirmed now." in browser.text

    browser.send("Make the tables")
    assert "The tables are being made." in browser.text
    assert f'data-refresh="/hosting/{event_id}"' in browser.html
    assert '<noscript><meta http-equiv="refresh"' in browser.html
    seating = kit.service(SeatingService).latest(event_id)
    assert seating is not None
    kit.service(SeatingWork).compute(seating.id)

    browser.open(f"/hosting/{event_id}")
    assert "Look at the tables" in browser.links
    guests.follow("My bookings")
    guests.follow(next(words for words in guests.links if words.startswith("Supper")))
    assert "Your table" not in guests.text.replace("Your table is shown here", "")
    browser.send("Publish the tables")

    assert "The tables are published." in browser.text
    guests.open(guests.path)
    assert "You sit with" in guests.text


def test_a_host_compares_what_was_made_before_and_goes_back_to_it(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.seated_night(host, world.people(9), table_size=TableSize(3, 4))
    [late] = world.people(1)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    assert "Made before" not in browser.text
    world.booked(late, event_id)
    second = world.seat(host, event_id)

    browser.open(f"/hosting/{event_id}")
    assert faults(browser.html) == []
    assert "Made before" in browser.text
    assert "1 would have no place" in browser.text
    first = kit.service(SeatingService).runs(Principal(host.id, Role.HOST), event_id, limit=2)[-1]
    assert f'href="/nights/{event_id}?seating={first.id}"' in browser.html
    browser.open(f"/nights/{event_id}?seating={first.id}")
    assert "9 guests at 3 tables." in browser.text
    browser.open(f"/nights/{event_id}")
    assert "10 guests" in browser.text

    browser.open(f"/hosting/{event_id}")
    browser.send("Publish these")

    assert "The tables are published." in browser.text
    in_force = kit.service(SeatingService).published(event_id)
    assert in_force is not None
    assert (in_force.id, second != first.id) == (first.id, True)


def test_a_host_checks_guests_in_at_the_door(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, price=Money(0, "EUR"))
    guest = world.user()
    booking = world.booked(guest.id, event_id, 2)
    ticket = kit.service(CheckIn).ticket(guest.id, booking)
    browser, guests = browse(host), browse(guest)
    guests.open(f"/bookings/{booking}")
    assert f'src="/bookings/{booking}/ticket.svg"' in guests.html
    browser.open(f"/hosting/{event_id}")
    assert faults(browser.html) == []
    assert "At the door: 0 of 2 are in" in browser.text

    browser.send("Check in", ticket=ticket.lower())
    assert "its guests are in" in browser.text
    assert "At the door: 2 of 2 are in" in browser.text
    assert "Checked in" in browser.text
    again = browser.send("Check in", ticket=ticket)
    assert (again.status_code, "These guests are in already." in browser.text) == (409, True)
    false = browser.send("Check in", ticket="made up")
    assert (false.status_code, "This is not a ticket for this event." in browser.text) == (404, True)


def test_a_host_mends_the_tables_for_who_came_and_who_went(browse: Browse, world: World, host: User, kit: Kit) -> None:
    people = world.people(12)
    event_id = world.seated_night(host, people, table_size=TableSize(3, 5))
    seatings, bookings = kit.service(SeatingService), kit.service(BookingService)
    before = seatings.published(event_id)
    assert before is not None
    gone = bookings.live(people[0], event_id)
    assert gone is not None
    bookings.cancel(people[0], gone.id)
    [late] = world.people(1)
    came = world.booked(late, event_id)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    assert "Since these tables were made, 1 guest booked and 1 guest cancelled." in browser.text

    browser.send("Mend the tables")
    asked = seatings.latest(event_id)
    assert asked is not None
    kit.service(SeatingWork).compute(asked.id)

    change = seatings.compare(Principal(host.id, Role.HOST), event_id, before.id, asked.id)
    assert ([place.booking for place in change.joined], [place.booking for place in change.left]) == ([came], [gone.id])
    assert change.moved == ()
    browser.open(f"/hosting/{event_id}")
    assert "Against the published tables 0 guests would move, 1 more would sit." in browser.text  # who cancelled needs no place
    assert "Since these tables were made" not in browser.text


def test_a_seating_that_is_not_possible_says_why(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"), table_size=TableSize(5, 6))
    for person in world.people(2):
        world.booked(person, event_id)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    browser.send("Make the tables")
    seating = kit.service(SeatingService).latest(event_id)
    assert seating is not None
    kit.service(SeatingWork).compute(seating.id)

    browser.open(f"/hosting/{event_id}")

    assert "Not everybody can be seated: 2 guests can't be divided into tables of 5–6." in browser.text


def test_whom_the_rules_leave_out_is_told_by_name(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"), table_size=TableSize(3, 4))
    for person in [*world.people(3, languages=("en",)), *world.people(1, languages=("eu",))]:
        world.booked(person, event_id)
    world.seat(host, event_id, publish=False)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    assert "Not everybody can be seated: guest Name0 Surname0 shares no language with anyone." in browser.text

    browser.send("Make other tables", best_effort="on")
    asked = kit.service(SeatingService).latest(event_id)
    assert asked is not None
    kit.service(SeatingWork).compute(asked.id)

    browser.open(f"/nights/{event_id}")
    assert "Name0 Surname0 : guest Name0 Surname0 shares no language with anyone" in browser.text


def test_a_party_that_no_table_takes_is_told_by_the_name_of_who_booked(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"), table_size=TableSize(2, 3))
    for person, party in zip(world.people(2), (4, 2), strict=True):
        world.booked(person, event_id, party)
    world.seat(host, event_id, publish=False)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    assert "Not everybody can be seated: party Name0 Surname0 of 4 is larger than a table of at most 3." in browser.text


def test_what_a_table_breaks_that_was_kept_is_said(browse: Browse, world: World, host: User, kit: Kit) -> None:
    people = world.people(6)
    event_id = world.seated_night(host, people, table_size=TableSize(3, 3))
    seatings, bookings = kit.service(SeatingService), kit.service(BookingService)
    gone = bookings.live(people[0], event_id)
    assert gone is not None
    bookings.cancel(people[0], gone.id)
    browser = browse(host)
    browser.open(f"/nights/{event_id}")
    browser.send("Make the other tables anew", keep=["1", "2"])
    asked = seatings.latest(event_id)
    assert asked is not None
    kit.service(SeatingWork).compute(asked.id)

    browser.open(f"/hosting/{event_id}")

    assert "has 2 guests, not 3." in browser.text


def test_nobody_to_seat_and_nothing_to_publish_are_said(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"))
    world.booked(world.people(1)[0], event_id)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    form = browser.form("Make the tables")

    missing = browser.client.post(f"/hosting/{event_id}/publish-tables", data={"csrf": form.values["csrf"], "seating": "no-id"})

    assert missing.status_code == 404


def test_the_hosting_pages_are_for_hosts_and_each_event_for_its_own(browse: Browse, world: World, host: User, kit: Kit) -> None:
    published, draft = world.event(host), world.event(host, published=False)
    nobody, guest, other = browse(), browse(world.user()), browse(world.user(Role.HOST))
    guest.open("/")
    other.open("/hosting/new")
    tokens = {guest: guest.form("Sign out").values["csrf"], other: other.form("Sign out").values["csrf"]}

    for path in ("/hosting", "/hosting/new", f"/hosting/{published}", f"/hosting/{published}/edit"):
        assert nobody.client.get(path).location == f"/login?next={path}"
        assert guest.client.get(path).status_code == 403
    for event_id, status in ((published, 403), (draft, 404), ("nonsense", 404)):
        for verb in ("", "/edit", "/call-off"):
            assert other.client.get(f"/hosting/{event_id}{verb}").status_code == status
        for verb in ("/edit", "/publish", "/call-off", "/check-in", "/seat", "/publish-tables"):
            address = f"/hosting/{event_id}{verb}"
            assert other.client.post(address, data=PLAN | {"csrf": tokens[other]}).status_code == status
            assert guest.client.post(address, data=PLAN | {"csrf": tokens[guest]}).status_code == 403
            assert nobody.client.post(address, data=PLAN).status_code == 403
    assert guest.client.post("/hosting/new", data=PLAN | {"csrf": tokens[guest]}).status_code == 403
    assert str(kit.service(EventService).event(published).status) == "published"
    assert str(kit.service(EventService).event(draft).status) == "draft"
