"""What Stripe lists of transfers, as the core compares it with the books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Payout
from dinnerkit_stripe import StripeGateway
from tests.services.stripe import SECRET_KEY, StripeDouble

PRICE = Money(3500, "EUR")


@pytest.fixture
def account(gateway: StripeGateway, double: StripeDouble) -> str:
    gateway.charge(key=new_id(), money=PRICE, method="pm_card_visa", description="Booking")
    opened = gateway.open_account(key=new_id(), host_id="mina", country="DE", email="mina@example.org").id
    double.steer("ready", account=opened)
    return opened


def lately(gateway: StripeGateway, account: str) -> list[Payout]:
    now = datetime.now(UTC)
    listed = gateway.payouts_made(now - timedelta(minutes=10), now + timedelta(minutes=10))
    return [payout for payout in listed if payout.account_id == account]


def test_a_transfer_of_another_shop_on_the_same_account_is_not_ours(gateway: StripeGateway, double: StripeDouble, account: str) -> None:
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    form = {"amount": "100", "currency": "eur", "destination": account}
    assert requests.post(f"{double.url}/v1/transfers", data=form, headers=headers, timeout=20).status_code == 200
    ours = gateway.pay_out(key=new_id(), account_id=account, money=PRICE - Money(100, "EUR"), description="Dinner")
    assert lately(gateway, account) == [ours]


def test_it_is_asked_for_by_whole_seconds_and_full_pages(gateway: StripeGateway, double: StripeDouble, account: str) -> None:
    since = datetime(2026, 11, 1, 12, 0, 0, 1, tzinfo=UTC)
    assert list(gateway.payouts_made(since, since + timedelta(seconds=1))) == []
    (asked,) = [request for request in double.requests() if request["method"] == "GET" and "created[gte]" in request["form"]][-1:]
    assert asked["path"] == "/v1/transfers"
    first = int(since.timestamp()) + 1
    assert asked["form"] == {"created[gte]": str(first), "created[lt]": str(first + 1), "limit": "100"}


@pytest.mark.parametrize(("back", "status", "money"), [(0, "paid", 3500), (500, "paid", 3000), (3500, "failed", 3500)])
def test_what_was_taken_back_at_the_dashboard_is_seen(
    gateway: StripeGateway, double: StripeDouble, account: str, back: int, status: str, money: int
) -> None:
    sent = gateway.pay_out(key=new_id(), account_id=account, money=PRICE, description="Dinner")
    double.steer("reverse", transfer=sent.id, amount=back)
    (listed,) = lately(gateway, account)
    assert (listed.id, listed.key, listed.status, listed.money) == (sent.id, sent.key, status, Money(money, "EUR"))
    assert gateway.payout(sent.id) == listed
