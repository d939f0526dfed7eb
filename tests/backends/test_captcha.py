"""The captchas pass their contract, and what is special about each."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import altcha
import pymongo
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pymongo.database import Database

from dinnerkit.backends.captcha import proof_of_work, siteverify
from dinnerkit.backends.captcha.proof_of_work import COLLECTION, ProofOfWork
from dinnerkit.clock import utcnow
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.plugins import open_backend
from dinnerkit.ports.captcha import Captcha, CaptchaForm, Verdict
from dinnerkit.settings import Settings
from dinnerkit.testing import CaptchaBench, CaptchaContract
from tests.services.siteverify import Provider, provider

KEY, ANOTHER = b"k" * 32, b"a" * 32
UNSIGNED = {"counter", "time"}
"""Neither is needed: who has the key has found the number."""

SCHEMES = ("turnstile", "hcaptcha", "recaptcha")


def solved(form: CaptchaForm) -> str:
    """As a program does it, with a library."""
    challenge = altcha.Challenge.from_dict(form.settings["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


class TestProofOfWork(CaptchaContract):
    @pytest.fixture
    def bench(self, database: Database[Any], monkeypatch: pytest.MonkeyPatch) -> CaptchaBench:
        passed = [timedelta()]

        def opened(key: bytes = KEY, where: Database[Any] = database) -> Captcha:
            captcha = ProofOfWork(cost=10, tries=8, clock=lambda: utcnow() + passed[0])
            captcha.use(where)
            captcha.use_key(key)
            return captcha

        def reach(host: str, port: int) -> Captcha:
            monkeypatch.setattr(proof_of_work, "_PATIENCE", 0.2)
            client: pymongo.MongoClient[Any] = pymongo.MongoClient(host, port)
            captcha = opened(where=client["away"])
            monkeypatch.setattr(captcha, "close", client.close)
            return captcha

        return CaptchaBench(
            open=opened,
            solve=solved,
            later=lambda: passed.__setitem__(0, timedelta(hours=1, seconds=1)),
            beside=lambda: opened(ANOTHER),
            reach=reach,
            secrets=[KEY.decode(), KEY.hex()],
        )


@pytest.fixture(scope="module")
def service() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture
def turnstile(service: Provider) -> Iterator[Provider]:
    yield service
    service.trouble = ""


@pytest.mark.parametrize("scheme", ["turnstile", "hcaptcha"])  # the third is the second at other addresses
class TestSiteverify(CaptchaContract):
    @pytest.fixture
    def bench(self, service: Provider, scheme: str) -> CaptchaBench:
        return CaptchaBench(
            open=lambda: open_backend("captcha", service.url(scheme)),
            solve=lambda form: service.solve(form.settings["sitekey"], form.settings["action"]),
            later=service.later,
            beside=lambda: open_backend("captcha", service.url(scheme, "other-key")),
            unknown=lambda: open_backend("captcha", service.url(scheme, secret="of-somebody-else")),
            reach=lambda host, port: open_backend("captcha", service.url(scheme, timeout="0.4", verify=f"http://{host}:{port}/siteverify")),
            secrets=["hunter22-secret"],
        )


@pytest.fixture
def work(database: Database[Any]) -> ProofOfWork:
    captcha: ProofOfWork = open_backend("captcha", "proof-of-work://?cost=10&tries=8")
    captcha.use(database)
    captcha.use_key(KEY)
    return captcha


def test_nothing_is_asked_unless_you_say_so() -> None:
    captcha = open_backend("captcha", "none://")
    assert isinstance(captcha, Captcha)
    assert captcha.form("register") is None
    assert captcha.module == ""
    captcha.ping()
    captcha.close()


def test_no_visitor_is_unlucky(work: ProofOfWork) -> None:
    found = {json.loads(base64.b64decode(solved(work.form("register"))))["solution"]["counter"] for _ in range(60)}
    assert found <= {4, 5, 6, 7, 8}
    assert len(found) > 2


def test_the_server_forgets_answers_by_itself(work: ProofOfWork, database: Database[Any]) -> None:
    assert work.ensure_indexes() == [f"{COLLECTION}.expiry"]
    assert work.verify(solved(work.form("register")), action="register", address="") is Verdict.PASSED
    (row,) = database[COLLECTION].find()
    assert timedelta(minutes=59) < row["expires_at"] - utcnow() <= timedelta(hours=1)
    assert database[COLLECTION].index_information()["expiry"]["expireAfterSeconds"] == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)


@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_whatever_stands_in_place_of_a_part_it_is_no_answer(work: ProofOfWork, data: st.DataObject) -> None:
    answer = json.loads(base64.b64decode(solved(work.form("register"))))
    place = data.draw(st.sampled_from([answer, answer["challenge"], answer["challenge"]["parameters"], answer["solution"]]))
    part = data.draw(st.sampled_from([part for part in place if part not in UNSIGNED]))
    instead = data.draw(JSON.filter(lambda value: value != place[part]))
    place[part] = instead
    made = base64.b64encode(json.dumps(answer).encode()).decode()
    assert work.verify(made, action="register", address="") is not Verdict.PASSED


def test_its_own_key_is_needed(database: Database[Any]) -> None:
    captcha = ProofOfWork()
    captcha.use(database)
    with pytest.raises(RuntimeError, match="not given its key"):
        captcha.form("register")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_provider_hears_what_it_needs(scheme: str, turnstile: Provider) -> None:
    captcha = open_backend("captcha", turnstile.url(scheme))
    answer = turnstile.solve("site-key", "register")
    assert captcha.verify(answer, action="register", address="203.0.113.7") is Verdict.PASSED
    said = {"secret": "hunter22-secret", "response": answer, "sitekey": "site-key", "remoteip": "203.0.113.7"}
    assert turnstile.asked[-1] == said


def test_answers_from_another_host_are_none_where_hosts_are_named(turnstile: Provider) -> None:
    captcha = open_backend("captcha", turnstile.url(hostname="dinners.example,www.dinners.example"))
    assert captcha.verify(turnstile.solve("site-key", "register"), action="register", address="") is Verdict.PASSED
    theirs = turnstile.solve("site-key", "register", "phish.example")
    assert captcha.verify(theirs, action="register", address="") is Verdict.FAILED


@pytest.mark.parametrize("trouble", [500, 503, 302, 403, "nonsense", "internal-error", "invalid-input-secret", "sitekey-secret-mismatch"])
def test_a_provider_in_trouble_is_no_verdict(trouble: str | int, turnstile: Provider) -> None:
    captcha = open_backend("captcha", turnstile.url())
    turnstile.trouble = trouble
    with pytest.raises(Unavailable, match="turnstile"):
        captcha.verify(turnstile.solve("site-key", "register"), action="register", address="")


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("bad-request", Verdict.FAILED),
        ("what nobody knows yet", Verdict.FAILED),
        ("timeout-or-duplicate", Verdict.OVER),
        ("already-seen-response", Verdict.OVER),
    ],
)
def test_what_a_stranger_can_bring_about_is_no_outage(code: str, verdict: Verdict, turnstile: Provider) -> None:
    captcha = open_backend("captcha", turnstile.url("hcaptcha"))
    turnstile.trouble = code
    assert captcha.verify("x", action="register", address="") is verdict


def test_too_many_questions_at_once_are_not_asked(turnstile: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siteverify, "_MOST_AT_ONCE", 1)
    captcha = open_backend("captcha", turnstile.url())
    with captcha._asking, pytest.raises(Unavailable, match="too much to answer"):
        captcha.verify("x", action="register", address="")
    assert captcha.verify("x", action="register", address="") is Verdict.FAILED
    assert captcha.verify("x", action="register", address="") is Verdict.FAILED


def test_that_a_provider_is_well_is_asked_once_in_a_while(turnstile: Provider) -> None:
    captcha = open_backend("captcha", turnstile.url())
    turnstile.trouble = "internal-error"
    with pytest.raises(Unavailable):
        captcha.ping()
    turnstile.trouble = ""
    asked = len(turnstile.asked)
    captcha.ping()
    captcha.ping()
    assert len(turnstile.asked) == asked + 1


def test_a_secret_is_shown_by_no_setting() -> None:
    chosen = Settings(captcha="turnstile://site-key?secret=hunter22&hostname=dinners.example")
    assert chosen.shown()["captcha"][0] == "turnstile://site-key?secret=***&hostname=dinners.example"
    assert "hunter22" not in repr(chosen)


def test_a_widget_is_let_in_from_where_it_is() -> None:
    usual = open_backend("captcha", "turnstile://site-key?secret=s").form("login")
    assert usual.settings["script"].startswith("https://challenges.cloudflare.com/")
    assert usual.sources["script-src"] == ("https://challenges.cloudflare.com",)
    moved = open_backend("captcha", "recaptcha://site-key?secret=s&script=https://www.recaptcha.net/recaptcha/api.js?render=explicit").form(
        "login"
    )
    assert moved.settings["script"] == "https://www.recaptcha.net/recaptcha/api.js?render=explicit"
    assert moved.sources["frame-src"][0] == "https://www.recaptcha.net"


def opens(url: str) -> Callable[[], object]:
    return lambda: open_backend("captcha", url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("none://?x=1", "no option 'x'"),
        ("proof-of-work://?cost=0", "cost is a whole number from 1 to 1000000, not '0'"),
        ("proof-of-work://?tries=ten", "tries is a whole number"),
        ("proof-of-work://?minutes=1441", "minutes is a whole number from 1 to 1440"),
        ("turnstile://site-key", "turnstile://SITE-KEY\\?secret=SECRET has both"),
        ("turnstile://?secret=s", "has both"),
        ("hcaptcha://site-key?secret=s&timeout=60", "timeout is a number of seconds, up to 2.5"),
        ("recaptcha://site-key?secret=s&verify=file:///etc/passwd", "verify is an address such as https://www.google.com"),
        ("recaptcha://site-key?secret=s&script=javascript:alert()", "script is an address"),
    ],
)
def test_urls_that_make_no_sense_are_refused(url: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        opens(url)()
