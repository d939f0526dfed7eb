"""The gateway: dinnerkit's ports on the one side, Stripe's services on the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from dinnerkit.money import Money
from dinnerkit.ports.checkout import CheckoutForm
from dinnerkit.ports.gateway import Charge, Dispute, GatewayEvent, GatewayRefund, HostAccount, Payout
from dinnerkit_stripe import checkout, webhooks
from dinnerkit_stripe.asking import Connection, asking
from dinnerkit_stripe.hosts import Hosts
from dinnerkit_stripe.intents import Intents
from dinnerkit_stripe.money_back import Disputed, Refunds
from dinnerkit_stripe.options import Options


class StripeGateway:
    """Payments by Stripe: the port, and the capabilities Checkout, RefundHistory, Disputes, Listings, Payouts and PayoutListings.

    It may be used from many threads and greenlets, which share one pool of connections; after a fork, open a new one.
    """

    name = "stripe"
    checkout_module = checkout.MODULE

    def __init__(self, options: Options) -> None:
        self._options = options
        self._connection = Connection(options)
        self._intents = Intents(self._connection)
        self._refunds = Refunds(self._connection)
        self._disputes = Disputed(self._connection)
        self._hosts = Hosts(self._connection)

    def __repr__(self) -> str:
        mode = "live" if "_live_" in self._options.secret_key else "test"
        return f"<StripeGateway, {mode} mode, {urlsplit(self._options.api_base).netloc}>"

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        """Take ``money`` by a payment method that the guest's browser or app has made with Stripe."""
        return self._intents.charge(key=key, money=money, method=method, description=description)

    def retrieve(self, charge_id: str) -> Charge:
        """The payment as it is now."""
        return self._intents.retrieve(charge_id)

    def find(self, key: str) -> Charge | None:
        """The payment that was made under ``key``, or None where none was."""
        return self._intents.find(key)

    def cancel(self, charge_id: str) -> Charge:
        """Give up a payment that has not succeeded."""
        return self._intents.cancel(charge_id)

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        """Give back ``money`` of a payment that succeeded."""
        return self._refunds.refund(key=key, charge_id=charge_id, money=money)

    def refunds(self, charge_id: str) -> list[GatewayRefund]:
        """All refunds of a payment as they are now, oldest first."""
        return self._refunds.of(charge_id)

    def disputes(self, charge_id: str) -> list[Dispute]:
        """All disputes of a payment as they are now, oldest first; the bank's mere inquiries are none."""
        return self._disputes.of(charge_id)

    def charges(self, since: datetime, until: datetime) -> Iterator[Charge]:
        """The payments that were made in that time, by dinnerkit alone."""
        return self._intents.list(*_seconds(since, until))

    def refunds_made(self, since: datetime, until: datetime) -> Iterator[GatewayRefund]:
        """The refunds that were made in that time, also at Stripe's dashboard, of dinnerkit's payments."""
        return self._refunds.list(*_seconds(since, until))

    def disputes_opened(self, since: datetime, until: datetime) -> Iterator[Dispute]:
        """The disputes that were opened in that time, of dinnerkit's payments."""
        return self._disputes.list(*_seconds(since, until))

    def open_account(self, *, key: str, host_id: str, country: str, email: str) -> HostAccount:
        """Open an account for a host."""
        return self._hosts.open_account(key=key, host_id=host_id, country=country, email=email)

    def onboarding_url(self, account_id: str, *, return_url: str, refresh_url: str) -> str:
        """Where the host tells Stripe what it must know."""
        return self._hosts.onboarding_url(account_id, return_url=return_url, refresh_url=refresh_url)

    def account(self, account_id: str) -> HostAccount:
        """The account as it is now."""
        return self._hosts.account(account_id)

    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        """Send money to the account, out of our balance."""
        return self._hosts.pay_out(key=key, account_id=account_id, money=money, description=description)

    def payout(self, payout_id: str) -> Payout:
        """The payout as it is now."""
        return self._hosts.payout(payout_id)

    def payouts_made(self, since: datetime, until: datetime) -> Iterator[Payout]:
        """The transfers to hosts that were made in that time, by dinnerkit alone."""
        return self._hosts.list(*_seconds(since, until))

    def checkout_form(self, money: Money) -> CheckoutForm | None:
        """What a page needs for Stripe's form; None without a publishable key."""
        return checkout.form(self._options, money)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """Check a webhook's signature, then say what it tells."""
        return webhooks.verify(self._options.webhook_secrets, body, headers)

    def ping(self) -> None:
        """Ask for one payment: whoever may not do that may do nothing here."""
        with asking("a sign of life"):
            self._connection.v1.payment_intents.list(params={"limit": 1})

    def close(self) -> None:
        """Give back the connections."""
        self._connection.close()


def _seconds(since: datetime, until: datetime) -> tuple[int, int]:
    """The times as Stripe counts them, in whole seconds, so that what lies between two asked times lies in one of them."""
    return math.ceil(since.timestamp()), math.ceil(until.timestamp())
