"""Signatures of webhooks, in the scheme that Stripe uses: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">``."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from dinnerkit.ports.gateway import BadSignature

TOLERANCE_SECONDS = 300
"""How far the time of the signature may be from ours."""

_LONGEST_TIMESTAMP = 12


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """The header's value for ``body``."""
    return f"t={timestamp},v1={_digest(secret, body, str(timestamp))}"


def verify(secrets: Sequence[str], body: bytes, header: str, now: float) -> None:
    """Check the header's value against each of the secrets in force: there are two while they are changed.

    Raises:
        BadSignature: it is missing, malformed, too old or from the future, or was made with another secret.
    """
    parts = [part.partition("=")[::2] for part in header.split(",")[:10]]
    timestamp = next((value for name, value in parts if name.strip() == "t"), "")
    signatures = [value for name, value in parts if name.strip() == "v1"]
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _LONGEST_TIMESTAMP):
        raise BadSignature("the webhook is not signed")
    expected = [_digest(secret, body, timestamp).encode() for secret in secrets]
    # Compared as bytes, since a header may hold anything, and compare_digest takes no text but ASCII.
    given = [signature.encode("utf-8", "replace") for signature in signatures]
    if not any(hmac.compare_digest(right, signature) for right in expected for signature in given):
        raise BadSignature("the webhook's signature is wrong")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("the webhook's signature is too old, or from the future")


def _digest(secret: str, body: bytes, timestamp: str) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
