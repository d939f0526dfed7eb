"""Signed tokens: what is remembered of them changes no answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dinnerkit.accounts.errors import BadToken
from dinnerkit.accounts.secrecy import Keys, SignedTokens

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SECRET = "only-for-tests-" * 3


def tokens(purpose: str = "access", secret: str = SECRET) -> SignedTokens:
    return SignedTokens(Keys(secret), purpose)


def test_a_token_that_was_read_before_expires_all_the_same() -> None:
    signer = tokens()
    token = signer.sign({"sub": "anna"}, now=NOW, expires_at=NOW + timedelta(minutes=1))
    assert signer.read(token, now=NOW)["sub"] == "anna"
    assert signer.read(token, now=NOW + timedelta(seconds=59))["sub"] == "anna"
    with pytest.raises(BadToken):
        signer.read(token, now=NOW + timedelta(minutes=1))


def test_what_one_caller_does_to_the_claims_no_other_sees() -> None:
    signer = tokens()
    token = signer.sign({"sub": "anna"}, now=NOW, expires_at=NOW + timedelta(minutes=1))
    signer.read(token, now=NOW)["sub"] = "ben"
    assert signer.read(token, now=NOW)["sub"] == "anna"


def test_a_token_read_for_one_purpose_or_by_one_key_is_worth_nothing_for_another() -> None:
    signer = tokens()
    token = signer.sign({"sub": "anna"}, now=NOW, expires_at=NOW + timedelta(minutes=1))
    signer.read(token, now=NOW)
    for other in (tokens("verification"), tokens(secret="another-secret-" * 3)):
        with pytest.raises(BadToken):
            other.read(token, now=NOW)


def test_a_token_changed_by_a_letter_is_refused_however_often_the_true_one_was_read() -> None:
    signer = tokens()
    token = signer.sign({"sub": "anna"}, now=NOW, expires_at=NOW + timedelta(minutes=1))
    signer.read(token, now=NOW)
    head, payload, signature = token.split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    for _ in range(2):
        with pytest.raises(BadToken):
            signer.read(f"{head}.{payload}.{changed}", now=NOW)
