"""Hosts are paid by Connect: an account for each, which Stripe asks what it must know, and transfers out of our balance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import stripe

from dinnerkit.errors import Invalid
from dinnerkit.money import Money
from dinnerkit.ports.gateway import AccountNotReady, HostAccount, Payout
from dinnerkit_stripe.asking import KEY, Api, asking, metadata, refused_before
from dinnerkit_stripe.currencies import from_stripe, to_stripe
from dinnerkit_stripe.intents import PAGE

_HOST = "dinnerkit_host"

_CONTROLLER = {
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "stripe",
    "stripe_dashboard": {"type": "express"},
}
"""We pay the fees, and answer for what a host owes; Stripe asks the host what it must know, and shows them their payouts."""


_MOST_ATTEMPTS = 100
"""How many refusals of a day are passed by; more don't come up, as a payout is attempted every hour."""


class Hosts:
    """The gateway's payouts."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def open_account(self, *, key: str, host_id: str, country: str, email: str) -> HostAccount:
        """Open an account for a host; once a day has gone by, the same key would open another, which costs nothing and holds nothing."""
        params = {
            "controller": _CONTROLLER,
            "country": country,
            "email": email,
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {KEY: key, _HOST: host_id},
        }
        try:
            with asking("this account"):
                return _account(self._api.v1.accounts.create(params=params, options={"idempotency_key": f"account:{key}"}))
        except Invalid as refused:
            raise Invalid("Stripe pays nobody there", fields={"country": "one in which Stripe pays"}, **refused.details) from refused

    def onboarding_url(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Where the host tells Stripe what it must know. It moves nothing, and a new one is wanted each time, so it has no key."""
        params = {"account": account_id, "type": "account_onboarding", "return_url": return_url, "refresh_url": refresh_url}
        with asking("this account"):
            return str(self._api.v1.account_links.create(params=params).url)

    def account(self, account_id: str) -> HostAccount:
        """The account as it is now."""
        with asking("this account"):
            return _account(self._api.v1.accounts.retrieve(account_id))

    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        """Send money to the account, or answer what the same key got before, be it long ago.

        Stripe keeps a refusal for a day under the idempotency key, though there may be enough money by then, or an account that was not
        ready is, and is owed another amount. So where it says again that it has refused, or that it was asked for something else, the next
        key in a row has its turn. Nobody comes to that before the one ahead of it has been refused for that day; one caller at a time, as
        the core sees to, is what keeps the money from going out under a key that Stripe forgets meanwhile.
        """
        amount = to_stripe(money)
        with asking("this payout"):
            earlier = self._api.v1.transfers.list(params={"transfer_group": key, "limit": 1}).data
        made = next((_payout(transfer) for transfer in earlier if metadata(transfer) == key), None)
        if made is not None:
            return made
        if not self.account(account_id).ready:
            raise AccountNotReady("the host has not told Stripe yet all that it must know")
        params = {**amount, "destination": account_id, "description": description, "transfer_group": key, "metadata": {KEY: key}}
        with asking("this payout"):
            attempt = 1
            while True:
                name = f"payout:{key}" if attempt == 1 else f"payout:{key}#{attempt}"
                try:
                    return _payout(self._api.v1.transfers.create(params=params, options={"idempotency_key": name}))
                except stripe.StripeError as error:
                    if attempt == _MOST_ATTEMPTS or not refused_before(error):
                        raise
                attempt += 1

    def payout(self, payout_id: str) -> Payout:
        """The payout as it is now."""
        with asking("this payout"):
            return _payout(self._api.v1.transfers.retrieve(payout_id))

    def list(self, since: int, until: int) -> Iterator[Payout]:
        """Our transfers that were made from the second ``since`` until before ``until``, newest first."""
        params = {"created": {"gte": since, "lt": until}, "limit": PAGE}
        with asking("the list of payouts"):
            for transfer in self._api.v1.transfers.list(params=params).auto_paging_iter():
                if metadata(transfer):
                    yield _payout(transfer)


def _account(account: Any) -> HostAccount:
    ready = getattr(getattr(account, "capabilities", None), "transfers", None) == "active"
    requirements = getattr(account, "requirements", None)
    missing = [*(getattr(requirements, "currently_due", None) or ()), *(getattr(requirements, "past_due", None) or ())]
    return HostAccount(id=account.id, ready=ready, missing=tuple(dict.fromkeys(missing)))


def _payout(transfer: Any) -> Payout:
    """What the host has of a transfer: one that was reversed in part, at the dashboard, is of the rest."""
    back = 0 if transfer.reversed else getattr(transfer, "amount_reversed", None) or 0
    return Payout(
        id=transfer.id,
        key=metadata(transfer),
        account_id=transfer.destination if isinstance(transfer.destination, str) else str(transfer.destination.id),
        status="failed" if transfer.reversed else "paid",
        money=from_stripe(transfer.amount - back, transfer.currency),
    )
