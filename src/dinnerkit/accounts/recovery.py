"""What goes by mail: the verification of an address, and a new password for who has forgotten the old.

The links carry signed tokens rather than random ones that are kept: the mail is written by a handler that may run twice, long after the
request, and no secret may lie in the outbox until then. A signed token can be made whenever a mail is sent, twice for a repeated mail, and
is used up by a change of what it was made for: a verified address needs none, and a new password changes the user's stamp.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pymongo.database import Database

from dinnerkit.accounts.addresses import Addresses
from dinnerkit.accounts.attempts import AttemptLimit, Attempts
from dinnerkit.accounts.documents import UserDocument
from dinnerkit.accounts.errors import BadToken, TooManyAttempts
from dinnerkit.accounts.messages import PasswordChanged, PasswordResetRequested, VerificationRequested
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.accounts.rules import email_address
from dinnerkit.accounts.secrecy import Keys, SignedTokens, digest, random_secret
from dinnerkit.accounts.sign_in import SIGN_IN_LIMIT
from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.ids import new_id
from dinnerkit.storage import Row, collection

VERIFICATION_LIFE = timedelta(days=3)
RESET_LIFE = timedelta(hours=1)
MAIL_LIMIT = AttemptLimit("mail", 5, timedelta(hours=1))
"""Mails of one kind that one user can ask for."""


class RecoveryService:
    """Makes and takes the tokens that are sent by mail."""

    def __init__(
        self, database: Database[Row], addresses: Addresses, passwords: Passwords, attempts: Attempts, keys: Keys, clock: Clock
    ) -> None:
        self._addresses = addresses
        self._users = collection(database, UserDocument)
        self._passwords = passwords
        self._attempts = attempts
        self._clock = clock
        self._outbox = Outbox(clock)
        self._verifications = SignedTokens(keys, "verification")
        self._resets = SignedTokens(keys, "password-reset")

    def verification_token(self, user_id: str) -> str | None:
        """The token for the link that verifies the user's address, for whoever writes the mail; None where there is nothing to verify."""
        row = self._users.find_one({"_id": user_id, "verified_at": None}, {"email_key": 1})
        if row is None:
            return None
        return self._sign(self._verifications, user_id, row["email_key"], VERIFICATION_LIFE)

    def reset_token(self, user_id: str) -> str | None:
        """The token for the link that sets a new password, for whoever writes the mail; None where the user is gone."""
        row = self._users.find_one({"_id": user_id}, {"stamp": 1})
        return self._sign(self._resets, user_id, row["stamp"], RESET_LIFE) if row else None

    def request_verification(self, user_id: str) -> None:
        """Have the verification mail sent again; nothing happens where the address is verified.

        Raises:
            TooManyAttempts: that was asked for too often.
        """
        self._attempts.count(MAIL_LIMIT, f"verification:{user_id}")
        message = VerificationRequested(user_id=user_id, request_id=new_id())
        self._users.update_one({"_id": user_id, "verified_at": None}, {"$push": self._outbox.push(message)})

    def verify_email(self, token: str) -> str:
        """Take the address as verified; returns the user's id.

        Raises:
            BadToken: the token is not valid, has expired, or was used.
        """
        claims = self._verifications.read(token, now=self._clock())
        row = self._users.find_one({"_id": claims["sub"], "verified_at": None}, {"email_key": 1})
        if row is None or digest(row["email_key"]) != claims.get("state"):
            raise BadToken("The link was used before, or is not valid.")
        verified = self._users.update_one(
            {"_id": row["_id"], "email_key": row["email_key"], "verified_at": None}, {"$set": {"verified_at": self._clock()}}
        )
        if not verified.modified_count:
            raise BadToken("The link was used before, or is not valid.")
        return str(row["_id"])

    def request_password_reset(self, email: str) -> None:
        """Have a link to set a new password mailed. Says nothing of whether anybody has the address, nor of too many requests.

        Raises:
            Invalid: it is not an address.
        """
        key = email_address(email).key
        try:
            self._attempts.count(MAIL_LIMIT, f"reset:{key}")
        except TooManyAttempts:
            return
        row = self._addresses.user(key, {"_id": 1})
        if row is not None:
            message = PasswordResetRequested(user_id=row["_id"], request_id=new_id())
            self._users.update_one({"_id": row["_id"]}, {"$push": self._outbox.push(message)})

    def reset_password(self, token: str, password: str) -> str:
        """Set a new password, and end all sessions; returns the user's id. Who got the mail has proved the address, too.

        Raises:
            BadToken: the token is not valid, has expired, or was used.
            WeakPassword: the password is too short, too common or too easy to guess.
        """
        claims = self._resets.read(token, now=self._clock())
        row = self._users.find_one({"_id": claims["sub"]}, {"stamp": 1, "email": 1, "email_key": 1, "name": 1, "verified_at": 1})
        if row is None or digest(row["stamp"]) != claims.get("state"):
            raise BadToken("The link was used before, or is not valid.")
        self._passwords.check(password, about=(row["email"], row["name"]))
        now = self._clock()
        changed: dict[str, Any] = {
            "password": self._passwords.hash(password),
            "stamp": random_secret(),
            "sessions": [],
            "verified_at": row.get("verified_at") or now,
        }
        message = PasswordChanged(user_id=row["_id"], change_id=new_id())
        done = self._users.update_one({"_id": row["_id"], "stamp": row["stamp"]}, {"$set": changed, "$push": self._outbox.push(message)})
        if not done.modified_count:
            raise BadToken("The link was used before, or is not valid.")
        self._attempts.clear(SIGN_IN_LIMIT, row["email_key"])
        return str(row["_id"])

    def _sign(self, tokens: SignedTokens, user_id: str, state: str, life: timedelta) -> str:
        now = self._clock()
        return tokens.sign({"sub": user_id, "state": digest(state)}, now=now, expires_at=now + life)
