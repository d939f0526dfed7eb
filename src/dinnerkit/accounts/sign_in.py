"""Signing in: passwords, and access tokens with rotating refresh tokens for programs. Browsers have :mod:`page_sessions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import structlog
from pymongo.database import Database

from dinnerkit.accounts.addresses import Addresses
from dinnerkit.accounts.attempts import AttemptLimit, Attempts, Tried
from dinnerkit.accounts.documents import MOST_SESSIONS, UserDocument
from dinnerkit.accounts.errors import BadCredentials, BadToken
from dinnerkit.accounts.page_sessions import PageSession, PageSessions
from dinnerkit.accounts.passwords import LONGEST, Passwords
from dinnerkit.accounts.rules import email_address
from dinnerkit.accounts.secrecy import LONGEST_TOKEN, Keys, SignedTokens, digest, random_secret
from dinnerkit.clock import Clock
from dinnerkit.errors import Invalid
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.joint_reads import JointReads
from dinnerkit.storage import Row, collection

SIGN_IN_LIMIT = AttemptLimit("sign-in", 10, timedelta(minutes=15))
"""Wrong passwords for one address before it has to wait; one less where the right one was the first to be tried."""

SUSPICIOUS_ATTEMPTS = 3
"""After so many wrong passwords for one address a captcha is asked."""

_CREDENTIALS = {"password": 1, "role": 1, "name": 1, "stamp": 1}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a program gets when it signs in; ``expires_in`` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a kind of token


class SignInService:
    """Lets users in and out.

    A refresh token is ``user.family.secret``: where the session lies, the secret of its family, and the one that changes each time it is
    used. A token with the right family and an old secret was used twice, by its owner and by a thief: the family is revoked. Without the
    family's secret, which no access token holds, nobody can have it revoked.
    """

    def __init__(
        self,
        database: Database[Row],
        addresses: Addresses,
        passwords: Passwords,
        attempts: Attempts,
        pages: PageSessions,
        keys: Keys,
        clock: Clock,
        *,
        access_token_seconds: int = 900,
        refresh_token_seconds: int = 2_592_000,
    ) -> None:
        self._addresses = addresses
        self._users = collection(database, UserDocument)
        self._passwords = passwords
        self._attempts = attempts
        self._pages = pages
        self._clock = clock
        self._access = timedelta(seconds=access_token_seconds)
        self._refresh = timedelta(seconds=refresh_token_seconds)
        self._access_tokens = SignedTokens(keys, "access")
        self._roles: JointReads[None, tuple[str, str], str | None] = JointReads(self._read_roles)

    def login(self, email: str, password: str) -> TokenPair:
        """Sign a program in.

        Raises:
            BadCredentials: they don't belong together, or nobody has the address: the same time and text.
            TooManyAttempts: too many wrong passwords for this address; wait.
        """
        key = _key(email)
        tried = self._attempts.count(SIGN_IN_LIMIT, key)
        if tried.password is not None and self._passwords.outdated(tried.password):
            tried = Tried(tried.count)  # the road that makes it anew
        session_id, family, secret = new_id(), random_secret(), random_secret()
        session = {"id": session_id, "key": digest(family), "secret": digest(secret)}
        user_id = self._recalled(key, tried, password, session)
        if user_id is None:
            user = self._checked(key, password, refused=tried.password)
            user_id = user["_id"]
            if not self._add_session(user_id, key, user["password"], session):
                raise _bad_credentials()
            self._attempts.remember(SIGN_IN_LIMIT, key, tried, user=user_id, password=user["password"])
        return self._pair(user_id, session_id, family, secret)

    def refresh(self, refresh_token: str) -> TokenPair:
        """Exchange a refresh token for new tokens. Of two at once with the same token one wins, and counts for nothing: both are out.

        Raises:
            BadToken: it is not valid any more; where it was used before, the whole session has ended.
        """
        user_id, family, secret = _parts(refresh_token, 3)
        now, new_secret = self._clock(), random_secret()
        session = {"key": digest(family), "secret": digest(secret), "expires_at": {"$gt": now}}
        row = self._users.find_one_and_update(
            {"_id": user_id, "sessions": {"$elemMatch": session}},
            {"$set": {"sessions.$.secret": digest(new_secret), "sessions.$.expires_at": now + self._refresh}},
            projection={"sessions": {"$elemMatch": {"key": session["key"]}}},
        )
        if row is None:
            if self._end(user_id, {"key": session["key"]}):
                log.warning("refresh_token_reused", user_id=user_id)
            raise BadToken("The refresh token is not valid; sign in again.")
        return self._pair(user_id, row["sessions"][0]["id"], family, new_secret)

    def authenticate(self, access_token: str) -> Principal:
        """Whose the access token is: read by ``_id`` each time, so that a session that has ended or a role that was changed counts at once.

        Raises:
            BadToken: it is not valid, has expired, or its session has ended.
        """
        claims = self._access_tokens.read(access_token, now=self._clock())
        user_id = claims["sub"]
        role = self._roles.ask(None, (user_id, claims.get("sid", "")))
        if role is None:
            raise BadToken("The session has ended; sign in again.")
        return Principal(user_id, Role(role))

    def logout(self, access_token: str) -> None:
        """End the session of the access token; its refresh token and all its access tokens are worth nothing from now on.

        Raises:
            BadToken: the access token is not valid.
        """
        claims = self._access_tokens.read(access_token, now=self._clock())
        self._end(claims["sub"], {"id": claims.get("sid")})

    def open_session(self, email: str, password: str) -> PageSession:
        """Sign a browser in. A password that is set meanwhile has changed the stamp, so the session is worth nothing then.

        Raises:
            BadCredentials: as for :meth:`login`.
            TooManyAttempts: as for :meth:`login`.
            SessionsUnavailable: the store of sessions can't be reached.
        """
        key = _key(email)
        tried = self._attempts.count(SIGN_IN_LIMIT, key)
        user = self._checked(key, password)
        if tried.count > 1:
            self._attempts.remember(SIGN_IN_LIMIT, key, tried, user=user["_id"], password=user["password"])
        return self._pages.open(user)

    def suspected(self, email: str) -> bool:
        """Whether wrong passwords were tried for this address lately, whoever did it and whether or not anybody has it."""
        return self._attempts.made(SIGN_IN_LIMIT, _key(email)) >= SUSPICIOUS_ATTEMPTS

    def sign_out_everywhere(self, user_id: str) -> None:
        """End all sessions of the user, of programs and of browsers, at once. Links that were mailed to set a password lose their worth."""
        self._users.update_one({"_id": user_id}, {"$set": {"stamp": random_secret(), "sessions": []}})

    def _read_roles(self, _: None, sessions: Sequence[tuple[str, str]]) -> list[str | None]:
        """For each user and session the user's role; None where there is no such session."""
        if len(sessions) == 1:
            ((user_id, session_id),) = sessions
            row = self._users.find_one({"_id": user_id, "sessions.id": session_id}, {"role": 1})
            return [row["role"] if row else None]
        users, ids = zip(*sessions, strict=True)
        rows = self._users.find({"_id": {"$in": list(users)}, "sessions.id": {"$in": list(ids)}}, {"role": 1, "sessions.id": 1})
        found = {(row["_id"], session["id"]): row["role"] for row in rows for session in row["sessions"]}
        return [found.get(session) for session in sessions]

    def _recalled(self, key: str, tried: Tried, password: str, session: Row) -> str | None:
        """Sign in who did so before by what was noted then, which saves looking the address and its user up; their id.

        None where the password is another, or what was noted is not true any more. The address is looked up then, so that a wrong
        password takes as many questions, and one hash, whether or not anybody has the address, or has signed in.
        """
        if tried.user is None or tried.password is None or not self._passwords.matches(tried.password, password[: LONGEST + 1]):
            return None
        if not self._add_session(tried.user, key, tried.password, session):
            return None
        # A single one that worked may count for the rest of its window: it leaves less to guess with, and is a write less.
        if tried.count > 1:
            self._attempts.remember(SIGN_IN_LIMIT, key, tried, user=tried.user, password=tried.password)
        return tried.user

    def _checked(self, key: str, password: str, *, refused: str | None = None) -> Row:
        """The user whose address and password these are; ``refused`` is a hash that the password was compared with already."""
        row = self._addresses.user(key, _CREDENTIALS)
        kept = row.get("password") if row else None
        fits = (kept is None or kept != refused) and self._passwords.matches(kept, password[: LONGEST + 1])
        if not fits or row is None or kept is None:
            raise _bad_credentials()
        if self._passwords.outdated(kept):
            row["password"] = self._passwords.hash(password)
            self._users.update_one({"_id": row["_id"], "password": kept}, {"$set": {"password": row["password"]}})
        return row

    def _add_session(self, user_id: str, key: str, password: str, session: Row) -> bool:
        """Add it, but only while the address and the password are those that were checked; whether they were.

        A reset in between has ended all sessions, and this must not be left over.
        """
        now = self._clock()
        session = session | {"created_at": now, "expires_at": now + self._refresh}
        added = self._users.update_one(
            {"_id": user_id, "email_key": key, "password": password},
            {"$push": {"sessions": {"$each": [session], "$slice": -MOST_SESSIONS}}},
        )
        return bool(added.modified_count)

    def _end(self, user_id: str, session: Row) -> bool:
        return bool(self._users.update_one({"_id": user_id}, {"$pull": {"sessions": session}}).modified_count)

    def _pair(self, user_id: str, session_id: str, family: str, secret: str) -> TokenPair:
        now = self._clock()
        claims: dict[str, Any] = {"sub": user_id, "sid": session_id}
        access = self._access_tokens.sign(claims, now=now, expires_at=now + self._access)
        return TokenPair(access, f"{user_id}.{family}.{secret}", int(self._access.total_seconds()))


def _parts(token: str, number: int) -> list[str]:
    """What a token consists of; a user's id may have dots in it."""
    parts = token.rsplit(".", number - 1)
    if len(token) > LONGEST_TOKEN or not token.isprintable() or len(parts) != number or not all(parts):
        raise BadToken("The token is not valid.")
    return parts


def _bad_credentials() -> BadCredentials:
    return BadCredentials("The e-mail address and the password don't belong together.")


def _key(email: str) -> str:
    try:
        return email_address(email).key
    except Invalid:
        return email.encode("utf-8", "replace").decode()
