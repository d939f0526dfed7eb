"""The captcha on the pages, where no scripts run: what is let in where, and how many are let through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import altcha
import pytest
from flask import Flask

from dinnerkit import Kit, Settings, create_app
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SUSPICIOUS_ATTEMPTS
from dinnerkit.testing import settings_for_tests
from tests.web.browser import PASSWORD, Browser

Opened = Callable[..., Flask]


@pytest.fixture
def app_with(database_url: str, tmp_path: Path) -> Iterator[Opened]:
    kits: list[Kit] = []

    def app_with(captcha: str, **more: Any) -> Flask:
        kit = Kit.open(Settings(**settings_for_tests(database_url, tmp_path, captcha=captcha, **more)))
        kits.append(kit)
        return create_app(kit.settings, kit=kit)

    yield app_with
    for kit in kits:
        kit.close()


def told(browser: Browser) -> dict[str, Any]:
    found = re.search(r'data-captcha="([^"]*)"', browser.html)
    assert found is not None
    told: dict[str, Any] = json.loads(unescape(found[1]))
    return told


def solved(browser: Browser) -> str:
    challenge = altcha.Challenge.from_dict(told(browser)["settings"]["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


def join(browser: Browser, name: str, **more: str) -> int:
    browser.open("/register")
    return browser.send("Join", name=name, email=f"{name}@example.test", password=PASSWORD, **more).status_code


def test_nothing_is_asked_by_default(app_with: Opened) -> None:
    browser = Browser(app_with("none://"))
    browser.open("/register")
    assert "captcha" not in browser.html
    assert join(browser, "ann") == 200
    assert "Welcome!" in browser.text


def test_who_answers_joins_and_forms_without_an_answer_are_counted(app_with: Opened) -> None:
    app = app_with("proof-of-work://?cost=10&tries=4", captcha_spared=1)
    browser = Browser(app)
    browser.open("/register")
    browser.send("Join", name="Ann", email="ann@example.test", password=PASSWORD, captcha=solved(browser))
    assert "Welcome!" in browser.text

    assert join(Browser(app), "ben") == 200
    refused = Browser(app)
    assert join(refused, "cleo") == 422
    assert "Show that you are no robot" in refused.text
    assert 'href="#f-captcha"' in refused.html
    assert refused.form("Join").values["email"] == "cleo@example.test"
    refused.send("Join", password=PASSWORD, captcha=solved(refused))
    assert "Welcome!" in refused.text


def test_none_is_spared_where_that_is_said(app_with: Opened) -> None:
    assert join(Browser(app_with("proof-of-work://?cost=10&tries=4", captcha_spared=0)), "ann") == 422


def test_an_answer_of_another_form_is_asked_for_anew(app_with: Opened) -> None:
    browser = Browser(app_with("proof-of-work://?cost=10&tries=4"))
    browser.open("/register")
    of_another = solved(browser)
    browser.open("/forgot")
    browser.send("Send the link", email="ann@example.test", captcha=of_another)
    assert browser.answer.status_code == 422
    assert "That answer is not right." in browser.text
    browser.send("Send the link", captcha=solved(browser))
    assert "a mail with a link is on its way" in browser.text


def test_the_sign_in_page_asks_after_wrong_passwords(app_with: Opened) -> None:
    app = app_with("proof-of-work://?cost=10&tries=4", captcha_spared=0)
    app.extensions["dinnerkit"].services[AccountService].register(email="ann@example.test", password=PASSWORD, name="Ann")
    browser = Browser(app)
    browser.open("/login")
    for _ in range(SUSPICIOUS_ATTEMPTS):
        assert "data-captcha" not in browser.html
        browser.send("Sign in", email="ann@example.test", password="wrong")
    browser.send("Sign in", email="ann@example.test", password=PASSWORD)
    assert "Show that you are no robot" in browser.text
    browser.send("Sign in", email="ann@example.test", password=PASSWORD, captcha=solved(browser))
    assert "Good to see you." in browser.text


def test_a_provider_is_let_in_on_the_pages_that_ask_and_no_others(app_with: Opened) -> None:
    browser = Browser(app_with("turnstile://site-key?secret=hunter22"))
    browser.open("/register")
    policy = browser.answer.headers["Content-Security-Policy"]
    assert "script-src 'self' https://challenges.cloudflare.com;" in policy
    assert policy.endswith("frame-src https://challenges.cloudflare.com")
    assert told(browser)["settings"]["sitekey"] == "site-key"
    assert "hunter22" not in browser.html
    browser.open("/login")
    assert "cloudflare" not in browser.answer.headers["Content-Security-Policy"] + browser.html


def test_the_module_comes_from_here_and_stays(app_with: Opened) -> None:
    app = app_with("proof-of-work://")
    browser = Browser(app)
    browser.open("/register")
    module = browser.open(told(browser)["module"])
    assert module.mimetype == "text/javascript"
    assert "immutable" in module.headers["Cache-Control"]
    assert "Set-Cookie" not in module.headers
    assert Browser(app_with("none://")).open("/captcha/x.js").status_code == 404


def test_a_captcha_that_is_away_is_told(app_with: Opened) -> None:
    app = app_with("turnstile://site-key?secret=hunter22&timeout=0.5&verify=http://127.0.0.1:9/")
    health = app.test_client().get("/health/ready").json
    assert (health["status"], health["backends"]["captcha"]["state"]) == ("degraded", "down")
    assert join(Browser(app), "ann", captcha="whatever") == 200
    assert 'dinnerkit_degraded_total{backend="captcha"} 1.0' in app.test_client().get("/metrics").text
