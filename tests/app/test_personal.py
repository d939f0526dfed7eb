"""What is one's own is answered ahead of Flask as Flask answers it: status, headers and bytes; and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import flask
import orjson
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit import Dinnerkit, Kit, Settings, create_app
from dinnerkit.accounts.rules import Budget, Personality, Profile
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.booking.reading import BookingReader
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.pytest_plugin import with_database
from dinnerkit.testing import StandingClock, settings_for_tests
from tests.app.test_direct import Pair, answers, ask
from tests.app.test_lane import heard, published, their_user
from tests.fire.serving import bearer_tokens

RATE = 100_000


@pytest.fixture(scope="module")
def kit(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    url, folder = with_database(mongo_url, f"test-{uuid4().hex}"), tmp_path_factory.mktemp("personal")
    given_settings = Settings(**settings_for_tests(url, folder, lane="auto", rate_limit=f"{RATE} per hour", limiter="memory://"))
    with Kit.open(given_settings, clock=StandingClock()) as opened:
        heard(opened)
        yield opened
        opened.database.client.drop_database(opened.database.name)


@pytest.fixture(scope="module")
def guests(kit: Kit) -> dict[str, str]:
    """How two guests and an admin say who they are, by their ids; the first has told all about herself."""
    told = Profile(birth_year=1990, gender="f", languages=("de",), diets=("vegan",), city="Lisbon", budget=Budget.LOW, findable=True)
    people = [
        NewUser(
            email="ada@example.org", name="Ada \u2028", profile=told, personality=Personality(answers={"q": 1}, traits={"openness": 1})
        ),
        NewUser(email="ben@example.org", name="Ben"),
    ]
    ids = kit.service(AccountService).import_users(people)
    return {user: f"Bearer {token}" for user, token in bearer_tokens(kit, ids).items()}


@pytest.fixture(scope="module")
def bookings(kit: Kit, guests: dict[str, str]) -> list[str]:
    """Seven of the first guest, of which one waits, and one of the other."""
    ada, ben = guests
    reserve = kit.service(BookingService).reserve
    made = [reserve(ada, published(kit, price=Money(price, "EUR")), 1, booking_id=new_id()).id for price in range(0, 600, 100)]
    full = published(kit, seats=6)
    theirs = reserve(ben, full, 6, booking_id=new_id()).id
    kit.service(WaitingList).join(full, ada, 1, entry_id=(waiting := new_id()))
    return [*made, waiting, theirs]


@pytest.fixture(scope="module")
def pair(kit: Kit, guests: dict[str, str], bookings: list[str]) -> Pair:
    return Pair(kit)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that Flask saw."""
    found: list[str] = []
    genuine = Flask.full_dispatch_request

    def full_dispatch_request(app: Flask, *given: Any) -> flask.Response:
        found.append(flask.request.path)
        return genuine(app, *given)

    monkeypatch.setattr(Flask, "full_dispatch_request", full_dispatch_request)
    return found


queries = st.sampled_from(
    [
        "",
        "limit=2",
        "limit=100",
        "limit=0",
        "limit=ten",
        "limit=1&limit=2",
        "unknown=1",
        "cursor=",
        "cursor=xx",
        "limit=%31",
        "limit=\u00fc",
    ]
)
headers_with = st.fixed_dictionaries(
    {},
    optional={
        "Cookie": st.just("session=x"),
        "Range": st.just("bytes=0-1"),
        "If_None_Match": st.just("*"),
        "Accept_Encoding": st.just("gzip"),
        "Host": st.sampled_from(["example.org", "a..b", "b\u00e4d"]),
        "X_Forwarded_For": st.just("192.0.2.9"),
    },
)
mounts = st.sampled_from(
    [{}, {"SCRIPT_NAME": "/mounted"}, {"wsgi.url_scheme": "https"}, {"REQUEST_METHOD": "HEAD"}, {"REQUEST_METHOD": "PUT"}]
)


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data(), query=queries, headers=headers_with, mount=mounts)
def test_what_is_ones_own_is_that_of_flask(
    pair: Pair, guests: dict[str, str], bookings: list[str], data: st.DataObject, query: str, headers: dict[str, str], mount: dict[str, str]
) -> None:
    who = data.draw(st.sampled_from([*guests.values()]))
    path = data.draw(st.sampled_from(["", *(f"/{booking}" for booking in (*bookings, new_id(), "none", ""))]))
    url = data.draw(st.sampled_from([f"/v1/bookings{path}", "/v1/me"]))
    pair.agree(f"{url}?{query.encode().decode('latin-1')}", mount, Authorization=who, **headers)


def test_pages_follow_one_another(pair: Pair, guests: dict[str, str], bookings: list[str]) -> None:
    ada, found, url = next(iter(guests.values())), [], "/v1/bookings?limit=3"
    while url:
        page = orjson.loads(pair.agree(url, Authorization=ada)[2])
        found += [item["id"] for item in page["items"]]
        url = f"/v1/bookings?limit=3&cursor={page['next']}" if page["next"] else ""
    assert found == sorted(bookings[:7], reverse=True)


def test_it_is_answered_ahead_of_flask_and_kept_by_nobody(pair: Pair, guests: dict[str, str], bookings: list[str], seen: list[str]) -> None:
    told = []
    for who, booking in zip(guests.values(), (bookings[0], bookings[-1]), strict=True):
        for url in ("/v1/bookings", "/v1/bookings?limit=2", f"/v1/bookings/{booking}", "/v1/me"):
            status, headers, body = ask(pair.ahead, url, Authorization=who)
            assert (status, dict(headers)["Cache-Control"]) == ("200 OK", "private, no-store")
            told.append(body)
    assert seen == []
    assert len(set(told)) == len(told) - 1  # ada's one page of seven and hers of two differ, ben's one booking is on both of his


def test_somebody_elses_booking_is_not_there(pair: Pair, guests: dict[str, str], bookings: list[str], seen: list[str]) -> None:
    _, ben = guests.values()
    missing = [pair.agree(f"/v1/bookings/{booking}", Authorization=ben) for booking in (bookings[0], new_id())]
    assert [status for status, _, _ in missing] == ["404 NOT FOUND"] * 2
    assert missing[0] == missing[1]
    assert len(seen) == 6


@pytest.mark.parametrize("word", ["Bearer none", "Bearer ", "Basic YTpi", "", "Bearer a b", "bearer\t x"])
def test_without_a_good_token_it_is_refused_as_by_flask(pair: Pair, guests: dict[str, str], bookings: list[str], word: str) -> None:
    for url in ("/v1/bookings", f"/v1/bookings/{bookings[0]}", "/v1/me"):
        for app in (pair.ahead, pair.behind, pair.plain):
            app.extensions.pop(("left", word), None)  # they are counted where they come from
        assert pair.agree(url, Authorization=word)[0] == "401 UNAUTHORIZED"


def test_a_session_that_ended_counts_at_once(pair: Pair, kit: Kit, bookings: list[str]) -> None:
    [user] = kit.service(AccountService).import_users([NewUser(email="cleo@example.org", name="Cleo")])
    [token] = bearer_tokens(kit, [user]).values()
    word = f"Bearer {token}"
    assert pair.agree("/v1/bookings", Authorization=word)[0] == "200 OK"
    kit.service(SignInService).sign_out_everywhere(user)
    for app in (pair.ahead, pair.behind, pair.plain):
        app.extensions.pop(("left", word), None)
    assert pair.agree("/v1/bookings", Authorization=word)[0] == "401 UNAUTHORIZED"


def test_guests_see_at_once_what_they_have_done(pair: Pair, kit: Kit) -> None:
    [user] = kit.service(AccountService).import_users([NewUser(email="dora@example.org", name="Dora")])
    [token] = bearer_tokens(kit, [user]).values()

    def statuses() -> list[str]:
        return [item["status"] for item in orjson.loads(pair.agree("/v1/bookings", Authorization=f"Bearer {token}")[2])["items"]]

    assert statuses() == []
    booking = kit.service(BookingService).reserve(user, published(kit), 1, booking_id=new_id())
    assert statuses() == ["confirmed"]
    kit.service(BookingService).cancel(user, booking.id)
    assert statuses() == ["cancelled"]


@pytest.mark.parametrize(("error", "status"), [(Unavailable("later"), "503"), (RuntimeError("secret"), "500")])
@pytest.mark.parametrize("failing", [(BookingReader, "page"), (SignInService, "authenticate")])
def test_what_fails_is_done_once_and_told_as_ever(
    kit: Kit, guests: dict[str, str], monkeypatch: pytest.MonkeyPatch, error: Exception, status: str, failing: tuple[type[Any], str]
) -> None:
    called = []

    def fail(*_: Any, **__: Any) -> None:
        called.append(1)
        raise error

    monkeypatch.setattr(*failing, fail)
    pair = Pair(kit)
    before = answers(pair.ahead, "bookings")
    found = pair.agree("/v1/bookings", Authorization=next(iter(guests.values())))
    assert found[0].startswith(status)
    assert b"secret" not in found[2]
    assert len(called) == 3
    assert answers(pair.ahead, "bookings") - before == 1


def test_each_answer_is_counted_once(kit: Kit, guests: dict[str, str], bookings: list[str]) -> None:
    app, ada = create_app(kit=kit), next(iter(guests.values()))
    for url in ("", "?limit=none", f"/{bookings[0]}", f"/{new_id()}"):
        ask(app, f"/v1/bookings{url}", Authorization=ada)
    assert answers(app, "bookings") == 4


def test_the_scheme_is_written_in_any_case(kit: Kit, guests: dict[str, str], seen: list[str]) -> None:
    token = next(iter(guests.values())).partition(" ")[2]
    for scheme in ("bearer", "BEARER "):
        assert ask(create_app(kit=kit), "/v1/me", Authorization=f"{scheme} {token}")[0] == "200 OK"
    assert seen == []


def test_users_are_counted_wherever_they_come_from_and_bad_tokens_where_they_do(kit: Kit, guests: dict[str, str], tmp_path: Any) -> None:
    few = Settings(
        **settings_for_tests(
            kit.backends.database.url,
            tmp_path,
            lane="auto",
            rate_limit="3 per hour",
            limiter="memory://",
            secret_key=kit.settings.secret_key,
        )
    )
    with Kit.open(few, clock=StandingClock()) as opened:
        heard(opened)
        app = create_app(kit=opened)
        ada, ben = guests.values()

        def asked(number: int, word: str) -> tuple[str, str]:
            status, told, _ = ask(app, "/v1/bookings", {"REMOTE_ADDR": f"192.0.2.{number}"}, Authorization=word)
            app.extensions.pop(("left", word))
            return status[:3], dict(told)["X-RateLimit-Remaining"]

        assert [asked(number, ada) for number in range(4)] == [("200", "2"), ("200", "1"), ("200", "0"), ("429", "0")]
        assert asked(1, ben) == ("200", "2")
        assert [asked(7, "Bearer none") for _ in range(4)] == [("401", "2"), ("401", "1"), ("401", "0"), ("429", "0")]
        assert asked(7, ben) == ("200", "1")


def wrap_view(app: Flask) -> None:
    view = app.view_functions["dinnerkit_booking.list_bookings"]
    app.view_functions["dinnerkit_booking.list_bookings"] = partial(view)


@pytest.mark.parametrize(
    "listen", [lambda app: app.before_request(lambda: None), lambda app: app.after_request(lambda answer: answer), wrap_view]
)
def test_whoever_listens_sees_each(kit: Kit, guests: dict[str, str], seen: list[str], listen: Any) -> None:
    app, ada = create_app(kit=kit), next(iter(guests.values()))
    assert ask(app, "/v1/bookings", Authorization=ada)[0] == "200 OK"
    assert seen == []
    listen(app)
    assert ask(app, "/v1/bookings", Authorization=ada)[0] == "200 OK"
    assert seen == ["/v1/bookings"]


def test_where_others_say_who_asks_flask_sees_each(
    kit: Kit, guests: dict[str, str], seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "settings", replace(kit.settings, lane="on"))
    app = Flask("host")
    Dinnerkit(app, kit=kit, whole_app=True, user_resolver=their_user)
    ask(app, "/v1/bookings", Authorization=next(iter(guests.values())))
    assert seen == ["/v1/bookings"]
