"""Payments, as PaymentIntents that are confirmed as they are made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any, Final

import stripe

from dinnerkit.errors import BackendFault, Invalid, NotFound, Unavailable
from dinnerkit.ids import made_at
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, ChargeStatus
from dinnerkit_stripe.asking import KEY, Api, asking, metadata
from dinnerkit_stripe.currencies import from_stripe, to_stripe

PAGE: Final = 100
FEE: Final = "latest_charge.balance_transaction"

_KEYS_KEPT = timedelta(hours=23)
"""How long Stripe surely knows an idempotency key again: 24 hours, less one for clocks that differ."""

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How far in the future an id may seem to be made."""

_NOT_SEARCHABLE_YET = timedelta(minutes=10)
"""How long a new payment may be missing from Stripe's search: under a minute, as a rule."""

_CONFIRMATION: Final = "ctoken_"
"""How the ids begin of what Stripe's form makes in the guest's browser: a payment method, and all else that confirming takes."""

_MOST_RECENT: Final = 50 * PAGE

_STATUS: dict[str, ChargeStatus] = {
    "requires_payment_method": "declined",
    "requires_confirmation": "processing",
    "requires_action": "action_required",
    "requires_capture": "processing",
    "processing": "processing",
    "succeeded": "succeeded",
    "canceled": "cancelled",
}


class Intents:
    """The gateway's payments."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        """Take the payment; what the same key got before is the answer, as it is now."""
        params = {
            **to_stripe(money),
            "confirmation_token" if method.startswith(_CONFIRMATION) else "payment_method": method,
            "payment_method_types": ["card"],
            "confirm": True,
            "description": description,
            "metadata": {KEY: key},
            "expand": [FEE],
        }
        if not _is_young(key):
            earlier = self.find(key)
            if earlier is not None:
                return earlier
        try:
            with asking("this payment"):
                made = self._api.v1.payment_intents.create(params=params, options={"idempotency_key": f"charge:{key}"})
        except stripe.CardError as declined:
            return self._declined(key, declined)
        except NotFound as unknown:
            raise Invalid(
                "the payment method is not known", fields={"payment_method": "one that Stripe has made for this guest"}
            ) from unknown
        except Unavailable as conflict:
            # The key was used with other words; the payment that it made is the one that was asked for.
            if not isinstance(conflict.__cause__, stripe.IdempotencyError):
                raise
            return self._known(key, conflict)
        return self.retrieve(made.id) if _is_replayed(made) else charge_of(made)

    def retrieve(self, charge_id: str) -> Charge:
        """The payment as it is now."""
        with asking("this payment"):
            return charge_of(self._api.v1.payment_intents.retrieve(charge_id, params={"expand": [FEE]}))

    def find(self, key: str) -> Charge | None:
        """The payment that was made under ``key``.

        Stripe's search finds it at once among any number, and knows nothing of the latest; those are looked through one by one.

        Raises:
            Unavailable: no answer, or too many payments of late to be sure.
        """
        with asking("the payment of a key"):
            query = 'metadata["{}"]:"{}"'.format(KEY, key.replace("\\", "\\\\").replace('"', '\\"'))
            found = self._api.v1.payment_intents.search(params={"query": query, "limit": 10}).data
            mine = _of_key(found, key) or _of_key(self._recent(), key)
        return self.retrieve(mine) if mine else None

    def cancel(self, charge_id: str) -> Charge:
        """Give up a payment that has not succeeded.

        It has no key of ours: giving up twice is giving up once, and a refusal must not be remembered, as it may be possible later.
        """
        try:
            with asking("giving up this payment"):
                return charge_of(self._api.v1.payment_intents.cancel(charge_id))
        except Invalid:
            return self.retrieve(charge_id)

    def list(self, since: int, until: int) -> Iterator[Charge]:
        """Our payments that were made from the second ``since`` until before ``until``, newest first."""
        params = {"created": {"gte": since, "lt": until}, "limit": PAGE, "expand": [f"data.{FEE}"]}
        with asking("the list of payments"):
            yield from (
                charge_of(intent) for intent in self._api.v1.payment_intents.list(params=params).auto_paging_iter() if is_ours(intent)
            )

    def _recent(self) -> Iterator[Any]:
        since = int(time.time() - _NOT_SEARCHABLE_YET.total_seconds())
        listed = self._api.v1.payment_intents.list(params={"created": {"gte": since}, "limit": PAGE}).auto_paging_iter()
        yield from islice(listed, _MOST_RECENT)
        if next(listed, None) is not None:
            raise Unavailable("there were too many payments of late to look through")

    def _known(self, key: str, otherwise: Unavailable) -> Charge:
        found = self.find(key)
        if found is None:
            raise otherwise
        return found

    def _declined(self, key: str, error: stripe.CardError) -> Charge:
        answer: Any = error.json_body or {}
        intent = answer.get("error", {}).get("payment_intent")
        if not intent:  # refused before there was a payment
            raise Invalid("the payment method was refused", reason=error.code) from error
        declined = charge_of(stripe.PaymentIntent.construct_from(intent, None))
        replayed = {name.lower() for name in error.headers or {}} >= {"idempotent-replayed"}
        return self.retrieve(declined.id) if replayed else declined


def charge_of(intent: Any) -> Charge:
    """The payment that a PaymentIntent is; its key is empty where it is not ours."""
    status = _STATUS.get(intent.status, "processing")
    error = getattr(intent, "last_payment_error", None)
    return Charge(
        id=intent.id,
        key=metadata(intent),
        status=status,
        money=from_stripe(intent.amount, intent.currency),
        client_secret=intent.client_secret if status == "action_required" else None,
        decline_code=_reason(error) if status == "declined" else None,
        fee=_fee(intent),
    )


def is_ours(intent: Any) -> bool:
    """Whether a PaymentIntent, expanded, was made by dinnerkit: an account at Stripe may serve other shops too."""
    return bool(intent) and not isinstance(intent, str) and bool(metadata(intent))


def _reason(error: Any) -> str:
    return str(getattr(error, "decline_code", None) or getattr(error, "code", None) or "generic_decline")


def _fee(intent: Any) -> Money | None:
    booked = getattr(getattr(intent, "latest_charge", None), "balance_transaction", None)
    if booked is None or isinstance(booked, str) or booked.currency != intent.currency:
        return None
    try:
        return from_stripe(booked.fee, booked.currency)
    except BackendFault:  # a fraction of the smallest coin, which the books can't hold
        return None


def _of_key(intents: Any, key: str) -> str | None:
    return next((intent.id for intent in intents if metadata(intent) == key), None)


def _is_young(key: str) -> bool:
    """Whether Stripe still knows an idempotency key of that id's age again; of one that tells of a time to come nobody knows its age."""
    try:
        age = time.time() - made_at(key).timestamp()
    except ValueError:  # no id of ours
        return False
    return -_CLOCKS_DIFFER.total_seconds() <= age < _KEYS_KEPT.total_seconds()


def _is_replayed(made: Any) -> bool:
    """Whether Stripe answered what it had kept, and so how things were and not how they are."""
    headers = getattr(made.last_response, "headers", None) or {}
    return any(name.lower() == "idempotent-replayed" for name in headers)
