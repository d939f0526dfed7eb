from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from threading import Barrier
from typing import Any, ClassVar

import pytest
from flask import Flask

from dinnerkit.errors import SettingError
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.limits import RequestLimits, unlimited
from dinnerkit.ports.limiter_windows import Windows
from tests.waiting import DEADLINE

calls = ApiBlueprint("calls", __name__)


@calls.route("/call")
@calls.response(200)
def call() -> str:
    return "ok"


@calls.route("/other")
@calls.response(200)
def other() -> str:
    return "ok"


@calls.route("/hook", methods=["POST"])
@unlimited
@calls.response(204)
def hook() -> None:
    return None


class _MeetingWindows(Windows):
    """Before each hit and after it, when it is looked at, they ask the one who made them, who may fail."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["meeting"]

    def __init__(self, uri: str, wrap_exceptions: bool = False, *, meeting: Meeting) -> None:
        super().__init__(uri, wrap_exceptions)
        self.meeting = meeting

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def hit(self, key: str, limit: int, expiry: int, amount: int = 1) -> tuple[bool, float, int]:
        self.meeting.hit()
        found = super().hit(key, limit, expiry, amount)
        self.meeting.look()
        return found


def well() -> None: ...


def void(_: object) -> None: ...


@dataclass
class Meeting:
    """A storage whose hits and looks do what the test says."""

    hit: Callable[[], None] = well
    look: Callable[[], None] = well
    uri: str = field(default="meeting://", init=False)

    @property
    def options(self) -> dict[str, Any]:
        return {"meeting": self}

    def ping(self) -> None: ...

    def close(self) -> None: ...


class BrokenStorage:
    """A MongoDB that is not there."""

    uri = "mongodb://127.0.0.1:1/limits"
    options: ClassVar[dict[str, int]] = {"serverSelectionTimeoutMS": 50, "connectTimeoutMS": 50}

    def ping(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def app(make_app: Any) -> Flask:
    return make_app(calls, rate="3 per minute")


def statuses(app: Flask, number: int, path: str = "/x/v1/call", **options: Any) -> list[int]:
    return [app.test_client().get(path, **options).status_code for _ in range(number)]


def test_one_request_too_many_is_a_problem_that_says_when_to_come_back(app: Flask) -> None:
    assert statuses(app, 3) == [200, 200, 200]

    response = app.test_client().get("/x/v1/call")

    assert response.status_code == 429
    assert response.get_json(force=True)["code"] == "rate_limited"
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert response.headers["X-RateLimit-Limit"] == "3"
    assert response.headers["X-RateLimit-Remaining"] == "0"


def test_a_request_that_is_refused_is_asked_about_once(make_app: Any) -> None:
    asked = count()
    app = make_app(calls, rate="3 per minute", storage=Meeting(hit=lambda: void(next(asked))))

    assert statuses(app, 5) == [200, 200, 200, 429, 429]

    assert next(asked) == 5


@pytest.mark.parametrize(("rate", "most", "seconds"), [("2 per minute;3 per hour", "2", 60), ("3 per minute;2 per hour", "2", 3600)])
def test_of_several_limits_the_one_that_refuses_is_told(make_app: Any, rate: str, most: str, seconds: int) -> None:
    app = make_app(calls, rate=rate)
    assert statuses(app, 3) == [200, 200, 429]

    headers = app.test_client().get("/x/v1/call").headers

    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == (most, "0")
    assert seconds - 30 < int(headers["Retry-After"]) <= seconds + 1
    assert abs(int(headers["X-RateLimit-Reset"]) - time.time() - int(headers["Retry-After"])) < 30


def test_an_answer_within_the_limit_says_what_is_left_and_not_to_wait(app: Flask) -> None:
    headers = app.test_client().get("/x/v1/call").headers

    assert headers["X-RateLimit-Remaining"] == "2"
    assert "Retry-After" not in headers


def test_the_limit_counts_all_routes_together(app: Flask) -> None:
    assert statuses(app, 2) + statuses(app, 2, "/x/v1/other") == [200, 200, 200, 429]


def test_each_user_has_a_count_of_their_own_apart_from_the_address(app: Flask) -> None:
    anna, ben = ({"headers": {"Authorization": f"Bearer guest:{name}"}} for name in ("anna", "ben"))

    assert statuses(app, 4, **anna)[-1] == 429
    assert statuses(app, 3, **ben) == [200, 200, 200]
    assert statuses(app, 3) == [200, 200, 200]


def from_address(address: str) -> dict[str, Any]:
    return {"environ_base": {"REMOTE_ADDR": address}}


def test_whoever_has_a_whole_network_of_ipv6_addresses_is_one_caller(app: Flask) -> None:
    many = [statuses(app, 1, **from_address(f"2001:db8:0:1::{number:x}"))[0] for number in range(1, 5)]
    assert many == [200, 200, 200, 429]
    assert statuses(app, 1, **from_address("2001:db8:0:2::1")) == [200]


def test_ipv4_addresses_are_each_a_caller_however_they_are_written(app: Flask) -> None:
    assert statuses(app, 2, **from_address("192.0.2.1")) + statuses(app, 2, **from_address("::ffff:192.0.2.1")) == [200, 200, 200, 429]
    assert statuses(app, 1, **from_address("::ffff:192.0.2.2")) == [200]
    assert statuses(app, 4, **from_address("not an address")) == [200, 200, 200, 429]


def test_a_wrong_token_is_counted_by_its_address(app: Flask) -> None:
    wrong = {"headers": {"Authorization": "Bearer nonsense"}}

    assert statuses(app, 4, **wrong) == [200, 200, 200, 429]


def test_probes_and_unlimited_routes_are_not_counted(app: Flask) -> None:
    assert statuses(app, 5, "/x/health/live") == [200] * 5
    answers = [app.test_client().post("/x/v1/hook") for _ in range(5)]
    assert [(answer.status_code, "X-RateLimit-Limit" in answer.headers) for answer in answers] == [(204, False)] * 5


def test_the_hosts_own_routes_and_settings_have_no_part_in_it(make_app: Any) -> None:
    app = make_app(calls, rate="1 per minute")

    assert statuses(app, 5, "/own") == [200] * 5
    assert not [name for name in app.config if name.startswith("RATELIMIT")]
    assert "limiter" not in app.extensions


def test_off_means_off(make_app: Any) -> None:
    app = make_app(calls, rate="off")

    assert statuses(app, 50) == [200] * 50


def test_a_broken_storage_breaks_no_request_and_still_limits(make_app: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(calls, rate="3 per minute", storage=BrokenStorage())

    with caplog.at_level(logging.CRITICAL):
        assert statuses(app, 4) == [200, 200, 200, 429]


AT_ONCE = 20


def together(error: Exception) -> Callable[[], None]:
    """All who ask are there when the first is told that it fails."""
    barrier = Barrier(AT_ONCE, timeout=DEADLINE)

    def fail() -> None:
        barrier.wait()
        raise error

    return fail


def statuses_at_once(app: Flask, **options: Any) -> Counter[int]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(lambda _: statuses(app, 1, **options)[0], range(AT_ONCE)))


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError()], ids=["refused", "timed out"])
def test_all_who_meet_a_storage_as_it_breaks_are_answered_and_counted(make_app: Any, error: Exception) -> None:
    app = make_app(calls, rate="15 per minute", storage=Meeting(hit=together(error)))

    assert statuses_at_once(app) == {200: 15, 429: 5}


def test_all_whose_storage_breaks_once_they_were_let_in_are_answered(make_app: Any) -> None:
    app = make_app(calls, rate="20 per minute", storage=Meeting(look=together(ConnectionResetError())))

    assert statuses_at_once(app) == {200: AT_ONCE}


def test_a_storage_that_can_be_read_and_not_written_breaks_no_request_and_still_limits(make_app: Any) -> None:
    def full() -> None:
        raise OSError("it takes no writes")

    app = make_app(calls, rate="30 per minute", storage=Meeting(hit=full))

    assert statuses_at_once(app) + statuses_at_once(app) == {200: 30, 429: 10}


def test_a_rate_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(SettingError, match="rate_limit"):
        RequestLimits("plenty", BrokenStorage())
