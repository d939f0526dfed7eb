"""A payment gateway in this process's memory, for the service of yours that takes its place. No money moves."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dinnerkit.errors import Conflict, Invalid, NotFound
from dinnerkit.money import Money
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.gateway import BadSignature, Charge, GatewayEvent, GatewayRefund
from dinnerkit.ports.urls import parse_url

SIGNATURE_HEADER = "acme-signature"
_TOLERANCE_SECONDS = 300
_LONGEST_TIME = 12
_OUTCOMES = {"good": "succeeded", "poor": "declined", "careful": "action_required"}
"""The payment methods, and what becomes of a payment by each."""


class AcmeGateway:
    """Takes payments by the method ``good``; ``poor`` is declined, and ``careful`` asks for authentication.

    Args:
        place: which books; gateways of the same place share them.
        secret: what signs webhooks; where it is empty none is believed.
    """

    name = "acme_id"

    def __init__(self, place: str, secret: str) -> None:
        self._books = _PLACES.setdefault(place, _Books())
        self._secret = secret

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        """Take the payment, or answer what the same key got before.

        Raises:
            Invalid: there is no such payment method.
        """
        if method not in _OUTCOMES:
            known = f"one of {', '.join(_OUTCOMES)}"
            raise Invalid("the payment method is not known", fields={"payment_method": known})
        with self._books.lock:
            earlier = self._books.by_key(key)
            return earlier or self._books.keep(_made(key, money, method))

    def retrieve(self, charge_id: str) -> Charge:
        """The payment as it is now.

        Raises:
            NotFound: there is none.
        """
        with self._books.lock:
            return self._books.charge(charge_id)

    def find(self, key: str) -> Charge | None:
        """The payment that was made under ``key``."""
        with self._books.lock:
            return self._books.by_key(key)

    def cancel(self, charge_id: str) -> Charge:
        """Give up a payment that has not succeeded.

        Raises:
            NotFound: there is none.
        """
        with self._books.lock:
            charge = self._books.charge(charge_id)
            if charge.status != "action_required":
                return charge
            return self._books.keep(replace(charge, status="cancelled", client_secret=None))

    def authenticate(self, client_secret: str, *, approve: bool) -> Charge:
        """Answer as the guest's bank would: there is none behind this gateway.

        Raises:
            NotFound: no payment waits under that secret.
        """
        with self._books.lock:
            charge = self._books.by_secret(client_secret)
            if approve:
                return self._books.keep(replace(charge, status="succeeded", client_secret=None))
            failed = "authentication_failed"
            return self._books.keep(replace(charge, status="declined", client_secret=None, decline_code=failed))

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        """Give back ``money``, or answer what the same key got before.

        Raises:
            Invalid: it is no amount, of another currency, or more than is left.
            NotFound: there is no such payment.
            Conflict: the key was used for another payment.
        """
        with self._books.lock:
            charge = self._books.charge(charge_id)
            earlier = self._books.refunds.get(key)
            if earlier is not None:
                if earlier.charge_id != charge_id:
                    raise Conflict("this key was used for another payment")
                return earlier
            if money.currency != charge.money.currency or not 0 < money.amount <= self._books.left(charge):
                raise Invalid("no more can go back than is left of the payment, in its currency")
            made = GatewayRefund(f"re_{secrets.token_hex(8)}", key, "succeeded", money, charge_id)
            self._books.refunds[key] = made
            return made

    def verify(self, body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
        """Check the signature over the raw body, ``t=SECONDS,v1=HMAC``, then read what it tells.

        Raises:
            BadSignature: it was not signed with our secret, or too long ago.
            Invalid: it was, and makes no sense.
        """
        header = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER), "")
        parts = dict(part.partition("=")[::2] for part in header.split(",")[:2])
        moment = parts.get("t", "")
        if not (self._secret and moment.isascii() and moment.isdecimal() and len(moment) <= _LONGEST_TIME):
            raise BadSignature("the webhook is not signed")
        right = signature(self._secret, body, int(moment))
        if not hmac.compare_digest(right.encode(), header.encode("utf-8", "replace")):
            raise BadSignature("the webhook's signature is wrong")
        if abs(time.time() - int(moment)) > _TOLERANCE_SECONDS:
            raise BadSignature("the webhook's signature is too old, or from the future")
        return _understood(body)

    def ping(self) -> None:
        """Memory is always there; a service that is not raises ``dinnerkit.errors.Unavailable``, here and above."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeGateway)
def open_gateway(url: str) -> AcmeGateway:
    """``acme://PLACE?secret=…``, which signs the webhooks; ``dinnerkit config`` masks it.

    Raises:
        SettingError: the URL has another option.
    """
    parsed = parse_url(url).only("secret")
    return AcmeGateway(parsed.location, parsed.options.get("secret", ""))


def signature(secret: str, body: bytes, moment: int) -> str:
    """The header that makes ``body`` a webhook of this gateway's, sent at that time in seconds since 1970."""
    return f"t={moment},v1={hmac.new(secret.encode(), b'%d.' % moment + body, 'sha256').hexdigest()}"


def _made(key: str, money: Money, method: str) -> Charge:
    charge_id = f"ch_{secrets.token_hex(8)}"
    match _OUTCOMES[method]:
        case "declined":
            return Charge(charge_id, key, "declined", money, decline_code="card_declined")
        case "action_required":
            return Charge(charge_id, key, "action_required", money, client_secret=secrets.token_urlsafe(24))
        case _:
            return Charge(charge_id, key, "succeeded", money, fee=Money(0, money.currency))


def _understood(body: bytes) -> GatewayEvent:
    try:
        told = json.loads(body)
        event_id, kind = told["id"], told["type"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Invalid("the webhook makes no sense") from error
    if not (isinstance(event_id, str) and isinstance(kind, str) and event_id and kind):
        raise Invalid("the webhook has no id or no type")
    charge = told.get("charge") if kind.startswith("charge.") else None
    return GatewayEvent(event_id, kind, charge_id=charge if isinstance(charge, str) else None)


@dataclass(slots=True)
class _Books:
    """In place of the service: what it knows of payments by their ids, and of refunds by their keys."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, GatewayRefund] = field(default_factory=dict)

    def keep(self, charge: Charge) -> Charge:
        self.charges[charge.id] = charge
        return charge

    def charge(self, charge_id: str) -> Charge:
        if charge_id not in self.charges:
            raise NotFound("the gateway knows no such payment")
        return self.charges[charge_id]

    def by_key(self, key: str) -> Charge | None:
        return next((charge for charge in self.charges.values() if charge.key == key), None)

    def by_secret(self, client_secret: str) -> Charge:
        for charge in self.charges.values():
            known = charge.client_secret or ""
            if known and hmac.compare_digest(known.encode(), client_secret.encode()):
                return charge
        raise NotFound("no payment waits for that")

    def left(self, charge: Charge) -> int:
        if charge.status != "succeeded":
            return 0
        gone = sum(refund.money.amount for refund in self.refunds.values() if refund.charge_id == charge.id)
        return charge.money.amount - gone


_PLACES: dict[str, _Books] = {}
