"""A gateway on the bench: opened, with what the tests need beside the port."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, Gateway

Signer: TypeAlias = Callable[[bytes, float], Mapping[str, str]]
"""Gives the headers of a webhook with that raw body, sent at that time in seconds since 1970."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayBench:
    """What the author of a gateway gives to the tests; only the gateway is needed, and each of the others makes more of them run.

    Attributes:
        gateway: opened, and with nothing in its books that the tests could mistake for theirs.
        good_method: a payment method that succeeds at once.
        declined_method: one that is declined.
        secure_method: one that asks for the guest's authentication; None where the gateway knows no such thing.
        disputed_method: one that succeeds, and that the guest's bank then takes back; None where the tests can't have that.
        amounts: what is charged and given back, one for each kind of currency that the gateway takes.
        authenticate: answers as the guest's bank does for a charge that requires action: approve, or refuse.
        signers: sign a webhook as the gateway does, one for each secret that is in force now.
        forger: signs in the same way with a secret that is not in force.
        notification: the raw body of a webhook about the charge of that id, or, for None, of a kind that nobody has heard of.
        make_ready: does what the host must do before the account of that id can take payouts.
        country: where a host may live whom the gateway pays.
        page: how many the gateway lists at once.
        reopen: opens the gateway once more, as after a restart of our process; the tests close it.
        reach: opens a gateway of the same kind whose service is at that address of this machine, with a short time-out; the tests close it.
        secrets: what must never be seen in an error, a log or a representation.
    """

    gateway: Gateway
    good_method: str = "pm_card_visa"
    declined_method: str = "pm_card_chargeDeclined"
    secure_method: str | None = "pm_card_authenticationRequired"
    disputed_method: str | None = None
    amounts: Sequence[Money] = (Money(3500, "EUR"), Money(5000, "JPY"), Money(12350, "KWD"))
    authenticate: Callable[[Charge, bool], object] | None = None
    signers: Sequence[Signer] = ()
    forger: Signer | None = None
    notification: Callable[[str | None], bytes] | None = None
    make_ready: Callable[[str], object] | None = None
    country: str = "DE"
    page: int = 10
    reopen: Callable[[], Gateway] | None = None
    reach: Callable[[str, int], Gateway] | None = None
    secrets: Sequence[str] = ()
