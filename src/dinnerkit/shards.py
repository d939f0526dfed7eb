"""By which key each collection is spread over the shards of a cluster, in one place; docs/database.md argues for each.

A key must be in what the collection's documents are changed by: ``mongos`` refuses to find and change one document without it. And a
unique index must begin with it, since each shard looks after its own documents alone; the same holds for ``_id``, which is unique all the
same where it follows from the key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pymongo.database import Database
from pymongo.errors import OperationFailure

from dinnerkit.errors import SettingError

ShardKey: TypeAlias = Mapping[str, str | int]
"""As the driver writes it: ``{"user": "hashed"}``."""

_BY_ID: Final[ShardKey] = MappingProxyType({"_id": "hashed"})

SHARD_KEYS: Final[Mapping[str, ShardKey]] = MappingProxyType(
    {
        "users": _BY_ID,
        "addresses": _BY_ID,
        "events": _BY_ID,
        "bookings": MappingProxyType({"user": "hashed"}),
        "payments": MappingProxyType({"reference": "hashed"}),
        "seatings": MappingProxyType({"event": "hashed"}),
        "feedback": _BY_ID,
        "ledger": _BY_ID,
        "payouts": _BY_ID,
        "gateway_notifications": _BY_ID,
        "deliveries": _BY_ID,
        "idempotency": _BY_ID,
        "attempts": _BY_ID,
        "sessions": _BY_ID,
        "captcha_answers": _BY_ID,
    }
)
"""The collections that are spread."""

WHOLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "payees": "an account at the gateway is unique among all payees; one small document for each host who is paid",
        "vouchers": "a code is unique among all vouchers; some for each host",
        "feeds": "one small document for each host with a calendar",
        "reconciliations": "one a day",
        "dead_letters": "what waits for a person",
        "job_records": "one for each queue",
        "leases": "one for each thing that only one worker does",
        "figures": "one",
        "bus": "capped, and capped collections can't be spread",
        "search_events": "every search would ask every shard; where they are too many for one, Elasticsearch has them",
        "search_words": "with search_events",
        "search_phrases": "with search_events",
        "search_state": "one",
    }
)
"""The collections that stay on one shard, and why."""


def located(collection: str, row: Mapping[str, object]) -> dict[str, object]:
    """What names one document, so that ``mongos`` knows on which shard it is: its id, and the fields of its collection's key."""
    return {name: row[name] for name in ("_id", *SHARD_KEYS.get(collection, ())) if name in row}


OUTDATED: Final[Mapping[str, frozenset[str]]] = MappingProxyType({"users": frozenset({"email"}), "payments": frozenset({"live"})})
"""Unique indexes of earlier versions, which others have taken the place of, and which would not let their collection be spread."""


def shell_lines(database: str) -> list[str]:
    """The commands that :func:`spread` gives, for who gives them by hand in ``mongosh``."""
    lines = [f"sh.enableSharding({json.dumps(database)})"]
    for name, key in SHARD_KEYS.items():
        rows, fields = f"db.getSiblingDB({json.dumps(database)}).getCollection({json.dumps(name)})", json.dumps(dict(key))
        lines.append(f"{rows}.createIndex({fields})")
        lines.append(f"sh.shardCollection({json.dumps(f'{database}.{name}')}, {fields})")
    return lines


def spread(database: Database[dict[str, Any]]) -> list[str]:
    """Spread the collections over the shards of the cluster; the names of those that were not yet. Safe to repeat, also while the app runs.

    Raises:
        SettingError: it is no cluster, or a collection is spread by another key, or has a unique index that its key is not in, and nothing
            was done; or the cluster refuses, and what was done stays, and is not done again.
    """
    client = database.client
    if not client.is_mongos:
        raise SettingError("database: this MongoDB is no sharded cluster, or its URL does not name a mongos")
    wanted = {f"{database.name}.{name}": key for name, key in SHARD_KEYS.items()}
    rows = client["config"]["collections"].find({"_id": {"$in": list(wanted)}, "dropped": {"$ne": True}})
    known = {row["_id"]: dict(row["key"]) for row in rows}
    for namespace, key in known.items():
        if key != dict(wanted[namespace]):
            raise SettingError(
                f"database: {namespace} is spread by {key}, not by {dict(wanted[namespace])}; reshardCollection can change it"
            )
    missing = [name for name in SHARD_KEYS if f"{database.name}.{name}" not in known]
    outdated = {name: _in_the_way(database, name) for name in missing}
    try:
        client.admin.command("enableSharding", database.name)
        for name in missing:
            for index in outdated[name]:
                database[name].drop_index(index)
            key = dict(SHARD_KEYS[name])
            database[name].create_index(list(key.items()))
            client.admin.command("shardCollection", f"{database.name}.{name}", key=key)
    except OperationFailure as error:
        raise SettingError(f"database: the cluster refuses: {' '.join(str(error).split())[:300]}") from error
    return missing


def _in_the_way(database: Database[dict[str, Any]], name: str) -> list[str]:
    """The outdated unique indexes of a collection that is to be spread.

    Raises:
        SettingError: it has one that we know nothing of.
    """
    found = []
    for index, told in database[name].index_information().items():
        if told.get("unique") and not fits(told["key"], SHARD_KEYS[name]):
            if index not in OUTDATED.get(name, ()):
                raise SettingError(
                    f"database: the unique index {index} of {name} does not begin with {dict(SHARD_KEYS[name])}; drop it first"
                )
            found.append(index)
    return found


def fits(index: list[tuple[str, Any]], key: ShardKey) -> bool:
    """Whether an index on these fields may be unique where documents are spread by that key; MongoDB's own rule."""
    return [field for field, _ in index][: len(key)] == list(key)
