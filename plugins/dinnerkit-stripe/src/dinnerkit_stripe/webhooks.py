"""What Stripe tells: believed when it is signed, and then only as a hint where to look."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import stripe

from dinnerkit.errors import Invalid
from dinnerkit.ports.gateway import BadSignature, GatewayEvent, Subject
from dinnerkit_stripe.asking import KEY

HEADER = "stripe-signature"
TOLERANCE_SECONDS = 300

_LONGEST_HEADER = 4096


def verify(secrets: Sequence[str], body: bytes, headers: Mapping[str, str]) -> GatewayEvent:
    """Check the signature over the raw body against each secret in force, then read the notification.

    Raises:
        BadSignature: it is missing, malformed, too old, or made with another secret.
        Invalid: it is signed, and not understood.
    """
    header = next((value for name, value in headers.items() if name.lower() == HEADER), "")
    text = _decoded(body)
    if (
        text is None
        or not header.isascii()
        or len(header) > _LONGEST_HEADER
        or not any(_signed(text, header, secret) for secret in secrets)
    ):
        raise BadSignature("the webhook was not signed by Stripe, or too long ago")
    try:
        return _event(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid("the notification is not understood") from error


def _decoded(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:  # Stripe's are JSON, in UTF-8
        return None


def _signed(text: str, header: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, header, secret, TOLERANCE_SECONDS)
    except stripe.SignatureVerificationError:
        return False
    return True


def _event(event: dict[str, Any]) -> GatewayEvent:
    event_id, kind = str(event["id"]), str(event["type"])
    about = event.get("data", {}).get("object", {})
    if event.get("account"):  # of a host's account, not of our own
        return GatewayEvent(event_id, kind, account_id=str(event["account"]))
    charge_id = _charge(about)
    return GatewayEvent(event_id, kind, charge_id, _account(about), _subject(kind) if charge_id else None)


def _charge(about: dict[str, Any]) -> str | None:
    """The payment that it is about; None for another shop's on the same account."""
    match about.get("object"):
        case "payment_intent":
            return str(about["id"]) if KEY in (about.get("metadata") or {}) else None
        case "charge" | "refund" | "dispute":
            return about.get("payment_intent") or None
    return None


def _account(about: dict[str, Any]) -> str | None:
    match about.get("object"):
        case "account":
            return str(about["id"])
        case "transfer":
            return about.get("destination") or None
    return None


def _subject(kind: str) -> Subject:
    """What of a payment has changed. Stripe tells of refunds as of charges too, and of disputes as ``charge.dispute.…``."""
    if kind.startswith(("refund.", "charge.refund")):
        return "refund"
    return "dispute" if kind.startswith("charge.dispute.") else "charge"
