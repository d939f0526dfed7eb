"""Keys for one purpose each from the one secret, signed tokens, and the hashes of random ones."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt

from dinnerkit.accounts.errors import BadToken
from dinnerkit.errors import SettingError

SHORTEST_SECRET = 16
LONGEST_TOKEN = 2048

_ALGORITHM = "HS256"
_REMEMBERED = 4096
"""Of how many tokens the claims are remembered."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of each purpose, derived from the secret by HMAC-SHA-256, so that a token for one purpose is worth nothing for another."""

    secret: str

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise SettingError(f"secret_key has at least {SHORTEST_SECRET} characters; make one with: openssl rand -hex 32")

    def __repr__(self) -> str:
        return "Keys(***)"

    def derive(self, purpose: str) -> bytes:
        """The key of that purpose."""
        return hmac.digest(self.secret.encode(), f"dinnerkit:{purpose}".encode(), "sha256")

    def mark(self, purpose: str, text: str) -> str:
        """A keyed hash, for what must be recognised and not be read."""
        return hmac.digest(self.derive(purpose), text.encode("utf-8", "surrogatepass"), "sha256").hex()


class SignedTokens:
    """JSON Web Tokens (HS256) for one purpose."""

    def __init__(self, keys: Keys, purpose: str) -> None:
        self._key = keys.derive(purpose)
        self._purpose = purpose
        self._claims = lru_cache(maxsize=_REMEMBERED)(self._verify)

    def sign(self, claims: dict[str, Any], *, now: datetime, expires_at: datetime) -> str:
        """A token with these claims."""
        payload = {**claims, "aud": self._purpose, "iat": _seconds(now), "exp": _seconds(expires_at)}
        return jwt.encode(payload, self._key, algorithm=_ALGORITHM)

    def read(self, token: str, *, now: datetime) -> dict[str, Any]:
        """The claims of a token that we signed for this purpose, and that has not expired.

        Raises:
            BadToken: it is none.
        """
        if len(token) > LONGEST_TOKEN:
            raise BadToken("The token is not valid.")
        claims = self._claims(token)
        if claims["exp"] <= _seconds(now):
            raise BadToken("The token has expired.")
        return dict(claims)

    def _verify(self, token: str) -> dict[str, Any]:
        """What the token says, whatever the time; that it is ours does not change, so it is remembered of the latest tokens."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=self._purpose,
                options={"require": ["sub", "exp", "iat", "aud"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError):
            raise BadToken("The token is not valid.") from None
        if not isinstance(claims["exp"], int):
            raise BadToken("The token is not valid.")
        return claims


def random_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """How a random secret is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _seconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())
