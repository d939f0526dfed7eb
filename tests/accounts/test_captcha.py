"""The captcha over the API: who is asked, what an answer is worth, and what is done while nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altcha
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database
from werkzeug.test import TestResponse

from dinnerkit.accounts.api import blueprint, resolve_bearer
from dinnerkit.accounts.attempts import Attempts
from dinnerkit.accounts.captcha import CaptchaCheck
from dinnerkit.accounts.secrecy import Keys
from dinnerkit.accounts.sign_in import SUSPICIOUS_ATTEMPTS
from dinnerkit.backends.captcha.proof_of_work import ProofOfWork
from dinnerkit.errors import Unavailable
from dinnerkit.http.blueprint import Api
from dinnerkit.http.idempotency_store import IdempotencyRecord, IdempotencyStore
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.mount import Mount, install
from dinnerkit.ports.captcha import CaptchaForm, Verdict
from dinnerkit.storage import ensure_indexes
from dinnerkit.testing import StandingClock
from tests.accounts.conftest import PASSWORD, SECRET, Accounts, NoStorage

ANNA = {"email": "anna@example.com", "password": PASSWORD, "name": "Anna"}
SPARED = 2


class Shaky(ProofOfWork):
    """One that can be away."""

    away = False
    asked = 0

    def verify(self, answer: str, *, action: str, address: str) -> Verdict:
        self.asked += 1
        if self.away:
            raise Unavailable("captcha: no answer")
        return super().verify(answer, action=action, address=address)


@pytest.fixture
def captcha(database: Database[Any]) -> Shaky:
    made = Shaky(cost=10, tries=4)
    made.use(database)
    made.use_key(b"k" * 32)
    return made


Ask = Callable[..., TestResponse]


@pytest.fixture
def client(accounts: Accounts, captcha: Shaky, database: Database[Any], clock: StandingClock) -> FlaskClient:
    ensure_indexes(database, [IdempotencyRecord])
    app = Flask("accounts")
    check = CaptchaCheck(captcha, Attempts(database, Keys(SECRET), clock), SPARED)
    metrics = Metrics()
    services = {
        **accounts.services,
        CaptchaCheck: check,
        IdempotencyStore: IdempotencyStore(database, b"a secret", clock),
        RequestLimits: RequestLimits("off", NoStorage()),
        Metrics: metrics,
    }
    install(app, Mount(services, resolve_bearer))
    app.add_url_rule("/metrics", "metrics", metrics.page)
    api = Api(title="Accounts", version="1", description="For tests.")
    api.init_app(app)
    api.register_blueprint(blueprint, url_prefix="/v1")
    return app.test_client()


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    def ask(path: str, body: dict[str, Any], *, address: str = "203.0.113.7", **headers: str) -> TestResponse:
        return client.post(f"/v1/auth/{path}", json=body, headers=headers, environ_base={"REMOTE_ADDR": address})

    return ask


def answer(client: FlaskClient, action: str = "register") -> str:
    told = client.get(f"/v1/auth/captcha?action={action}").json
    assert told["kind"] == "altcha"
    challenge = altcha.Challenge.from_dict(told["settings"]["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


def problem(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json(force=True).get("code", "")


def test_who_answers_can_register_and_each_answer_counts_once(client: FlaskClient, ask: Ask) -> None:
    given = answer(client)
    assert ask("register", {**ANNA, "captcha": given}).status_code == 201
    again = ask("register", {**ANNA, "email": "ben@example.com", "captcha": given})
    assert problem(again) == (422, "captcha_failed")
    assert [error["field"] for error in again.get_json(force=True)["errors"]] == ["captcha"]


def test_without_an_answer_nobody_registers_and_no_mail_is_sent(ask: Ask, accounts: Accounts) -> None:
    assert problem(ask("register", ANNA)) == (422, "captcha_required")
    assert problem(ask("register", {**ANNA, "captcha": "made up"})) == (422, "captcha_failed")
    assert problem(ask("password-reset/mail", {"email": ANNA["email"]})) == (422, "captcha_required")
    assert accounts.database["users"].count_documents({}) == 0


def test_an_answer_is_for_one_action(client: FlaskClient, ask: Ask) -> None:
    given = answer(client, "login")
    assert problem(ask("register", {**ANNA, "captcha": given})) == (422, "captcha_failed")
    assert ask("password-reset/mail", {"email": ANNA["email"], "captcha": answer(client, "password-reset")}).status_code == 202


def test_a_request_that_is_sent_again_needs_no_second_answer(client: FlaskClient, ask: Ask) -> None:
    body = {**ANNA, "captcha": answer(client)}
    first = ask("register", body, **{"Idempotency-Key": "k"})
    again = ask("register", body, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)


def test_wrong_passwords_make_signing_in_ask(client: FlaskClient, ask: Ask) -> None:
    ask("register", {**ANNA, "captcha": answer(client)})
    right = {"email": "Anna@example.com", "password": PASSWORD}
    for email in (ANNA["email"], "nobody@example.com"):
        for _ in range(SUSPICIOUS_ATTEMPTS):
            assert problem(ask("login", {"email": email, "password": "wrong"})) == (401, "bad_credentials")
        assert problem(ask("login", {"email": email, "password": "wrong"})) == (422, "captcha_required")
    assert problem(ask("login", right)) == (422, "captcha_required")
    assert ask("login", {**right, "captcha": answer(client, "login")}).status_code == 200
    assert ask("login", right).status_code == 200


def test_while_the_backend_is_away_some_are_let_in_from_each_address(client: FlaskClient, ask: Ask, captcha: Shaky) -> None:
    captcha.away = True

    def register(name: str, address: str = "203.0.113.7") -> TestResponse:
        return ask("register", {**ANNA, "email": f"{name}@example.com", "captcha": "whatever"}, address=address)

    assert [register(name).status_code for name in "ab"] == [201, 201]
    refused = register("c")
    assert problem(refused) == (503, "captcha_unavailable")
    assert "Retry-After" in refused.headers
    assert register("d", "203.0.113.8").status_code == 201
    assert captcha.asked == 1  # it is left alone for a while
    assert problem(ask("register", ANNA)) == (422, "captcha_required")  # a program that does not even try
    assert 'dinnerkit_degraded_total{backend="captcha"} 3.0' in client.get("/metrics").text


def test_one_network_of_ipv6_is_one_address(ask: Ask, captcha: Shaky) -> None:
    captcha.away = True
    answers = [
        ask("register", {**ANNA, "email": f"{n}@example.com", "captcha": "x"}, address=f"2001:db8::{n}").status_code for n in range(1, 4)
    ]
    assert answers == [201, 201, 503]


def test_an_hour_later_some_are_let_in_anew(ask: Ask, captcha: Shaky, clock: StandingClock) -> None:
    captcha.away = True
    for name in "ab":
        ask("register", {**ANNA, "email": f"{name}@example.com", "captcha": "x"})
    clock.advance(hours=1, seconds=1)
    assert ask("register", {**ANNA, "captcha": "x"}).status_code == 201


def test_where_nothing_is_asked_an_answer_counts_nothing(accounts: Accounts) -> None:
    check = accounts[CaptchaCheck]
    assert check.form("register") is None
    check.check("register", "", address="", origin="")
    check.check("register", "an answer that nobody asked for", address="", origin="")


def test_a_backend_that_can_not_ask_leaves_a_page_that_can_be_shown(captcha: Shaky, accounts: Accounts, clock: StandingClock) -> None:
    def fail(action: str) -> CaptchaForm:
        raise Unavailable("captcha: away")

    captcha.form = fail  # type: ignore[method-assign]
    check = CaptchaCheck(captcha, Attempts(accounts.database, Keys(SECRET), clock), 0)
    assert check.form("register") is None


@pytest.mark.parametrize("action", ["", "anything", "REGISTER"])
def test_only_what_is_done_can_be_asked_for(client: FlaskClient, action: str) -> None:
    assert client.get(f"/v1/auth/captcha?action={action}").status_code == 422


def test_a_challenge_is_kept_by_no_cache(client: FlaskClient) -> None:
    assert client.get("/v1/auth/captcha?action=register").headers["Cache-Control"] == "private, no-store"
