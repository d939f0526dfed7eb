"""A double of mongos on the wire: in front of a real mongod, says that it is a router, and takes the commands that spread collections.

There is no mongos among the packages that tests may install. All else goes to the mongod behind it and comes back as it is. What is checked
before a collection is spread is what the real one checks: that it has an index that begins with the key, and no unique one that does not.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import bson
from pymongo import MongoClient
from pymongo.uri_parser import parse_uri

from dinnerkit.storage import Row

_HEADER = struct.Struct("<iiii")
_QUERY, _REPLY, _MESSAGE = 2004, 1, 2013
_OF_A_MEMBER = ("setName", "setVersion", "hosts", "primary", "me", "secondary", "electionId", "lastWrite", "topologyVersion")


class Mongos:
    """The double; ``commands`` is what it was told to spread, and ``denies`` has it refuse that."""

    def __init__(self, behind: str, client: MongoClient[Row]) -> None:
        [self.behind] = parse_uri(behind)["nodelist"]
        self._client = client
        self.commands: list[Row] = []
        self.spread: dict[str, Row] = {}
        self.denies = False

    def answer(self, command: Row) -> Row | None:
        """The answer to what it does itself; None for what goes to the mongod."""
        if next(iter(command)) == "find" and (command["$db"], command["find"]) == ("config", "collections"):
            rows = [{"_id": namespace, "key": key} for namespace, key in self.spread.items()]
            return {"cursor": {"id": bson.Int64(0), "ns": "config.collections", "firstBatch": rows}, "ok": 1.0}
        if not {"enableSharding", "shardCollection"} & command.keys():
            return None
        if self.denies:
            return _refusal(13, "not authorized on admin to execute command")
        self.commands.append({name: value for name, value in command.items() if name in {"enableSharding", "shardCollection", "key"}})
        return self._spread(command["shardCollection"], command["key"]) if "shardCollection" in command else {"ok": 1.0}

    def _spread(self, namespace: str, key: Row) -> Row:
        database, _, name = namespace.partition(".")
        indexes = [(told["key"], told.get("unique")) for told in self._client[database][name].index_information().values()]
        begins = [
            (fields[: len(key)] == list(key.items()), [field for field, _ in fields][: len(key)] == list(key), u) for fields, u in indexes
        ]
        if namespace in self.spread:
            return _refusal(23, f"{namespace} is sharded already")
        if not any(supports for supports, _, _ in begins):
            return _refusal(
                72, f"Please create an index that starts with the proposed shard key before sharding the collection {namespace}"
            )
        if any(unique and not fits for _, fits, unique in begins):
            return _refusal(72, f"can't shard collection {namespace} with unique index")
        self.spread[namespace] = key
        return {"collectionsharded": namespace, "ok": 1.0}


@contextmanager
def mongos(behind: str, client: MongoClient[Row]) -> Iterator[tuple[Mongos, str]]:
    """The double, and the URL by which it is reached instead of the mongod ``behind``."""
    double = Mongos(behind, client)

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(double.behind) as there:
                while message := _read(self.request):
                    self.request.sendall(_answered(double, message, there))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Connection) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            parts = urlsplit(behind)
            user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
            host, port = server.server_address[:2]
            yield double, f"mongodb://{user}{host}:{port}{parts.path}?authSource=admin"
        finally:
            server.shutdown()


def _answered(double: Mongos, message: bytes, there: socket.socket) -> bytes:
    _, request, _, kind = _HEADER.unpack_from(message)
    own = double.answer(_command(message)) if kind == _MESSAGE else None
    if own is not None:
        return _message(request, own)
    there.sendall(message)
    reply = _read(there)
    start = 36 if kind == _QUERY else 21
    told = _document(reply, start)
    if "maxWireVersion" not in told:
        return reply
    hello = {name: value for name, value in told.items() if name not in _OF_A_MEMBER} | {"msg": "isdbgrid"}
    body = reply[16:start] + bson.encode(hello)
    return _HEADER.pack(16 + len(body), *_HEADER.unpack_from(reply)[1:]) + body


def _read(connection: socket.socket) -> bytes:
    head = _exactly(connection, 16)
    return head + _exactly(connection, _HEADER.unpack(head)[0] - 16) if head else b""


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            return b""
        found += part
    return found


def _command(message: bytes) -> Row:
    """The first section of an OP_MSG, which pymongo makes that of the command."""
    return _document(message, 21) if message[20] == 0 else {}


def _document(message: bytes, start: int) -> Row:
    [size] = struct.unpack_from("<i", message, start)
    document: Row = bson.decode(message[start : start + size])
    return document


def _message(answers: int, document: Row) -> bytes:
    body = bytes(5) + bson.encode(document)
    return _HEADER.pack(16 + len(body), 0, answers, _MESSAGE) + body


def _refusal(code: int, why: str) -> dict[str, Any]:
    return {"ok": 0.0, "code": code, "codeName": "Refused", "errmsg": why}
