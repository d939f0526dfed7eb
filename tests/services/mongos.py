"""A cluster without its router: a real config server, a real shard, and in front of that a double of mongos.

There is no mongos among the packages that tests may install. The double says on the wire that it is one. What spreads a collection it gives
to the servers as mongos does, so that these keep the catalogue and judge keys and indexes; all else goes to the shard, which is alone.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import bson
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from dinnerkit.backends.mongod.binary import find_mongod
from dinnerkit.storage import Row
from tests.services.processes import free_port, missing, wait_for
from tests.waiting import until

HOST = "127.0.0.1"

_HEADER = struct.Struct("<iiii")
_QUERY, _MESSAGE = 2004, 2013
_OF_A_MEMBER = ("setName", "setVersion", "hosts", "primary", "me", "secondary", "electionId", "lastWrite", "topologyVersion")
_MAJORITY = {"w": "majority", "wtimeout": 60_000}


class Cluster:
    """``commands`` is what was told to spread collections; ``denied`` has it refused; ``at`` is where the double listens."""

    def __init__(self, config: MongoClient[Row], shard: MongoClient[Row], behind: int) -> None:
        self.config, self.shard, self.behind = config, shard, behind
        self.commands: list[Row] = []
        self.denied = False
        self.at = 0

    def url(self, database: str) -> str:
        """The URL of a database of that name, by the double."""
        return f"mongodb://{HOST}:{self.at}/{database}"

    def spread(self, database: str) -> dict[str, Row]:
        """The collections of a database that are spread, by the catalogue, each with its key."""
        rows = self.config["config"]["collections"].find({"_id": {"$regex": f"^{database}\\."}})
        return {row["_id"].partition(".")[2]: row["key"] for row in rows}

    def answer(self, command: Row) -> Row | None:
        """The answer to what mongos does itself; None for what goes to the shard."""
        if next(iter(command)) == "find" and (command["$db"], command["find"]) == ("config", "collections"):
            rows = list(self.config["config"]["collections"].find(command["filter"]))
            return {"cursor": {"id": bson.Int64(0), "ns": "config.collections", "firstBatch": rows}, "ok": 1.0}
        if not {"enableSharding", "shardCollection"} & command.keys():
            return None
        if self.denied:
            return {"ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized on admin to execute command"}
        self.commands.append({name: value for name, value in command.items() if name in {"enableSharding", "shardCollection", "key"}})
        try:
            return self.shard_collection(command["shardCollection"], command["key"]) if "key" in command else self._enable(command)
        except OperationFailure as error:
            return {"code": error.code, "errmsg": error.details["errmsg"], "ok": 0.0} if error.details else {"ok": 0.0}

    def shard_collection(self, namespace: str, key: Row) -> Row:
        """Have the shard spread the collection, as mongos has."""
        database, _, name = namespace.partition(".")
        version = self.config["config"]["databases"].find_one({"_id": database})["version"]
        wanted = {"shardKey": key, "unique": False, "databaseVersion": version, "writeConcern": _MAJORITY}
        self.shard[database].command({"_shardsvrCreateCollection": name, **wanted})
        return {"collectionsharded": namespace, "ok": 1.0}

    def _enable(self, command: Row) -> Row:
        self.config.admin.command({"_configsvrCreateDatabase": command["enableSharding"], "writeConcern": _MAJORITY})
        return {"ok": 1.0}


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster of one shard."""
    with ExitStack() as stack:
        config, _ = stack.enter_context(_member(folder / "config", "--configsvr"))
        shard, port = stack.enter_context(_member(folder / "shard", "--shardsvr"))
        if (version := config.server_info()["version"]) and not version.startswith("6.0."):
            missing("MongoDB 6.0", f"these are the inner commands of its cluster, and this is {version}")
        config.admin.command({"_configsvrAddShard": f"shard/{HOST}:{port}", "writeConcern": _MAJORITY})
        found = Cluster(config, shard, port)

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection((HOST, found.behind)) as there:
                    while message := _read(self.request):
                        self.request.sendall(_answered(found, message, there))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        with Server((HOST, 0), Connection) as server:
            found.at = server.server_address[1]
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield found
            finally:
                server.shutdown()


@contextmanager
def _member(data: Path, role: str) -> Iterator[tuple[MongoClient[Row], int]]:
    """A mongod of that role, alone in its replica set, which is called by the folder's name; its client and port."""
    data.mkdir()
    port = free_port()
    command = [str(find_mongod()), role, "--replSet", data.name, "--port", str(port), "--bind_ip", HOST, "--dbpath", str(data)]
    small = ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"]
    with TemporaryFile("w+") as said, subprocess.Popen([*command, *small], stdout=said, stderr=subprocess.STDOUT) as process:
        try:
            wait_for(process, port, said)
            with MongoClient[Row](HOST, port, directConnection=True) as client:
                only: dict[str, Any] = {"_id": data.name, "members": [{"_id": 0, "host": f"{HOST}:{port}"}]}
                client.admin.command({"replSetInitiate": only | ({"configsvr": True} if role == "--configsvr" else {})})
                until(lambda: client.admin.command("hello")["isWritablePrimary"], f"{data.name} takes writes")
                yield client, port
        finally:
            process.kill()


def _answered(double: Cluster, message: bytes, there: socket.socket) -> bytes:
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
