"""Payouts to hosts: once for each key, to who can take them, out of what is there."""

from __future__ import annotations

from functools import partial

from dinnerkit.errors import Invalid, NotFound, Unavailable
from dinnerkit.ids import new_id
from dinnerkit.money import MAX_AMOUNT, Money
from dinnerkit.ports.gateway import AccountNotReady, HostAccount, Payouts
from dinnerkit.testing.expecting import all_answered, at_once, expect, needed, refusal
from dinnerkit.testing.gateway.bench import GatewayBench
from dinnerkit.testing.gateway.charging import pay

_AT_ONCE = 4
_BACK = "https://dinners.example/back"


class PayingHosts:
    """What a gateway owes that has the capability Payouts."""

    def test_the_same_key_opens_one_account(self, bench: GatewayBench) -> None:
        """A host has one, whoever crashes while it is opened."""
        gateway, key = payouts_of(bench), new_id()
        first, again, other = _account(bench, key), _account(bench, key), _account(bench, new_id())
        expect(first.id == again.id, f"the same key opened two accounts: {first.id} and {again.id}")
        expect(other.id != first.id, f"two keys opened one account: {first.id}")
        expect(gateway.account(first.id).id == first.id, "an account is looked at and another is told")
        expect(
            not first.ready and first.missing,
            f"an account of which the host has told nothing is ready={first.ready}, missing {first.missing}",
        )

    def test_the_host_is_sent_to_a_page_of_the_gateway(self, bench: GatewayBench) -> None:
        """There they tell what the gateway must know."""
        url = payouts_of(bench).onboarding_url(_account(bench, new_id()).id, return_url=_BACK, refresh_url="https://dinners.example/again")
        expect(url.startswith(("https://", "http://")), f"the host is sent to {url!r}, which is no page")

    def test_what_is_unknown_is_not_found(self, bench: GatewayBench) -> None:
        """Accounts and payouts alike."""
        gateway = payouts_of(bench)
        refusal(NotFound, "an unknown account was looked at", lambda: gateway.account("unknown_1"))
        refusal(NotFound, "an unknown payout was looked at", lambda: gateway.payout("unknown_1"))
        onboarding = partial(gateway.onboarding_url, "unknown_1", return_url=_BACK, refresh_url=_BACK)
        refusal(NotFound, "the host of an unknown account was sent to a page", onboarding)
        pay(bench, new_id())
        pay_out = partial(gateway.pay_out, key=new_id(), account_id="unknown_1", money=bench.amounts[0], description="Dinner")
        refusal(NotFound, "an unknown account was paid", pay_out)

    def test_who_is_not_ready_is_not_paid(self, bench: GatewayBench) -> None:
        """The money waits until the host has told the gateway what it must know."""
        gateway = payouts_of(bench)
        pay(bench, new_id())
        account = _account(bench, new_id())
        pay_out = partial(gateway.pay_out, key=new_id(), account_id=account.id, money=bench.amounts[0], description="Dinner")
        refusal(AccountNotReady, "an account that is not ready was paid", pay_out)

    def test_the_same_key_pays_once(self, bench: GatewayBench) -> None:
        """Also when two workers carry it out at the same time."""
        gateway, account = payouts_of(bench), ready_account(bench)
        for _ in range(_AT_ONCE + 1):
            pay(bench, new_id())
        key, price = new_id(), bench.amounts[0]
        call = partial(gateway.pay_out, key=key, account_id=account.id, money=price, description="Dinner")
        first = call()
        expect(
            (first.key, first.account_id, first.money) == (key, account.id, price), f"{price} to {account.id} was answered with {first!r}"
        )
        expect(first.status in {"pending", "paid"}, f"a payout to an account that is ready is {first.status!r}")
        again = all_answered(at_once([call] * _AT_ONCE, "payouts at once"), f"{_AT_ONCE} payouts with one key at once")
        made = {first.id, *(payout.id for payout in again)}
        expect(len(made) == 1, f"the same key paid the host {len(made)} times: {sorted(made)}")
        found = gateway.payout(first.id)
        expect((found.id, found.key, found.money) == (first.id, key, price), f"the payout {first!r} is looked at as {found!r}")

    def test_only_what_is_an_amount_and_is_there_is_paid(self, bench: GatewayBench) -> None:
        """What has not come in yet can't go out; it may later."""
        gateway, account = payouts_of(bench), ready_account(bench)
        currency = bench.amounts[0].currency
        for amount in (0, -1):
            call = partial(gateway.pay_out, key=new_id(), account_id=account.id, money=Money(amount, currency), description="Dinner")
            refusal(Invalid, f"a payout of {amount} was asked for", call)
        key = new_id()
        call = partial(gateway.pay_out, key=key, account_id=account.id, money=Money(MAX_AMOUNT, currency), description="Dinner")
        refusal(Unavailable, "more was paid out than is there", call)


def ready_account(bench: GatewayBench) -> HostAccount:
    """An account whose host has told the gateway all that it must know; the test is skipped where that can't be."""
    account = _account(bench, new_id())
    needed(bench.make_ready, "way to make an account ready")(account.id)
    found = payouts_of(bench).account(account.id)
    expect(found.ready, f"an account whose host has told all can't take payouts; missing are {found.missing}")
    return found


def payouts_of(bench: GatewayBench) -> Payouts:
    """The gateway, as one that pays hosts; the test is skipped where it does not."""
    return needed(bench.gateway if isinstance(bench.gateway, Payouts) else None, "gateway that pays hosts")


def _account(bench: GatewayBench, key: str) -> HostAccount:
    return payouts_of(bench).open_account(key=key, host_id=f"host-{key}", country=bench.country, email="mina@example.org")
