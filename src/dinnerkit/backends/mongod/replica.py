"""Making a mongod that listens a replica set of one member, with one user; safe to repeat, and to run side by side."""

from __future__ import annotations

import time
from typing import Any, TypeAlias

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError, ServerSelectionTimeoutError

from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed
from dinnerkit.backends.mongod.layout import HOST, REPLICA_SET

USER = "dinnerkit"
READY_SECONDS = 60.0
"""How long to wait for a primary. If the port had to change and who has the old one is silent, mongod itself waits 30 s for an answer."""

_POLL_SECONDS = 0.005

_AUTHENTICATION_FAILED = 18
_ALREADY_INITIALIZED = 23
_USER_EXISTS = 51003

_Client: TypeAlias = MongoClient[dict[str, Any]]


def server_url(port: int, secret: str, name: str) -> str:
    """The URL by which clients reach the database of that name."""
    return f"mongodb://{USER}:{secret}@{HOST}:{port}/{name}?replicaSet={REPLICA_SET}&authSource=admin"


def make_ready(port: int, secret: str) -> None:
    """Return once the server takes writes from its user.

    Raises:
        EmbeddedMongodFailed: it did not within :data:`READY_SECONDS`.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            _set_up(f"{HOST}:{port}", secret, deadline)
        except PyMongoError as error:  # another process may be setting up the same, or mongod has just been started again
            if time.monotonic() > deadline:
                raise EmbeddedMongodFailed(f"the embedded MongoDB takes no writes: {one_line(error)}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def one_line(error: PyMongoError) -> str:
    """What the driver says, without the description of the topology that it appends."""
    text = " ".join(str(error).split()).split(", Timeout: ")[0].split(" (configured timeouts: ")[0]
    return text if len(text) <= 300 else f"{text[:299]}…"  # noqa: PLR2004 - enough to recognise it by


def _set_up(address: str, secret: str, deadline: float) -> None:
    try:
        with _connected(address, USER, secret, "admin") as client:
            _become_primary(client, address, deadline)
    except OperationFailure as error:
        if error.code != _AUTHENTICATION_FAILED:
            raise
        with _connected(address, "__system", secret, "local") as client:  # whoever has the key file is the server's equal
            _become_primary(client, address, deadline)
            _make_user(client, secret)


def _connected(address: str, user: str, secret: str, source: str) -> _Client:
    return MongoClient(
        address,
        username=user,
        password=secret,
        authSource=source,
        authMechanism="SCRAM-SHA-256",
        directConnection=True,
        serverSelectionTimeoutMS=2000,
    )


def _become_primary(client: _Client, address: str, deadline: float) -> None:
    while time.monotonic() < deadline:
        hello = client.admin.command("hello")
        if hello["isWritablePrimary"] and hello["me"] == address:
            return
        if "setName" not in hello or hello["isWritablePrimary"]:
            _configure(client, address)
        time.sleep(_POLL_SECONDS)
    raise ServerSelectionTimeoutError("no primary was elected")


def _configure(client: _Client, address: str) -> None:
    """Make the set, or tell it that its member has moved to another port."""
    settings = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 500}
    config = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": address}], "settings": settings}
    try:
        client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise
        present = client.admin.command("replSetGetConfig")["config"]
        if present["members"][0]["host"] != address:
            moved = {**present, "version": present["version"] + 1, "members": config["members"]}
            client.admin.command("replSetReconfig", moved, force=True)


def _make_user(client: _Client, secret: str) -> None:
    """The one user; with a new password where the key file was lost and made anew."""
    options: dict[str, Any] = {"pwd": secret, "roles": ["root"], "mechanisms": ["SCRAM-SHA-256"]}
    try:
        client.admin.command("createUser", USER, **options)
    except OperationFailure as error:
        if error.code != _USER_EXISTS:
            raise
        client.admin.command("updateUser", USER, **options)
