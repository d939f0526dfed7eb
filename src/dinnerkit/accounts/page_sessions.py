"""The browsers that are signed in: an opaque cookie, and a session in a store on the server.

The cookie holds 256 random bits and says nothing of whose it is. The store has their hash, the user's id and a mark of the user's stamp,
sealed with a key of ours. The stamp is read with the user on each page, and changes with the password and when the user signs out
everywhere: so all sessions end by one write to one document, at once, and whether or not the store can be reached.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import orjson
import structlog
from pymongo.database import Database

from dinnerkit.accounts.documents import MOST_PAGE_SESSIONS, UserDocument
from dinnerkit.accounts.secrecy import Keys, digest, random_secret
from dinnerkit.clock import Clock
from dinnerkit.errors import Unavailable
from dinnerkit.identity import Principal, Role
from dinnerkit.ports.sessions import SessionStore, StoredSession
from dinnerkit.retry import Breaker
from dinnerkit.storage import Row, collection

PAGE_SESSION = timedelta(hours=24)
"""How long a page session lives after its last use."""

LONGEST_PAGE_SESSION = timedelta(days=30)
"""How long it lives at most, however much it is used."""

_PROLONG_AFTER = timedelta(minutes=30)
_REST_SECONDS = 1.0
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_MARK_BYTES = 32

log = structlog.get_logger(__name__)


class SessionsUnavailable(Unavailable):
    """Who is signed in can't be found out now: the store of sessions can't be reached."""

    code: ClassVar[str] = "sessions_unavailable"


@dataclass(frozen=True, slots=True)
class PageSession:
    """A browser that is signed in. ``token`` goes into its cookie, ``csrf`` into its forms."""

    token: str
    csrf: str
    principal: Principal
    name: str


class PageSessions:
    """Opens, finds and ends the sessions of browsers.

    A store that has just failed to answer is left alone for a second, so that not each page waits for it.
    """

    def __init__(self, database: Database[Row], store: SessionStore, keys: Keys, clock: Clock) -> None:
        self._users = collection(database, UserDocument)
        self._store = store
        self._keys = keys
        self._seal = keys.derive("page-sessions")
        self._clock = clock
        self._breaker = Breaker(_REST_SECONDS)

    def open(self, user: Row) -> PageSession:
        """Sign a browser in, with a token that nobody has seen before, as the user of that row with ``role``, ``name`` and ``stamp``.

        Raises:
            SessionsUnavailable: the store can't be reached, or takes nothing.
        """
        token = random_secret()
        key = digest(token)
        value = orjson.dumps({"user": user["_id"], "stamp": digest(user["stamp"]), "at": self._clock()})
        try:
            self._store.put(key, self._mark(key, value) + value, int(PAGE_SESSION.total_seconds()))
        except Exception as error:
            raise _unavailable("session_not_opened", error) from error
        self._end_the_oldest(user["_id"], key)
        return self._page_session(token, user)

    def find(self, token: str) -> PageSession | None:
        """The session of that cookie, its life prolonged; None where it has none.

        Raises:
            SessionsUnavailable: the store can't be reached, so that nobody knows.
        """
        if not _TOKEN.fullmatch(token):
            return None
        key = digest(token)
        kept = self._kept(key)
        said = None if kept is None else self._unsealed(key, kept.value)
        if kept is None or said is None:
            return None
        row = self._users.find_one({"_id": said["user"]}, {"role": 1, "name": 1, "stamp": 1})
        if row is None or not hmac.compare_digest(digest(row["stamp"]), said["stamp"]):
            return None
        begun = datetime.fromisoformat(said["at"])
        left = begun + LONGEST_PAGE_SESSION - self._clock()
        if left <= timedelta(0):
            return None
        self._prolong(key, kept, min(PAGE_SESSION, left))
        return self._page_session(token, row)

    def close(self, token: str) -> None:
        """End the session of that cookie, if there is one.

        Raises:
            SessionsUnavailable: the store can't be reached; it goes on, for a day at most, for whoever has the cookie.
        """
        if not _TOKEN.fullmatch(token):
            return
        try:
            self._store.delete(digest(token))
        except Exception as error:
            raise _unavailable("session_not_ended", error) from error

    def _end_the_oldest(self, user_id: str, key: str) -> None:
        """Note the session with its user, and end those that this makes too many."""
        noted = {"$push": {"page_sessions": {"$each": [key], "$slice": -MOST_PAGE_SESSIONS}}}
        before = self._users.find_one_and_update({"_id": user_id}, noted, projection={"page_sessions": 1}) or {}
        known = before.get("page_sessions", [])
        for oldest in known[: max(0, len(known) + 1 - MOST_PAGE_SESSIONS)]:
            try:
                self._store.delete(oldest)
            except Exception as error:  # noqa: BLE001 - every driver has errors of its own, and it ends by itself
                log.warning("session_not_ended", error=type(error).__name__)

    def _kept(self, key: str) -> StoredSession | None:
        if not self._breaker.lets():
            raise SessionsUnavailable("Who is signed in can't be found out now; try again in a moment.")
        try:
            found = self._store.get(key)
        except Exception as error:
            self._breaker.failed()
            raise _unavailable("session_not_found_out", error) from error
        self._breaker.worked()
        return found

    def _prolong(self, key: str, kept: StoredSession, life: timedelta) -> None:
        if kept.seconds >= (life - _PROLONG_AFTER).total_seconds():
            return
        try:
            self._store.prolong(key, max(1, int(life.total_seconds())))
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own, and the session is as good as it was
            log.warning("session_not_prolonged", error=type(error).__name__)

    def _unsealed(self, key: str, sealed: bytes) -> Row | None:
        mark, value = sealed[:_MARK_BYTES], sealed[_MARK_BYTES:]
        if not hmac.compare_digest(mark, self._mark(key, value)):
            log.warning("session_forged")  # or the secret key is another now
            return None
        said: Row = orjson.loads(value)
        return said

    def _mark(self, key: str, value: bytes) -> bytes:
        return hmac.digest(self._seal, key.encode() + value, "sha256")

    def _page_session(self, token: str, user: Row) -> PageSession:
        principal = Principal(user["_id"], Role(user["role"]))
        return PageSession(token, self._keys.mark("csrf", token), principal, user["name"])


def _unavailable(event: str, error: Exception) -> SessionsUnavailable:
    log.warning(event, error=type(error).__name__)
    return SessionsUnavailable("Our sessions can't be reached now; try again in a moment.")
