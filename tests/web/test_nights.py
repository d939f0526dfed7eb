"""Who may see which tables, and what of the people there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from dinnerkit import Kit, Settings, create_app
from dinnerkit.accounts.rules import Personality, User
from dinnerkit.accounts.service import AccountService
from dinnerkit.events.rules import Format, TableSize
from dinnerkit.identity import Role
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.seatings import StoredSeating
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.testing import settings_for_tests
from dinnerkit.web.drawing import flower
from tests.conftest import with_database
from tests.web.browser import Browser
from tests.web.conftest import PRIVATE, PUBLIC, World
from tests.web.markup import faults

Browse = Callable[..., Browser]

PETALS = 5


@pytest.fixture(scope="module")
def demo_app(mongo_url: str, kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The same world, shown as the demo shows it."""
    url = with_database(mongo_url, kit.database.name)
    with Kit.open(Settings(**settings_for_tests(url, tmp_path_factory.mktemp("demo"), demo=True))) as demo:
        yield create_app(kit=demo)


def petals(html: str) -> int:
    """The petals that are drawn, but for the legend's."""
    return html.count('<path class="petal') - PETALS


def opened_night(browse: Browse, world: World, host: User, kit: Kit) -> tuple[str, Browser, StoredSeating]:
    """A night of nine guests at tables of three, and its page, opened by its host."""
    event_id = world.seated_night(host, world.people(9), table_size=TableSize(3, 3))
    seating, browser = kit.service(SeatingService).latest(event_id), browse(host)
    assert seating is not None
    browser.open(f"/nights/{event_id}")
    return event_id, browser, seating


def test_the_host_keeps_a_table_and_has_the_others_made_anew(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id, browser, before = opened_night(browse, world, host, kit)
    seatings = kit.service(SeatingService)

    browser.send("Make the other tables anew", keep="2")
    asked = seatings.latest(event_id)
    assert asked is not None
    kit.service(SeatingWork).compute(asked.id)

    after = seatings.latest(event_id)
    assert after is not None
    assert after.id != before.id
    assert {place.booking for place in before.tables[1].places} in [{place.booking for place in table.places} for table in after.tables]


def test_the_host_keeps_people_and_has_the_others_seated_anew(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id, browser, before = opened_night(browse, world, host, kit)
    assert faults(browser.html) == []
    assert browser.html.count('name="keep_guest"') == 9
    people = [table.places[0].guest_id for table in before.tables] + [before.tables[1].places[2].guest_id]

    browser.send("Make the other tables anew", keep_guest=people)
    asked = kit.database["seatings"].find_one({"event": event_id, "status": "queued"})

    assert asked is not None
    assert (asked["locked"], asked["locked_guests"]) == ([], [people[:1], [people[1], people[3]], people[2:3]])

    browser.open(f"/nights/{event_id}?seating={before.id}")
    refused = browser.send("Make the other tables anew", keep_guest=["<b>nobody</b>"])
    assert refused.status_code == 422
    assert "Not all of the guests to keep have a table in the earlier seating." in browser.text


def test_who_does_not_manage_a_night_has_nobody_s_id_in_the_page(world: World, host: User, demo_app: Flask) -> None:
    guests = world.people(6)
    event_id = world.seated_night(host, guests)
    browser = Browser(demo_app)

    browser.open(f"/nights/{event_id}")

    assert "keep_guest" not in browser.html
    assert not any(booking["_id"] in browser.html for booking in world.kit.database["bookings"].find({"event": event_id}))


def test_the_host_sees_all_tables_with_their_scores_and_reasons(browse: Browse, world: World, host: User) -> None:
    people = world.people(11, visibility=PUBLIC, languages=("en", "de"), interests=("jazz", "bread"))
    event_id = world.seated_night(host, people, table_size=TableSize(5, 6))
    browser = browse(host)

    browser.open(f"/nights/{event_id}")

    assert faults(browser.html) == []
    assert "11 guests at 2 tables." in browser.text
    assert "Tables drawn by lot from the same people would get" in browser.text
    assert browser.text.count("above chance") + browser.text.count("below chance") >= 2
    assert "Best of the night" in browser.text
    assert "Weakest of the night" in browser.text
    assert "All speak English and German." in browser.text
    assert "To talk about: bread, jazz." in browser.text
    assert "As a group, the people at this table are" in browser.text
    assert petals(browser.html) == 11 * PETALS
    assert "Name3 Surname3" in browser.text


def test_points_that_have_no_words_for_guests_have_their_rule_s_name_for_the_host(
    browse: Browse, world: World, host: User, kit: Kit
) -> None:
    event_id = world.seated_night(host, world.people(6))
    wordless = {"rule": "together_again", "text": "", "points": 12.5}
    kit.database["seatings"].update_one({"event": event_id}, {"$set": {"tables.0.reasons": [wordless]}})
    browser = browse(host)

    browser.open(f"/nights/{event_id}")

    assert "12.5 together again" in " ".join(browser.text.split())


def test_of_private_profiles_the_host_sees_the_name_alone(browse: Browse, world: World, host: User) -> None:
    event_id = world.seated_night(host, world.people(6, visibility=PRIVATE, languages=("eo",), interests=("heraldry",)))
    browser = browse(host)

    browser.open(f"/nights/{event_id}")

    assert "Name3 Surname3" in browser.text
    assert petals(browser.html) == 0
    assert "heraldry" not in browser.text
    assert "Esperanto" not in browser.text


def test_nothing_that_is_private_is_in_the_page_whatever_the_profile_says(browse: Browse, world: World, host: User) -> None:
    people = world.people(6, visibility=PUBLIC, birth_year=1971, gender="uncommon", diets=("no celery",), city="Ouagadougou")
    event_id = world.seated_night(host, people)
    browser = browse(host)

    browser.open(f"/nights/{event_id}")

    for secret in ("1971", "uncommon", "celery", "Ouagadougou", "@example.test", *people):
        assert secret not in browser.html, secret


def test_before_it_is_published_the_host_sees_it_and_nobody_else(browse: Browse, world: World, host: User, demo_app: Flask) -> None:
    event_id = world.seated_night(host, world.people(6), publish=False)

    browser = browse(host)
    assert browser.open(f"/nights/{event_id}").status_code == 200
    assert "6 guests at 1 table." in browser.text
    assert Browser(demo_app).open(f"/nights/{event_id}").status_code == 404


def test_an_admin_sees_it_too_and_another_host_does_not(browse: Browse, world: World, host: User) -> None:
    event_id = world.seated_night(host, world.people(6))

    assert browse(world.user(Role.ADMIN)).open(f"/nights/{event_id}").status_code == 200
    assert browse(world.user(Role.HOST)).open(f"/nights/{event_id}").status_code == 404


def test_strangers_and_other_guests_see_nothing(browse: Browse, world: World, host: User) -> None:
    event_id = world.seated_night(host, world.people(6))

    for user in (None, world.user()):
        browser = browse(user)
        assert browser.open(f"/nights/{event_id}").status_code == 404
        browser.open(f"/events/{event_id}")
        assert "See who sits with whom" not in browser.links


def test_a_guest_is_led_to_their_own_table_with_first_names_and_their_own_flower(browse: Browse, world: World, host: User) -> None:
    guest = world.user(name="Gale Guest")
    known = Personality(answers={"E1": 3}, traits=dict.fromkeys(TRAITS, 0.25))
    world.kit.service(AccountService).set_personality(guest.id, known)
    event_id = world.seated_night(host, [guest.id, *world.people(5, visibility=PUBLIC, interests=("heraldry",))])
    browser = browse(guest)

    browser.open(f"/nights/{event_id}")

    assert browser.path.startswith("/bookings/")
    assert "You sit with Name0, Name1, Name2, Name3 and Name4." in browser.text
    assert "Surname" not in browser.text
    assert "heraldry" not in browser.text
    assert [petal.path for petal in flower(known.traits)] == re.findall(r'<path class="petal[^>]* d="([^"]+)"', browser.html)


def test_whom_a_guest_brings_is_called_theirs(browse: Browse, world: World, host: User) -> None:
    guest = world.user()
    event_id = world.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"))
    world.booked(guest.id, event_id, 2)
    for person in world.people(3):
        world.booked(person, event_id)
    world.seat(host, event_id)
    browser = browse(guest)

    browser.open(f"/nights/{event_id}")
    assert "your guest" in browser.text
    host_sees = browse(host)
    host_sees.open(f"/nights/{event_id}")
    assert "Guest of Robin Guest" in host_sees.text
    assert ">with Robin</text>" in host_sees.html


def test_in_the_demo_everyone_sees_every_night_and_is_led_there(world: World, host: User, demo_app: Flask) -> None:
    people = world.people(12, visibility=PRIVATE, interests=("heraldry",))
    event_id = world.seated_night(host, people, title="Demonstration dinner", table_size=TableSize(6, 6))
    browser = Browser(demo_app)

    browser.open("/")
    assert (
        browser.links[next(words for words in browser.links if "Demonstration dinner" in words and "points" in words)]
        == f"/nights/{event_id}"
    )
    browser.open(f"/events/{event_id}")
    browser.follow("See who sits with whom")

    assert "12 guests at 2 tables." in browser.text
    assert petals(browser.html) == 12 * PETALS
    assert "heraldry" in browser.text
    assert "Manage this dinner" not in browser.links
    assert faults(browser.html) == []


def test_tables_come_in_the_order_that_is_asked_for(browse: Browse, world: World, host: User) -> None:
    event_id = world.seated_night(host, world.people(18))
    browser = browse(host)

    def tables(order: str) -> list[float]:
        browser.open(f"/nights/{event_id}?order={order}")
        return [float(part.split("</strong> points,")[0].rpartition(">")[2]) for part in browser.html.split("sitting-score")[1:]]

    assert tables("best") == sorted(tables("number"), reverse=True)
    assert tables("worst") == sorted(tables("number"))
    assert tables("nonsense") == tables("number")


def test_an_event_without_tables_says_so_to_its_host(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, format=Format.MATCH_NIGHT)
    browser = browse(host)

    browser.open(f"/nights/{event_id}")

    assert (browser.answer.status_code, faults(browser.html)) == (200, [])
    assert "The tables are not made yet." in browser.text


def test_a_night_of_forty_tables_is_one_page_of_bounded_size(browse: Browse, world: World, host: User) -> None:
    event_id = world.seated_night(host, world.people(200, visibility=PUBLIC), table_size=TableSize(5, 5))
    browser = browse(host)

    browser.open(f"/nights/{event_id}")

    assert "200 guests at 40 tables." in browser.text
    assert faults(browser.html) == []
    assert len(browser.html) < 600_000
