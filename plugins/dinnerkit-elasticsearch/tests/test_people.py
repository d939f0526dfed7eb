"""People by who they are alike: those who agreed, and nobody else, whatever the index still knows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from dinnerkit.accounts.alike import Alike
from dinnerkit.accounts.rules import TRAITS, Personality
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.kit import Kit
from dinnerkit.ports.search import Removal
from dinnerkit.ports.search_people import PersonEntry
from dinnerkit.search.people import PeopleIndexing
from dinnerkit.settings import Settings
from dinnerkit.testing import run_background, settings_for_tests
from dinnerkit.testing.proxy import Proxy, proxy
from dinnerkit_elasticsearch.search import ElasticsearchSearch
from dinnerkit_elasticsearch.urls import parse

PATIENT = "timeout_ms=60000&refresh_ms=20"
MIDDLE = (0.5,) * 5


@pytest.fixture
def between(node: tuple[str, int]) -> Iterator[Proxy]:
    with proxy(node[1]) as opened:
        yield opened


@pytest.fixture
def search(node: tuple[str, int], prefix: str) -> Iterator[ElasticsearchSearch]:
    with closing(ElasticsearchSearch(parse(f"elasticsearch://{node[0]}:{node[1]}?{PATIENT}&prefix={prefix}"))) as opened:
        yield opened


@pytest.fixture
def kit(between: Proxy, prefix: str, database_url: str, tmp_path: Path) -> Iterator[Kit]:
    place = f"elasticsearch://127.0.0.1:{between.port}?{PATIENT}&prefix={prefix}"
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path, search=place))) as opened:
        yield opened


def person(kit: Kit, traits: tuple[float, ...], *, name: str = "Ada Lovelace", **profile: Any) -> str:
    accounts = kit.service(AccountService)
    [user] = accounts.import_users([NewUser(email=f"{random.random()}@example.org", name=name)])
    accounts.update_profile(user, {"findable": True, "visibility": "public", **profile})
    accounts.set_personality(user, Personality(answers={}, traits=dict(zip(TRAITS, traits, strict=True))))
    return user


def known(node: tuple[str, int], prefix: str) -> list[dict[str, Any]]:
    """All that the index has stored of anybody."""
    with Elasticsearch(f"http://{node[0]}:{node[1]}") as client:
        hits = client.search(index=f"{prefix}.people", size=100, ignore_unavailable=True)["hits"]["hits"]
        return [{"id": hit["_id"], **hit["_source"]} for hit in hits]


def test_the_nearest_are_found_and_nobody_who_is_too_far_away(search: ElasticsearchSearch) -> None:
    assert search.nearest_people(MIDDLE, 0.8, 10) == []
    search.put_people([PersonEntry(f"p{number}", 1, (0.5 + number / 20, *MIDDLE[1:])) for number in range(10)])
    assert search.nearest_people(MIDDLE, 0.8, 3) == ["p0", "p1", "p2"]
    assert search.nearest_people(MIDDLE, 0.18, 10) == ["p0", "p1", "p2", "p3"]
    for traits, limit in ((MIDDLE, 0), (MIDDLE, 1001), (MIDDLE[1:], 1)):
        with pytest.raises(ValueError, match="people are found"):
            search.nearest_people(traits, 0.8, limit)


def test_a_consent_that_was_taken_back_stays_so(search: ElasticsearchSearch, node: tuple[str, int], prefix: str) -> None:
    search.put_people([PersonEntry("one", 1, MIDDLE), PersonEntry("two", 1, MIDDLE)])
    search.remove_people([Removal("one", 2)])
    search.put_people([PersonEntry("one", 1, MIDDLE)])
    assert search.nearest_people(MIDDLE, 0.8, 10) == ["two"]
    assert [sorted(one) for one in known(node, prefix) if one["id"] == "one"] == [["id", "removed_at"]]
    assert not search.people_built()
    assert search.rebuild_people([PersonEntry("one", 1, MIDDLE), PersonEntry("three", 1, MIDDLE)]) == 2
    assert search.people_built()
    assert search.nearest_people(MIDDLE, 0.8, 10) == ["three"], "the rebuild had read of the one before the removal"


def test_the_index_has_the_traits_of_those_who_agreed_and_nothing_else(kit: Kit, node: tuple[str, int], prefix: str) -> None:
    agreed = person(kit, MIDDLE, name="Open One", city="Wien")
    shy = person(kit, MIDDLE, name="Shy One", findable=False)
    private = person(kit, MIDDLE, name="Private One", visibility="private")
    for _ in range(2):
        run_background(kit)
        assert [one for one in known(node, prefix) if "traits" in one] == [{"id": agreed, "traits": list(MIDDLE)}]
        kit.service(PeopleIndexing).rebuild()
    kit.service(AccountService).update_profile(agreed, {"findable": False})
    run_background(kit)
    assert all(sorted(one) == ["id", "removed_at"] for one in known(node, prefix))
    assert {one["id"] for one in known(node, prefix)} <= {agreed, shy, private}


def test_it_finds_whom_the_database_finds(kit: Kit) -> None:
    rng = random.Random(7)
    me = person(kit, MIDDLE)
    for number in range(40):
        person(kit, tuple(rng.random() for _ in TRAITS), name=f"N{number} Somebody")
    run_background(kit)
    for limit in (1, 10, 100):
        found = kit.service(Alike).nearest(me, limit)
        assert found == Alike(kit.database, kit.clock).nearest(me, limit)
    assert len(found) > 10


def test_who_has_just_taken_back_the_consent_is_not_told_of_though_the_index_knows_them(kit: Kit) -> None:
    me, other = person(kit, MIDDLE), person(kit, MIDDLE)
    run_background(kit)
    assert len(kit.service(Alike).nearest(me, 10)) == 1
    kit.service(AccountService).update_profile(other, {"visibility": "guests"})
    assert kit.service(Alike).nearest(me, 10) == []


@pytest.mark.parametrize("mode", ["refuses", "drops"])
def test_without_the_index_the_database_is_asked(kit: Kit, between: Proxy, mode: str) -> None:
    me, _ = person(kit, MIDDLE), person(kit, MIDDLE)
    run_background(kit)
    between.turn(mode)
    assert len(kit.service(Alike).nearest(me, 10)) == 1
