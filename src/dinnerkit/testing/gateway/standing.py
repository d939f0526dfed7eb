"""How a gateway behaves when its service doesn't, what it keeps to itself, and how it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.ports.gateway import Disputes, Gateway, Listings, PayoutListings, Payouts, RefundHistory
from dinnerkit.testing.bad_services import service_that_is
from dinnerkit.testing.expecting import closes_twice, in_time, keeps_secrets, needed, refusal, told_by
from dinnerkit.testing.gateway.bench import GatewayBench
from dinnerkit.testing.gateway.charging import pay


class Standing:
    """What a gateway owes in bad times."""

    def test_it_answers_a_ping(self, bench: GatewayBench) -> None:
        """Health checks ask so."""
        bench.gateway.ping()

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_an_answer_it_says_so_and_nothing_more(self, bench: GatewayBench, place: str) -> None:
        """A service that is silent, that is not there, that hangs up: each call raises Unavailable within the time-out.

        Nothing is known then of the payment. Least of all that it was declined: the guest would pay again.
        """
        reach = needed(bench.reach, "way to reach the gateway at another address")
        with service_that_is(place) as (host, port):
            gateway = reach(host, port)
            try:
                for what, call in _calls(bench, gateway).items():
                    refusal(Unavailable, f"the service was {place}, and {what}", partial(in_time, what, call))
            finally:
                gateway.close()

    def test_its_secrets_stay_its_own(self, bench: GatewayBench, caplog: pytest.LogCaptureFixture) -> None:
        """They are in no log, no error and no representation, whatever goes wrong; nor is that by which a guest authenticates."""
        secrets = [*needed(bench.secrets, "secret to look for")]
        told = [repr(bench.gateway), str(bench.gateway)]
        with caplog.at_level(logging.DEBUG):
            waiting = pay(bench, new_id(), method=bench.secure_method)
            secrets += [waiting.client_secret] if waiting.client_secret else []
            gateways = [bench.gateway]
            if bench.reach is not None:
                with service_that_is("closed") as (host, port):
                    gateways.append(bench.reach(host, port))
            for gateway in gateways:
                for call in _calls(bench, gateway).values():
                    told += told_by(call)
                told += told_by(partial(gateway.verify, b"{}", {}))
            for gateway in gateways[1:]:
                gateway.close()
        told += [caplog.text]
        keeps_secrets(told, secrets)

    def test_it_can_be_closed_twice(self, bench: GatewayBench) -> None:
        """Whoever ends must not ask who has ended before."""
        closes_twice(bench.gateway.close)


def _calls(bench: GatewayBench, gateway: Gateway) -> dict[str, Callable[[], object]]:
    method = "pm_unheard_of" if gateway is bench.gateway else bench.good_method
    calls: dict[str, Callable[[], object]] = {
        "a payment was asked for": partial(pay, bench, new_id(), method=method, gateway=gateway),
        "a payment was looked at": partial(gateway.retrieve, "unknown_1"),
        "a payment was looked for": partial(gateway.find, new_id()),
        "a payment was given up": partial(gateway.cancel, "unknown_1"),
        "a refund was asked for": partial(gateway.refund, key=new_id(), charge_id="unknown_1", money=bench.amounts[0]),
        "it was pinged": gateway.ping,
    }
    now = datetime.now(UTC)
    if isinstance(gateway, RefundHistory):
        calls["the refunds of a payment were looked at"] = partial(gateway.refunds, "unknown_1")
    if isinstance(gateway, Disputes):
        calls["the disputes of a payment were looked at"] = partial(gateway.disputes, "unknown_1")
    if isinstance(gateway, Listings):
        for what, listing in (("payments", gateway.charges), ("refunds", gateway.refunds_made), ("disputes", gateway.disputes_opened)):
            calls[f"the {what} of a day were listed"] = partial(_listed, listing, now - timedelta(days=1), now)
    if isinstance(gateway, Payouts):
        calls["an account was opened"] = partial(
            gateway.open_account, key=new_id(), host_id="mina", country=bench.country, email="mina@example.org"
        )
        calls["an account was looked at"] = partial(gateway.account, "unknown_1")
        calls["a host was paid"] = partial(gateway.pay_out, key=new_id(), account_id="unknown_1", money=bench.amounts[0], description="")
        calls["a payout was looked at"] = partial(gateway.payout, "unknown_1")
    if isinstance(gateway, PayoutListings):
        calls["the payouts of a day were listed"] = partial(_listed, gateway.payouts_made, now - timedelta(days=1), now)
    return calls


def _listed(listing: Callable[[datetime, datetime], Iterable[object]], since: datetime, until: datetime) -> list[object]:
    return list(listing(since, until))
