"""The page on which guests say how it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.clock import utcnow
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.money import Money
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]


def past_dinner(world: World, kit: Kit, host: User) -> tuple[User, User, str]:
    """Two guests of a dinner of yesterday, and the booking of the first."""
    one, other = world.user(name="Ada One"), world.user(name="Ben Other")
    event_id = world.event(host, price=Money(0, "EUR"))
    booking = world.booked(one.id, event_id)
    world.booked(other.id, event_id)
    yesterday = utcnow() - timedelta(days=1)
    kit.database["events"].update_one({"_id": event_id}, {"$set": {"starts_at": yesterday}})
    kit.database["bookings"].update_many({"event": event_id}, {"$set": {"about.starts_at": yesterday}})
    return one, other, booking


def test_a_guest_says_how_it_was_and_takes_it_back(browse: Browse, world: World, kit: Kit, host: User) -> None:
    one, other, booking = past_dinner(world, kit, host)
    said = kit.service(FeedbackService)
    browser = browse(one)
    browser.open(f"/bookings/{booking}")
    browser.follow("Tell us")
    assert "Ben" in browser.text
    assert "Other" not in browser.text
    assert faults(browser.html) == []
    [mate] = [name for name in browser.form("Send").values if name.startswith("mate-")]

    browser.send("Send", rating="4", **{mate: "never"})
    assert "Thank you." in browser.text
    assert said.bonds([one.id, other.id]).never

    browser.open(f"/bookings/{booking}/feedback")
    assert browser.form("Save").values[mate] == "never"
    browser.send("Take back what I said")
    assert "It is forgotten." in browser.text
    assert not said.bonds([one.id, other.id]).never


def test_nothing_of_it_is_shown_to_the_other_or_the_host(browse: Browse, world: World, kit: Kit, host: User) -> None:
    one, other, booking = past_dinner(world, kit, host)
    mine = kit.database["bookings"].find_one({"_id": booking}) or {}
    browser = browse(one)
    browser.open(f"/bookings/{booking}/feedback")
    [mate] = [name for name in browser.form("Send").values if name.startswith("mate-")]
    browser.send("Send", rating="1", **{mate: "never"})
    pages = [(other, "/bookings"), (other, f"/bookings/{mate.removeprefix('mate-')}/feedback"), (host, f"/hosting/{mine['event']}")]
    for user, path in pages:
        reader = browse(user)
        assert reader.open(path).status_code == 200
        assert 'value="never" checked' not in reader.html
        assert "of 5" not in reader.text, "one rating alone would say whose it is"
    assert browse(other).open(f"/bookings/{booking}/feedback").status_code == 404


def test_before_the_dinner_there_is_nothing_to_say(browse: Browse, world: World, host: User) -> None:
    guest = world.user()
    booking = world.booked(guest.id, world.event(host, price=Money(0, "EUR")))
    browser = browse(guest)
    browser.open(f"/bookings/{booking}")
    assert "Tell us" not in browser.links
    assert browser.open(f"/bookings/{booking}/feedback").status_code == 409
