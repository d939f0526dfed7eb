"""The database backends: any MongoDB by its ``mongodb://`` URL, and an embedded one by ``embedded://PATH``."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import pymongo
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)

from dinnerkit.backends.mongod.binary import OLDEST
from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed
from dinnerkit.backends.mongod.member import Member
from dinnerkit.backends.mongod.replica import make_ready, one_line, server_url
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.connections import POOL_OPTIONS
from dinnerkit.ports.database import DatabaseBackend
from dinnerkit.ports.urls import mask_url, parse_url

DEFAULT_NAME = "dinnerkit"
"""The database's name where the URL has none."""

CLIENT_OPTIONS: dict[str, Any] = {
    "appname": "dinnerkit",
    "connectTimeoutMS": 5_000,
    "serverSelectionTimeoutMS": 5_000,
    "socketTimeoutMS": 45_000,
    "retryReads": True,
    "retryWrites": True,
    "w": "majority",
    "journal": True,
}
"""The driver's options, unless the URL says otherwise. Times in milliseconds."""

PING_SECONDS = 3.0

_WIRE_VERSION = 17
"""What a server of :data:`~dinnerkit.backends.mongod.binary.OLDEST` says of its protocol: the number of that of MongoDB 6.0."""

_NAME = re.compile(r"[^/\\. \"$*<>:|?\x00]{1,63}")

_Database: TypeAlias = Database[dict[str, Any]]


class DatabaseUnavailable(Unavailable):
    """No MongoDB server that takes writes can be reached."""

    code: ClassVar[str] = "database_unavailable"


def mongodb(url: str) -> DatabaseBackend:
    """``mongodb://HOST/NAME`` or ``mongodb+srv://…``: a replica set or sharded cluster that somebody else runs.

    The URL's options win over :data:`CLIENT_OPTIONS`. Nothing is sent before the first use.

    Raises:
        SettingError: the driver does not take the URL.
    """
    return MongoDatabase(url)


def embedded(url: str) -> DatabaseBackend:
    """``embedded://PATH?name=NAME``: a mongod of our own with its data under PATH, shared by all processes that name the same PATH.

    The options of a pool may follow, see :data:`dinnerkit.ports.connections.POOL_OPTIONS`.

    It is started if it does not run, and goes down a moment after the last process that holds it. Call this anew in a forked child; a
    parent that only holds the server may fork before it uses the database.

    Raises:
        SettingError: the URL is malformed.
        EmbeddedMongodFailed: the server can't be started.
    """
    parts = parse_url(url).only("name", *POOL_OPTIONS)
    name = parts.options.get("name", DEFAULT_NAME)
    if not parts.location:
        raise SettingError("database: embedded:// needs a path, such as embedded://./data")
    if not _NAME.fullmatch(name):
        raise SettingError(f"database: {name!r} can't be the name of a database")
    if sys.platform == "win32":
        raise EmbeddedMongodFailed("the embedded MongoDB runs on Linux and macOS; on Windows use WSL, or a mongodb:// URL")
    pool = {option: value for option, value in parts.options.items() if option in POOL_OPTIONS}
    return EmbeddedDatabase(Member(parts.path), name, pool)


class MongoDatabase:
    """A database behind a ``mongodb://`` URL."""

    def __init__(self, url: str, listeners: Sequence[ServerHeartbeatListener] = ()) -> None:
        given = {name.lower() for name in parse_url(url).options}
        options = {name: value for name, value in CLIENT_OPTIONS.items() if name.lower() not in given}
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                self._client: MongoClient[dict[str, Any]] = MongoClient(
                    url, tz_aware=True, connect=False, event_listeners=list(listeners), **options
                )
            self._database = self._client.get_default_database(DEFAULT_NAME)
        except (PyMongoError, ValueError, TypeError) as error:
            raise SettingError(f"database: {mask_url(url)!r}: {error}") from error
        ignored = [warned.message for warned in told if warned.category is UserWarning]
        if ignored:  # the driver goes on without what it can't do: a compressor that is not installed, an option that is not one
            self._client.close()
            raise SettingError(f"database: {mask_url(url)!r}: {ignored[0]}")
        self._url = url

    @property
    def database(self) -> _Database:
        """The database; connections are made on first use."""
        return self._database

    @property
    def url(self) -> str:
        """The URL as it was given, password included."""
        return self._url

    def ping(self) -> None:
        """Reach a server that takes writes, or that is read where the URL says which.

        It has :data:`PING_SECONDS`, or the URL's serverSelectionTimeoutMS, whichever is less.

        Raises:
            DatabaseUnavailable: none can be reached.
            SettingError: it is too old, or neither in a replica set nor a mongos.
        """
        try:
            with pymongo.timeout(min(PING_SECONDS, self._client.options.server_selection_timeout)):
                told = self._client.admin.command("hello", read_preference=self._client.read_preference)
        except PyMongoError as error:
            raise DatabaseUnavailable(f"MongoDB can't be reached: {one_line(error)}") from error
        if wrong := unsuitable(told):
            raise SettingError(f"database: {mask_url(self._url)!r}: {wrong}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def unsuitable(told: Mapping[str, Any]) -> str:
    """What is wrong with a server, by its answer to ``hello``; nothing where all is well."""
    if told.get("maxWireVersion", 0) < _WIRE_VERSION:
        return f"this MongoDB is too old; dinnerkit needs {OLDEST}.0 or newer"
    if "setName" not in told and told.get("msg") != "isdbgrid":
        return (
            "this MongoDB is a server by itself, and dinnerkit needs a replica set, which may be of one: "
            "start mongod with --replSet rs0 and give it rs.initiate() once"
        )
    return ""


class EmbeddedDatabase:
    """A database in the embedded server that this process holds."""

    def __init__(self, member: Member, name: str, pool: Mapping[str, str]) -> None:
        self._member = member
        try:
            make_ready(member.port, member.secret)
            options = "".join(f"&{option}={value}" for option, value in pool.items())
            self._mongo = MongoDatabase(server_url(member.port, member.secret, name) + options, [_Reviver(member)])
        except BaseException:
            member.leave()
            raise

    @property
    def database(self) -> _Database:
        """The database; connections are made on first use."""
        return self._mongo.database

    @property
    def url(self) -> str:
        """The ``mongodb://`` URL with the password, good for as long as the server runs."""
        return self._mongo.url

    def ping(self) -> None:
        """Reach the server.

        Raises:
            EmbeddedMongodFailed: it has gone and can't be started again.
            DatabaseUnavailable: it does not answer.
        """
        try:
            self._mongo.ping()
        except DatabaseUnavailable:
            if self._member.trouble:
                raise self._member.trouble from None
            raise

    def close(self) -> None:
        """Close the connections and give up the hold on the server."""
        self._mongo.close()
        self._member.leave()


class _Reviver(ServerHeartbeatListener):
    """Has the server started again when the driver finds it gone and no supervisor is at work."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Nothing to do."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """Start it again, if it is not being done."""
        self._member.revive()
