"""Where mongos would send a command: to the shard that it names by the collection's key, or to all of them.

The rules are those of MongoDB's documentation, "Targeted Operations vs. Broadcast Operations", and of its commands update, delete and
findAndModify; there is no mongos among the packages that the tests may install.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dinnerkit.shards import SHARD_KEYS, ShardKey

Keys = Mapping[str, ShardKey]


@dataclass(frozen=True)
class Broadcast:
    """A command that goes to every shard: of a collection, by a filter on these fields; ``refused`` where mongos would not take it."""

    collection: str
    verb: str
    fields: tuple[str, ...]
    refused: str = ""


def broadcasts(operation: Mapping[str, Any], keys: Keys = SHARD_KEYS) -> Iterator[Broadcast]:
    """What of an operation, as MongoDB's profiler tells it, would go to every shard."""
    collection, command = operation["ns"].partition(".")[2], operation["command"]
    match operation["op"]:
        case "update":
            yield from _write(collection, "update", command["q"], keys, one=not command["multi"], whole=command["upsert"])
        case "remove":
            yield from _write(collection, "delete", command["q"], keys, one=command["limit"] == 1)
        case "command" if "findAndModify" in command or "findandmodify" in command:
            yield from _write(collection, "findAndModify", command["query"], keys, one=True, whole=True)
        case "query" | "command":
            for name, question in _questions(collection, command):
                if name in keys and not _targets(question, keys[name]):
                    yield Broadcast(name, "read", _fields(question))


def _write(collection: str, verb: str, question: Mapping[str, Any], keys: Keys, *, one: bool, whole: bool = False) -> Iterator[Broadcast]:
    """One document is changed where its key is named whole, or, unless that is needed, by its id; many may be anywhere."""
    if collection not in keys or _equal(question, keys[collection]):
        return
    if whole:
        yield Broadcast(collection, verb, _fields(question), f"needs {dict(keys[collection])}")
    elif one and not _equal(question, {"_id": 1}):
        yield Broadcast(collection, verb, _fields(question), f"needs {dict(keys[collection])} or _id")
    elif one or not _targets(question, keys[collection]):
        yield Broadcast(collection, verb, _fields(question))


def _questions(collection: str, command: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The collections that a command reads, each with the filter by which it does."""
    if "pipeline" in command:
        yield from _stages(collection, command["pipeline"])
    elif "count" in command or "distinct" in command:
        yield collection, command.get("query", {})
    elif "find" in command:
        yield collection, command.get("filter", {})


def _stages(collection: str, stages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    first = stages[0] if stages else {}
    yield collection, first.get("$match") or first.get("$geoNear", {}).get("query", {})
    for stage in stages:
        if union := stage.get("$unionWith"):
            yield from _stages(union["coll"], union["pipeline"])


def _conditions(question: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, wanted in question.items():
        if name == "$and":
            for part in wanted:
                yield from _conditions(part)
        else:
            yield name, wanted


def _fields(question: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({name for name, _ in _conditions(question)}))


def _equal(question: Mapping[str, Any], key: ShardKey) -> bool:
    """Whether each field of the key is said to be one value."""
    said = dict(_conditions(question))
    return all(name in said and not (isinstance(said[name], dict) and set(said[name]) != {"$eq"}) for name in key)


def _targets(question: Mapping[str, Any], key: ShardKey) -> bool:
    """Whether the key's first field is said to be one of some values."""
    first = next(iter(key))
    said = dict(_conditions(question))
    return first in said and (not isinstance(said[first], dict) or bool({"$eq", "$in"} & said[first].keys()))
