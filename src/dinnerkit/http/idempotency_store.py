"""Where the answers to requests with an Idempotency-Key are kept."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import mongoengine
import pymongo
from bson import Binary
from pymongo import ASCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from dinnerkit.clock import Clock, utcnow
from dinnerkit.errors import Conflict, Invalid
from dinnerkit.ids import new_id
from dinnerkit.storage import Row, StoredDocument, collection

KEPT = timedelta(hours=24)
"""How long an answer is given again."""

LEASE = timedelta(seconds=60)
"""How long an attempt is believed to be running; after that it has crashed, and the next one takes over."""

_MOST_UNTOLD, _TELL_SECONDS = 10_000, 1.0
"""How many attempts are known to be over and the database is not told, and how long an answer waits for telling it."""


class IdempotencyMismatch(Invalid):
    """The key was used before, for another request."""

    code = "idempotency_mismatch"


class InProgress(Conflict):
    """The first request with this key is still running."""

    code = "in_progress"


class IdempotencyRecord(StoredDocument):
    """One key of one caller; ``_id`` is a hash of both."""

    collection_name: ClassVar[str] = "idempotency"
    meta: ClassVar[dict[str, Any]] = {"collection": "idempotency", "auto_create_index": False}
    index_models: ClassVar[tuple[IndexModel, ...]] = (IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),)

    id = mongoengine.StringField(primary_key=True)
    fingerprint = mongoengine.StringField(required=True)
    operation_id = mongoengine.StringField(required=True)
    attempt = mongoengine.StringField(required=True)
    leased_until = mongoengine.DateTimeField(required=True)
    expires_at = mongoengine.DateTimeField(required=True)
    status = mongoengine.IntField()
    headers = mongoengine.ListField(mongoengine.ListField(mongoengine.StringField()))
    body = mongoengine.BinaryField()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to carry out the request. ``operation_id`` is the same for every attempt at it, of which this may be the ``first``."""

    record_id: str
    attempt: str
    operation_id: str
    first: bool = True


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer that was given the first time."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class IdempotencyStore:
    """Decides who may carry out a request, and keeps what was answered."""

    def __init__(self, database: Database[Row], secret: bytes, clock: Clock = utcnow) -> None:
        """Make it.

        ``secret`` keys the hashes of the requests: a plain hash of one with a password in it would be a way to guess that.
        """
        self._records = collection(database, IdempotencyRecord)
        self._secret = secret
        self._clock = clock
        self._untold: deque[Attempt] = deque(maxlen=_MOST_UNTOLD)

    def fingerprint(self, *parts: bytes) -> str:
        """What tells one request from another."""
        digest = hmac.new(self._secret, digestmod="sha256")
        for part in parts:
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.hexdigest()

    def begin(self, caller: str, key: str, fingerprint: str) -> Attempt | KeptAnswer:
        """Ask for the right to carry out the request, or get the answer that it had.

        Raises:
            IdempotencyMismatch: the key was used for a request of another fingerprint.
            InProgress: another attempt is running.
        """
        self._tell()
        record_id = self.fingerprint(caller.encode(), key.encode())
        attempt = Attempt(record_id, new_id(), new_id())
        try:
            self._insert(attempt, fingerprint)
        except DuplicateKeyError:
            return self._continue(attempt, fingerprint)
        return attempt

    def finish(self, attempt: Attempt, answer: KeptAnswer) -> None:
        """Keep the answer; without effect where another attempt has taken over.

        Raises:
            PyMongoError: it could not be kept. The next attempt finds what this one has done.
        """
        found: Row = {"status": answer.status, "headers": [list(pair) for pair in answer.headers], "body": Binary(answer.body)}
        try:
            self._records.update_one({"_id": attempt.record_id, "attempt": attempt.attempt}, {"$set": found})
        except PyMongoError:
            self._untold.append(attempt)
            raise

    def release(self, attempt: Attempt) -> None:
        """Let the next attempt begin at once: this one came to no final answer, as a rule because the database is away.

        While it is, that can't be told; it is told as soon as it is back and this process is asked anything, or else the lease ends.
        """
        self._untold.append(attempt)
        with suppress(PyMongoError), pymongo.timeout(_TELL_SECONDS):
            self._tell()

    def _tell(self) -> None:
        """Tell the database of the attempts that are over and came to nothing."""
        while True:
            try:
                attempt = self._untold.popleft()
            except IndexError:
                return
            mine = {"_id": attempt.record_id, "attempt": attempt.attempt, "status": None}
            try:
                self._records.update_one(mine, {"$set": {"leased_until": self._clock()}})
            except PyMongoError:
                self._untold.append(attempt)
                raise

    def _insert(self, attempt: Attempt, fingerprint: str) -> None:
        """Store a new :class:`IdempotencyRecord`, without building and validating one, which takes longer than all else here."""
        now = self._clock()
        record: Row = {
            "_id": attempt.record_id,
            "fingerprint": fingerprint,
            "operation_id": attempt.operation_id,
            "attempt": attempt.attempt,
            "leased_until": now + LEASE,
            "expires_at": now + KEPT,
            "headers": [],
        }
        self._records.insert_one(record)

    def _continue(self, attempt: Attempt, fingerprint: str) -> Attempt | KeptAnswer:
        now = self._clock()
        self._records.delete_one({"_id": attempt.record_id, "expires_at": {"$lte": now}})
        known = self._records.find_one({"_id": attempt.record_id})
        if known is None:
            return self._begin_anew(attempt, fingerprint)
        if known["fingerprint"] != fingerprint:
            raise IdempotencyMismatch(
                "This Idempotency-Key was used for another request.", fields={"Idempotency-Key": "Used for another request."}
            )
        if known.get("status") is not None:
            return KeptAnswer(known["status"], [(name, value) for name, value in known["headers"]], bytes(known["body"]))
        taken = self._records.update_one(
            {"_id": attempt.record_id, "attempt": known["attempt"], "status": None, "leased_until": {"$lte": now}},
            {"$set": {"attempt": attempt.attempt, "leased_until": now + LEASE}},
        )
        if not taken.modified_count:
            raise InProgress("The first request with this Idempotency-Key is still running.")
        return Attempt(attempt.record_id, attempt.attempt, known["operation_id"], first=False)

    def _begin_anew(self, attempt: Attempt, fingerprint: str) -> Attempt:
        """Begin where the record went away between two looks at it.

        Raises:
            InProgress: somebody else was faster.
        """
        try:
            self._insert(attempt, fingerprint)
        except DuplicateKeyError:
            raise InProgress("The first request with this Idempotency-Key is still running.") from None
        return attempt
