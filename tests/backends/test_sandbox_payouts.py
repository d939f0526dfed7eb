"""The sandbox pays hosts: accounts, what the host must tell first, and money that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.errors import Invalid, NotFound, Unavailable
from dinnerkit.money import Money
from dinnerkit.ports.gateway import AccountNotReady, HostAccount

EUR = "EUR"


@pytest.fixture
def gateway(tmp_path: Path) -> SandboxGateway:
    return SandboxGateway(tmp_path / "gateway.db", webhook_delay=0)


def account(gateway: SandboxGateway, key: str = "host_1", *, ready: bool = True) -> HostAccount:
    made = gateway.open_account(key=key, host_id="mina", country="DE", email="mina@example.org")
    if ready:
        gateway.onboarding_url(made.id, return_url="https://dinners.example/back", refresh_url="https://dinners.example/again")
    return gateway.account(made.id)


def earn(gateway: SandboxGateway, amount: int = 3500, currency: str = EUR, method: str = "pm_card_visa", key: str = "pay_1") -> str:
    return gateway.charge(key=key, money=Money(amount, currency), method=method, description="Booking").id


class TestAccounts:
    def test_the_same_key_opens_one_account(self, gateway: SandboxGateway) -> None:
        assert account(gateway, ready=False) == account(gateway, ready=False) != account(gateway, "host_2", ready=False)

    def test_it_is_ready_once_the_host_has_answered_and_that_is_told_once(self, gateway: SandboxGateway) -> None:
        made = account(gateway, ready=False)
        assert (made.ready, made.missing) == (False, ("external_account",))
        for _ in range(2):
            assert (
                gateway.onboarding_url(made.id, return_url="https://a.example/", refresh_url="https://b.example/") == "https://a.example/"
            )
        assert gateway.account(made.id) == HostAccount(made.id, ready=True)
        (event,) = [gateway.verify(webhook.body, webhook.headers) for webhook in gateway.due_webhooks()]
        assert (event.kind, event.charge_id, event.account_id) == ("account.updated", None, made.id)

    @pytest.mark.parametrize("country", ["", "Germany", "de", "D1", "ДЕ"])
    def test_what_is_no_country_is_refused(self, gateway: SandboxGateway, country: str) -> None:
        with pytest.raises(Invalid):
            gateway.open_account(key="host_1", host_id="mina", country=country, email="mina@example.org")

    def test_what_is_not_there_is_not_found(self, gateway: SandboxGateway) -> None:
        for call in (gateway.account, gateway.payout):
            with pytest.raises(NotFound):
                call("unknown")
        with pytest.raises(NotFound):
            gateway.onboarding_url("unknown", return_url="https://a.example/", refresh_url="https://b.example/")
        with pytest.raises(NotFound):
            gateway.pay_out(key="out_1", account_id="unknown", money=Money(1, EUR), description="")


class TestPayingOut:
    def test_money_that_is_there_goes_once_for_each_key_and_is_told(self, gateway: SandboxGateway) -> None:
        earn(gateway)
        host = account(gateway)
        for webhook in list(gateway.due_webhooks()):
            gateway.acknowledge(webhook.id)
        first, again = (gateway.pay_out(key="out_1", account_id=host.id, money=Money(3000, EUR), description="Dinner") for _ in range(2))
        assert first == again == gateway.payout(first.id)
        assert (first.key, first.account_id, first.status, first.money) == ("out_1", host.id, "paid", Money(3000, EUR))
        (event,) = [gateway.verify(webhook.body, webhook.headers) for webhook in gateway.due_webhooks()]
        assert (event.kind, event.account_id) == ("transfer.created", host.id)

    def test_no_more_goes_than_is_there(self, gateway: SandboxGateway) -> None:
        host = account(gateway)
        charge = earn(gateway, 3500)
        earn(gateway, 5000, "USD", key="pay_2")
        earn(gateway, 5000, method="pm_card_createDispute", key="pay_3")
        earn(gateway, 5000, method="pm_card_chargeDeclined", key="pay_4")
        gateway.refund(key="re_1", charge_id=charge, money=Money(500, EUR))
        with pytest.raises(Unavailable, match="not enough money"):
            gateway.pay_out(key="out_1", account_id=host.id, money=Money(3001, EUR), description="Dinner")
        gateway.pay_out(key="out_1", account_id=host.id, money=Money(2000, EUR), description="Dinner")
        with pytest.raises(Unavailable):
            gateway.pay_out(key="out_2", account_id=host.id, money=Money(1001, EUR), description="Dinner")
        assert gateway.pay_out(key="out_2", account_id=host.id, money=Money(1000, EUR), description="Dinner").status == "paid"

    def test_an_account_that_is_not_ready_gets_nothing(self, gateway: SandboxGateway) -> None:
        earn(gateway)
        host = account(gateway, ready=False)
        with pytest.raises(AccountNotReady):
            gateway.pay_out(key="out_1", account_id=host.id, money=Money(1, EUR), description="Dinner")

    @pytest.mark.parametrize("amount", [0, -1])
    def test_nothing_and_less_is_not_paid_out(self, gateway: SandboxGateway, amount: int) -> None:
        host = account(gateway)
        with pytest.raises(Invalid):
            gateway.pay_out(key="out_1", account_id=host.id, money=Money(amount, EUR), description="Dinner")
