"""The plan of a world, which follows from its seed alone."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.accounts.rules import language_codes, tags
from dinnerkit.demo.keys import dice
from dinnerkit.demo.names import FAMILIES, FIRST_NAMES
from dinnerkit.demo.places import CITIES, WITHIN_REACH
from dinnerkit.demo.plan import Plan, Scale, plan
from dinnerkit.demo.plots import Deck, Plot
from dinnerkit.demo.residents import settled
from dinnerkit.demo.respondents import respondents
from dinnerkit.events.validation import check, unready
from dinnerkit.ids import is_id
from tests.demo.small import SMALL, all_visits, keys, without_time


@pytest.fixture(scope="module")
def whole() -> Plan:
    return plan(Scale(), keys())


def test_it_has_2400_people_and_twelve_cities_with_a_night_each(whole: Plan):
    assert len(whole.accounts) == 2_402
    assert len(whole.nights) == len(whole.cities) == 12
    assert all(130 <= night.event.details.seats <= 160 for night in whole.nights)
    assert len({account.email for account in whole.accounts}) == len({account.name for account in whole.accounts}) == 2_402


def test_everybody_lives_in_their_own_country_where_the_demo_has_a_city_there(whole: Plan):
    people = respondents()
    here = {"US", "GB", "IN", "DE", "CA", "AU", "SG", "IE"}
    for account, person in zip(whole.accounts, people, strict=False):
        if person.country in here:
            assert account.profile.city in WITHIN_REACH[person.country]
    crowds = Counter(account.profile.city for account in whole.accounts)
    assert min(crowds[city.name] for city in CITIES) >= 150


def test_every_country_within_reach_leads_to_cities_that_there_are():
    names = {city.name for city in CITIES}
    assert all(set(cities) <= names for cities in WITHIN_REACH.values())


def test_who_comes_from_nowhere_known_goes_where_the_fewest_are():
    people = [person for person in respondents() if person.country == ""][:24]
    assert set(Counter(city.name for city in settled(people, CITIES, dice(1, "homes"))).values()) == {2}


def test_names_follow_the_gender_that_was_told(whole: Plan):
    for account, person in zip(whole.accounts, respondents(), strict=False):
        first, family = account.name.split(" ", 1)
        assert first in FIRST_NAMES[person.gender]
        assert family in FAMILIES


def test_profiles_are_as_the_services_keep_them(whole: Plan):
    for account in whole.accounts[:-2]:
        assert language_codes(account.profile.languages) == account.profile.languages
        assert account.profile.languages[0] == "en"
        assert tags(account.profile.interests) == account.profile.interests
        assert 3 <= len(account.profile.interests) <= 5


def test_every_event_can_be_published_and_begins_in_the_evening_of_its_city(whole: Plan):
    born = keys().born
    for script in whole.scripts:
        details = script.event.details
        check(details)
        assert not unready(details, born)
        assert timedelta(hours=12) < details.starts_at - born < timedelta(days=29)
        assert 18 <= details.starts_at.astimezone(ZoneInfo(details.timezone)).hour <= 20


def test_the_ids_are_ids_each_once_and_older_than_the_world(whole: Plan):
    ids = [account.id for account in whole.accounts] + [script.event.id for script in whole.scripts]
    ids += [visit.id for _, visit in all_visits(whole)]
    assert len(set(ids)) == len(ids)
    assert all(is_id(str(one)) for one in ids)
    assert max(map(str, ids)) < keys(day=20).id("later", 10**6)


def test_the_same_seed_plans_the_same_on_another_day():
    one, other = plan(SMALL, keys()), plan(SMALL, keys(day=25))
    for ours, theirs in zip(one.scripts, other.scripts, strict=True):
        assert ours.event.details.title == theirs.event.details.title
        assert [(without_time(v.id), without_time(v.user), v.guests, v.plot, v.card) for v in ours.visits] == [
            (without_time(v.id), without_time(v.user), v.guests, v.plot, v.card) for v in theirs.visits
        ]
    assert [account.name for account in one.accounts] == [account.name for account in other.accounts]


def test_another_seed_plans_another_world():
    one, other = plan(SMALL, keys(1)), plan(SMALL, keys(2))
    assert [account.name for account in one.accounts] != [account.name for account in other.accounts]


@given(seed=st.integers(0, 2**32), people=st.integers(60, 200), cities=st.integers(1, 3), dinners=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_no_script_asks_for_more_seats_than_there_are(seed: int, people: int, cities: int, dinners: int):
    found = plan(Scale(people=people * cities, cities=cities, dinners=dinners), keys(seed))
    for script in found.scripts:
        seats = script.event.details.seats
        at_once = sum(visit.guests for visit in script.visits)
        assert at_once <= seats
        staying = sum(visit.guests for visit in script.visits if visit.plot is not Plot.WALKED_AWAY)
        assert (staying == seats) == script.event.sold_out
        assert not script.waiting or script.event.sold_out
        guests = [visit.user for visit in (*script.visits, *script.waiting)]
        assert len(set(guests)) == len(guests)
        assert script.event.host not in guests


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_a_deck_deals_its_plots_in_their_proportions(seed: int):
    deck = Deck(dice(seed, "deck"))
    first, second = (Counter(deck.deal(set(Plot)) for _ in range(100)) for _ in range(2))
    assert first == second
    assert first[Plot.PAYS] == 82
    assert set(first) == set(Plot)


def test_a_deck_keeps_what_is_not_allowed_for_later():
    deck = Deck(dice(1, "deck"))
    paying = [deck.deal({Plot.PAYS}) for _ in range(82)]
    assert set(paying) == {Plot.PAYS}
    assert Counter(deck.deal(set(Plot)) for _ in range(18))[Plot.PAYS] == 0
