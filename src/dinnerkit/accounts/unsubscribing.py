"""No more reminders: by one click in a mail, without signing in (RFC 8058)."""

from __future__ import annotations

from datetime import timedelta

from dinnerkit.accounts.secrecy import Keys, SignedTokens
from dinnerkit.accounts.service import AccountService
from dinnerkit.clock import Clock

LINK_LIFE = timedelta(days=365)
"""How long the link in a mail works: people tidy up late."""


class Unsubscribing:
    """Makes and takes the tokens of the links that end reminders. They can do nothing else, and may be used again."""

    def __init__(self, accounts: AccountService, keys: Keys, clock: Clock) -> None:
        self._accounts = accounts
        self._tokens = SignedTokens(keys, "unsubscribe")
        self._clock = clock

    def token(self, user_id: str) -> str:
        """The token for a link in a mail to the user."""
        now = self._clock()
        return self._tokens.sign({"sub": user_id}, now=now, expires_at=now + LINK_LIFE)

    def check(self, token: str) -> str:
        """Whose token it is.

        Raises:
            BadToken: it is not one of ours, or too old.
        """
        user_id: str = self._tokens.read(token, now=self._clock())["sub"]
        return user_id

    def stop(self, token: str) -> None:
        """Send its user no more reminders; a second call changes nothing.

        Raises:
            BadToken: it is not one of ours, or too old.
            NoSuchUser: the user is gone.
        """
        self._accounts.update_profile(self.check(token), {"reminders": False})
