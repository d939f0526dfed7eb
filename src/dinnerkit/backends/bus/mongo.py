"""The bus in MongoDB: a capped collection that publishers write to, and a change stream by which each process hears.

A process has at most one of each, whatever the number of its listeners: one thread that sends what was published, many news in one
document, and one that reads the stream. Each runs only while there is something to do.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, TypeAlias

import orjson
import pymongo
import structlog
from pymongo import WriteConcern
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure, PyMongoError

from dinnerkit.backends.bus.hub import Hub, Inbox
from dinnerkit.backends.database import MongoDatabase
from dinnerkit.errors import Unavailable
from dinnerkit.ports.bus import Bus, News, encoded
from dinnerkit.ports.urls import parse_url

log = structlog.get_logger(__name__)

COLLECTION = "bus"

_SIZE = 4 << 20
_BATCH = 200
_MOST_WAITING = 5000
_SECONDS = 3.0
"""How long a write may take, and how long a first listener waits until the stream is open."""

_AWAIT_MS = 500
_RETRY_SECONDS = 0.5
_INSERTS = [{"$match": {"operationType": "insert"}}]
_EXISTS = 48

_Database: TypeAlias = Database[dict[str, Any]]


def database(url: str) -> Bus:
    """``database://``: in the database of the documents, embedded or not; for all processes that share it.

    Raises:
        SettingError: the URL has options.
    """
    parse_url(url).only()
    return DatabaseBus()


def mongodb(url: str) -> Bus:
    """``mongodb://HOST/NAME``: in a MongoDB of its own, for news so many that the documents' should not have them.

    Raises:
        SettingError: the driver does not take the URL.
    """
    return OwnMongoBus(url)


class MongoBus:
    """Sends news by inserting them, and hears them by a change stream."""

    def __init__(self) -> None:
        self._database: _Database | None = None
        self._hub = Hub()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._outgoing: deque[dict[str, str]] = deque()
        self._lost = False
        self._sender: threading.Thread | None = None
        self._listener: threading.Thread | None = None
        self._listening = threading.Event()
        self._made = False

    def publish(self, *news: News) -> None:
        """Tell everybody who listens, in whatever process; what can't be sent is lost."""
        told = [{"topic": one.topic, "body": encoded(one)} for one in news]
        with self._lock:
            if self._closing.is_set():
                return
            if len(self._outgoing) + len(told) > _MOST_WAITING:
                self._outgoing.clear()
                self._lost = True
            self._outgoing.extend(told)
            if self._outgoing and self._sender is None:
                self._sender = threading.Thread(target=self._send, name="dinnerkit-bus-sender", daemon=True)
                self._sender.start()

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        """Listen to topics; where the database can't be reached now, the listener hears that it may have missed something."""
        inbox = self._hub.open(most)
        with self._lock:
            if self._listener is None and not self._closing.is_set():
                self._listening.clear()
                self._listener = threading.Thread(target=self._listen, name="dinnerkit-bus-listener", daemon=True)
                self._listener.start()
        for topic in topics:
            inbox.add(topic)
        if not self._listening.wait(_SECONDS):
            inbox.miss()
        return inbox

    def ping(self) -> None:
        """Reach the database.

        Raises:
            Unavailable: it can't be reached.
        """
        try:
            with pymongo.timeout(_SECONDS):
                self._of().client.admin.command("ping")
        except PyMongoError as error:
            raise Unavailable("the bus can't be reached: its database does not answer") from error

    def close(self) -> None:
        """Send what was published, if that takes no more than a moment."""
        self._closing.set()
        for thread in (self._sender, self._listener):
            if thread is not None and thread is not threading.current_thread():
                thread.join(_SECONDS)

    def _of(self) -> _Database:
        if self._database is None:
            raise RuntimeError("this bus was not given its database")
        return self._database

    def _send(self) -> None:
        """Send until nothing is left to be sent."""
        while True:
            with self._lock:
                batch = [self._outgoing.popleft() for _ in range(min(_BATCH, len(self._outgoing)))]
                lost, self._lost = self._lost, False
                if not batch and not lost:
                    self._sender = None
                    return
            try:
                with pymongo.timeout(_SECONDS):
                    self._insert({"news": batch, "lost": lost})
            except PyMongoError as error:
                log.warning("news_lost", count=len(batch), error=type(error).__name__)
                with self._lock:
                    self._lost = True
                    if self._closing.is_set():
                        self._outgoing.clear()
                        self._lost = False
                self._closing.wait(_RETRY_SECONDS)

    def _insert(self, document: dict[str, Any]) -> None:
        if not self._made:
            try:
                self._of().create_collection(COLLECTION, capped=True, size=_SIZE)
            except CollectionInvalid:
                pass
            except OperationFailure as error:
                if error.code != _EXISTS:
                    raise
            self._made = True
        self._of().get_collection(COLLECTION, write_concern=WriteConcern(w=1)).insert_one(document)

    def _listen(self) -> None:
        """Hear until nobody listens."""
        missed = False
        while not self._closing.is_set():
            try:
                with self._of()[COLLECTION].watch(_INSERTS, max_await_time_ms=_AWAIT_MS) as stream:
                    if missed:
                        self._hub.tell_missed()
                    self._listening.set()
                    while stream.alive and not self._closing.is_set():
                        self._heard(stream.try_next())
                        if self._nobody_listens():
                            return
            except (PyMongoError, LookupError, TypeError, ValueError) as error:  # of the database, or of what is no news of ours
                if not self._closing.is_set():
                    log.warning("bus_interrupted", error=type(error).__name__)
            missed = True
            self._closing.wait(_RETRY_SECONDS)
            if self._nobody_listens():
                return

    def _nobody_listens(self) -> bool:
        with self._lock:
            if len(self._hub):
                return False
            self._listener = None
            self._listening.clear()
            return True

    def _heard(self, change: dict[str, Any] | None) -> None:
        if change is None:
            return
        document = change["fullDocument"]
        if document["lost"]:
            self._hub.tell_missed()
        for one in document["news"]:
            self._hub.hand_out(News(one["topic"], orjson.loads(one["body"])))


class DatabaseBus(MongoBus):
    """The bus in the documents' own database."""

    def use(self, database: _Database) -> None:
        """Take this database."""
        self._database = database


class OwnMongoBus(MongoBus):
    """The bus in a database of its own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._own = MongoDatabase(url)
        self._database = self._own.database

    def close(self) -> None:
        """Close the connections too."""
        closed = self._closing.is_set()
        super().close()
        if not closed:  # the driver may raise where a client is closed again
            self._own.close()
