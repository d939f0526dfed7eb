"""Paying on pages that know no gateway: what they show for one without a form, and for one with a module of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from dinnerkit import Kit, create_app
from dinnerkit.accounts.rules import User
from dinnerkit.booking.paying import PayingService
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.payment.checkout import CheckoutService
from dinnerkit.ports.checkout import CheckoutForm
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

MODULE = "export async function ask() {}\nexport async function authenticate() {}\n"
SOURCES = {"script-src": ("https://ourbank.example",), "frame-src": ("https://ourbank.example", "https://*.ourbank.example")}


class Plain:
    """A gateway that is nothing but a gateway."""

    name = "plain"
    _KNOWN = ("charge", "retrieve", "find", "cancel", "refund", "verify", "ping", "close")

    def __init__(self, behind: Any) -> None:
        for name in self._KNOWN:
            setattr(self, name, getattr(behind, name))


class OurBank(Plain):
    """One with a form of its own."""

    checkout_module = MODULE
    sources = SOURCES

    def checkout_form(self, money: Money) -> CheckoutForm:
        settings = {"key": "pk</script><b>\"'&", "amount": money.amount, "currency": money.currency}
        return CheckoutForm(hint="By ourbank.", settings=settings, sources=self.sources)


class Greedy(OurBank):
    sources = SOURCES | {"script-src": ("https://ourbank.example; default-src *",)}


@pytest.fixture
def holding(kit: Kit, world: World, host: User, monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Plain]], Browser]:
    """A browser on the page of a booking that is to be paid for, with a gateway of that kind."""

    def holding(kind: type[Plain]) -> Browser:
        monkeypatch.setitem(kit.services, CheckoutService, CheckoutService(kind(kit.backends.gateway)))
        app = create_app(kit=kit)
        guest = world.user()
        booking = world.booked(guest.id, world.event(host))
        browser = Browser(app)
        browser.sign_in(guest.email)
        browser.open(f"/bookings/{booking}")
        return browser

    return holding


def test_a_gateway_without_a_form_has_the_page_say_where_payment_is_taken(holding: Callable[[type[Plain]], Browser]) -> None:
    browser = holding(Plain)
    booking = browser.path.rpartition("/")[2]
    assert f"Payment is not taken on this page. Pay €35 for booking {booking} where you were told to" in browser.text
    assert "Cancel this booking" in browser.links
    assert not [button for button in browser.buttons if button.startswith("Pay")]
    assert "pm_card" not in browser.html
    assert faults(browser.html) == []


def test_the_form_of_a_gateway_is_told_what_it_needs_and_let_in_on_this_page_alone(holding: Callable[[type[Plain]], Browser]) -> None:
    browser = holding(OurBank)
    assert faults(browser.html) == []
    policy = browser.answer.headers["Content-Security-Policy"].split("; ")
    assert "script-src 'self' https://ourbank.example" in policy
    assert "frame-src https://ourbank.example https://*.ourbank.example" in policy
    assert "connect-src 'self'" in policy
    assert browser.answer.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"

    told = json.loads(unescape(browser.html.split('data-checkout="', 1)[1].split('"', 1)[0]))
    assert told["settings"] == {"key": "pk</script><b>\"'&", "amount": 3500, "currency": "EUR"}
    module = browser.client.get(told["module"])
    assert (module.text, module.mimetype) == (MODULE, "text/javascript")
    assert "immutable" in module.headers["Cache-Control"]
    assert browser.client.get("/checkout/old.js").headers["Cache-Control"] == "no-cache"

    for path in ("/bookings", f"{browser.path}/cancel"):
        assert "ourbank" not in browser.client.get(path).headers["Content-Security-Policy"]


def test_a_gateway_with_a_module_leads_to_its_bank_and_back(holding: Callable[[type[Plain]], Browser]) -> None:
    browser = holding(OurBank)
    browser.send("Pay €35", payment_method="pm_card_authenticationRequired")
    assert browser.path.endswith("/authenticate")
    assert "Your bank wants you to approve this payment" in browser.text
    assert faults(browser.html) == []
    assert "ourbank.example" in browser.answer.headers["Content-Security-Policy"]
    assert "secret" in json.loads(unescape(browser.html.split('data-authenticate="', 1)[1].split('"', 1)[0]))
    browser.client.post(browser.path, data=browser.form("Ask my bank again").values)
    browser.open(browser.path.removesuffix("/authenticate"))
    assert browser.links["Go to your bank"] == f"{browser.path}/authenticate"


def test_where_no_page_leads_to_the_bank_the_guest_is_told_to_go_where_they_paid(
    holding: Callable[[type[Plain]], Browser], kit: Kit, world: World
) -> None:
    browser = holding(Plain)
    booking = browser.path.rpartition("/")[2]
    user = kit.database["bookings"].find_one({"_id": booking})["user"]
    paid = kit.service(PayingService).pay(user, booking, "pm_card_authenticationRequired", payment_id=new_id())
    assert paid.booking.status == "action_required"
    assert paid.client_secret

    browser.open(browser.path)

    assert "Go to your bank" not in browser.links
    assert "done on this page: go back to where you paid, such as the app of your host" in browser.text
    assert faults(browser.html) == []
    browser.open(f"{browser.path}/authenticate")
    assert browser.path == f"/bookings/{booking}"
    assert browser.answer.status_code == 200


def test_nothing_but_origins_is_let_in(holding: Callable[[type[Plain]], Browser]) -> None:
    browser = holding(Greedy)
    assert browser.answer.status_code == 500
    assert "ourbank" not in browser.answer.headers["Content-Security-Policy"]


def test_without_a_module_there_is_no_file(holding: Callable[[type[Plain]], Browser]) -> None:
    assert holding(Plain).client.get("/checkout/any.js").status_code == 404
