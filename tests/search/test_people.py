"""People by who they are alike: of those who agreed, and nobody else."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from math import sqrt
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.accounts import alike
from dinnerkit.accounts.alike import COMPARED_FOR, STEPS, TRAITS, Alike
from dinnerkit.accounts.rules import Personality
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.clock import utcnow
from tests.fire.serving import bearer_tokens

Person = Callable[..., str]


@pytest.fixture
def person(kit: Kit) -> Person:
    """Somebody with such traits."""
    kit.database["users"].delete_many({"email": {"$regex": "^alike"}})
    kit.database["addresses"].delete_many({"_id": {"$regex": "^alike"}})

    def make(traits: list[float] | None, *, visibility: str = "public", findable: bool = True, name: str = "Ada Lovelace") -> str:
        email = f"alike{kit.database['users'].count_documents({})}@example.org"
        [user] = kit.service(AccountService).import_users([NewUser(email=email, name=name)])
        told: dict[str, Any] = {"profile.visibility": visibility, "profile.findable": findable, "profile.city": "Wien"}
        if traits is not None:
            told["personality"] = {"answers": {}, "traits": dict(zip(TRAITS, traits, strict=True))}
        kit.database["users"].update_one({"_id": user}, {"$set": told})
        return user

    return make


def test_the_most_alike_come_first_as_when_all_are_compared(kit: Kit, person: Person) -> None:
    rng = random.Random(7)
    everyone = [[rng.random() for _ in TRAITS] for _ in range(60)]
    me = [0.5] * 5
    user = person(me)
    for number, traits in enumerate(everyone):
        person(traits, name=f"N{number} Somebody")
    ways = [sqrt(sum((a - b) ** 2 for a, b in zip(me, traits, strict=True))) for traits in everyone]
    far = sorted((way, f"N{number}") for number, way in enumerate(ways) if way <= 0.8)
    assert 10 < len(far) < len(everyone)
    for limit in (1, 10, 60, 100):
        found = kit.service(Alike).nearest(user, limit)
        assert [one["name"] for one in found] == [name for _, name in far[:limit]]
    told = [next(step for step in STEPS if 1 - way / sqrt(5) >= step) for way, _ in far]
    assert [one["similarity"] for one in found] == told
    assert len(set(told)) <= 3


def test_whoever_is_unlike_all_others_finds_nobody_and_not_the_least_unlike(kit: Kit, person: Person) -> None:
    me = person([0.0] * 5)
    person([0.5] * 5)
    assert kit.service(Alike).nearest(me, 20) == []


def test_of_very_many_no_more_are_read_than_needed(kit: Kit, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_MOST_READ", 10)
    me = person([0.5] * 5)
    for number in range(15):
        person([0.5 + number / 500] * 5)
    assert 9 <= len(kit.service(Alike).nearest(me, 100)) <= 10


def test_answering_again_and_again_tells_nothing_new_for_a_day(kit: Kit, person: Person) -> None:
    """Otherwise six questionnaires are enough to work out the five traits of somebody else."""
    now = utcnow()
    service = Alike(kit.database, lambda: now)
    me = person([0.5] * 5)
    for number in range(5):
        person([0.5 + number / 10] * 5, name=f"N{number} Somebody")
    first = service.nearest(me, 10)
    kit.service(AccountService).set_personality(me, Personality(answers={}, traits=dict.fromkeys(TRAITS, 0.9)))
    now += COMPARED_FOR - timedelta(seconds=1)
    assert service.nearest(me, 10) == first
    now += timedelta(seconds=1)
    assert [one["name"] for one in service.nearest(me, 10)] == ["N4", "N3", "N2", "N1"]
    kit.service(AccountService).set_personality(me, Personality(answers={}, traits=dict.fromkeys(TRAITS, 0.5)))
    assert [one["name"] for one in service.nearest(me, 10)] == ["N4", "N3", "N2", "N1"]


def test_only_those_are_found_who_agreed_and_answered_and_not_oneself(client: FlaskClient, kit: Kit, person: Person) -> None:
    me = person([0.5] * 5, visibility="private", name="Me Myself")
    for visibility in ("private", "guests"):
        person([0.5] * 5, visibility=visibility, name="Hidden One")
    person([0.5] * 5, findable=False, name="Seen One")
    person(None, name="Silent One")
    agreed = person([0.6] * 5, name="Open One")
    headers = {"Authorization": f"Bearer {bearer_tokens(kit, [me])[me]}"}
    answer = client.get("/v1/search/people", headers=headers)
    assert answer.get_json() == {
        "items": [{"name": "Open", "city": "Wien", "languages": [], "interests": [], "similarity": 0.9}],
        "next": None,
    }
    assert "private" in answer.headers["Cache-Control"]
    kit.database["users"].update_one({"_id": agreed}, {"$set": {"profile.visibility": "private"}})
    assert client.get("/v1/search/people", headers=headers).get_json()["items"] == []
    kit.database["users"].update_one({"_id": agreed}, {"$set": {"profile.visibility": "public"}})
    assert len(client.get("/v1/search/people", headers=headers).get_json()["items"]) == 1
    taken_back = client.patch(
        "/v1/me", json={"findable": False}, headers={"Authorization": f"Bearer {bearer_tokens(kit, [agreed])[agreed]}"}
    )
    assert taken_back.status_code == 200
    assert client.get("/v1/search/people", headers=headers).get_json()["items"] == []


def test_nobody_is_told_to_who_is_not_known_or_has_not_answered(client: FlaskClient, kit: Kit, person: Person) -> None:
    person([0.5] * 5)
    silent = person(None)
    assert client.get("/v1/search/people").status_code == 401
    headers = {"Authorization": f"Bearer {bearer_tokens(kit, [silent])[silent]}"}
    assert client.get("/v1/search/people", headers=headers).get_json()["items"] == []


def test_the_traits_are_read_from_the_index(kit: Kit, person: Person) -> None:
    person([0.5] * 5)
    wanted = {
        "profile.findable": True,
        "profile.visibility": "public",
        **{f"personality.traits.{name}": {"$gte": 0.4, "$lte": 0.6} for name in TRAITS},
    }
    plan = kit.database["users"].find(wanted).explain()
    assert "'indexName': 'findable'" in str(plan)
