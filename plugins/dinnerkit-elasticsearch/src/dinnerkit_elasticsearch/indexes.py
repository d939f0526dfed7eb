"""Indexes behind an alias: which is read, which are written, and how one takes the place of another.

``PREFIX.events`` is the alias that is read, and ``PREFIX.people`` likewise. Each index ``PREFIX.events.ID`` has an alias
``PREFIX.events.write.ID`` of its own as long as it is to be written, and writes go to all of these: while a new index is being filled, to
both. Nobody writes to an index but by its alias, so one that was dropped meanwhile does not come back by a late write.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch
from elasticsearch.dsl import Search
from elasticsearch.dsl.query import Exists, Query
from elasticsearch.helpers import scan, streaming_bulk

from dinnerkit.ids import new_id
from dinnerkit.ports.search import MOST_AT_ONCE
from dinnerkit_elasticsearch.connecting import RETRIES, Asking, Connection, SearchUnavailable
from dinnerkit_elasticsearch.entries import FORM

_FIRST = "0"
"""The id of the index that is made by the first write, whoever writes first. All others are greater, and grow with time."""

_TRIES = 10
_STALE, _GONE = 409, "index_not_found_exception"
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0
_LAST_ANSWERS = 1.0
"""Seconds after which nobody waits any more for an answer of an index that is not read any more."""


@dataclass(frozen=True, slots=True)
class Written:
    """An index that is to be written: its name, the alias to write by, and whether it is the one that is read."""

    index: str
    alias: str
    read: bool


class Overtaken(Exception):
    """An index is not to be written any more."""


class Indexes:
    """Makes, finds, exchanges and drops the indexes of a prefix and kind.

    Args:
        connection: to Elasticsearch; its URL has the prefix, and says how an index is made.
        kind: of what is in them.
        mapping: what is told of the fields; given whether everything is in the index.
    """

    def __init__(self, connection: Connection, kind: str, mapping: Callable[[bool], dict[str, Any]]) -> None:
        url = connection.url
        self._connection = connection
        self.alias = f"{url.prefix}.{kind}"
        self._mapping = mapping
        self._settings = {
            "number_of_shards": url.shards,
            "auto_expand_replicas": "0-1",
            "refresh_interval": f"{url.refresh_ms}ms",
        }

    def write(self, actions: list[dict[str, Any]]) -> None:
        """Do the writes in all indexes that are to be written, and wait until they are found.

        Raises:
            SearchUnavailable: some may not have been done.
        """
        if not actions:
            return
        with self._connection.writing() as client:
            for _ in range(_TRIES):
                try:
                    for one in self._to_write(client):
                        for _ in self._sent(client, one, actions, refresh="wait_for"):
                            pass
                except Overtaken:
                    continue
                return
        raise SearchUnavailable("the search index could not be written: it is exchanged again and again")

    def rebuild(self, actions: Iterable[dict[str, Any]]) -> None:
        """Do these writes, and those that come meanwhile, in a new index, which then takes the place of the old one.

        Raises:
            SearchUnavailable: nothing is changed.
        """
        with self._connection.writing() as client:
            try:
                fresh = self._begun(client)
                for _ in self._sent(client, fresh, actions, refresh=False):
                    pass
                old = self._finished(client, fresh)
            except Overtaken:
                raise SearchUnavailable("another rebuild of the search index, which began later, has come to its end") from None
            time.sleep(min(self._connection.url.seconds, _LAST_ANSWERS))
            if old:
                client.indices.delete(index=old, ignore_unavailable=True)

    def built(self) -> bool:
        """Whether what is read was built whole, in the present form."""
        with self._connection.writing() as client:
            found = client.indices.get_mapping(index=self.alias, ignore_unavailable=True, allow_no_indices=True).body
        metas = [one["mappings"].get("_meta", {}) for one in found.values()]
        return bool(metas) and all(meta.get("built") and meta.get("form") == FORM for meta in metas)

    def delete(self, gone: Query) -> int:
        """Delete what is found so, but for what somebody writes meanwhile; how many there were in what is read."""
        deleted = 0
        with self._connection.writing() as client:
            for one in self._written(client):
                count = self._deleted(client, one, gone)
                deleted += count if one.read else 0
        return deleted

    def question(self, asking: Asking) -> Search[Any]:
        """A question to what is read; where nothing was ever written, it finds nothing."""
        asked: Search[Any] = Search(using=asking.client(), index=self.alias)
        return asked.params(ignore_unavailable=True, allow_no_indices=True)

    def _deleted(self, client: Elasticsearch, one: Written, gone: Query) -> int:
        count = 0
        asked: Search[Any] = Search(using=client, index=one.index)
        asked = asked.query(gone).source(False).extra(size=MOST_AT_ONCE, version=True)
        while rows := asked.execute(ignore_cache=True).to_dict()["hits"]["hits"]:
            actions = [
                {"_op_type": "delete", "_id": row["_id"], "version": row["_version"], "version_type": "external_gte"} for row in rows
            ]
            try:
                done = sum(1 for _ in self._sent(client, one, actions, refresh="wait_for"))
            except Overtaken:
                break
            count += done
            if not done:  # somebody writes them all, or was here before: the next time tells
                break
        return count

    def _to_write(self, client: Elasticsearch) -> list[Written]:
        """The same, of which one at least is read: made where there is none yet, or only one that is still being filled."""
        found = self._written(client)
        if any(one.read for one in found):
            return found
        first = self._made(client, _FIRST, read=True)
        found = self._written(client)
        if sum(one.read for one in found) > 1:  # a rebuild has just come to its end
            client.indices.delete(index=first.index, ignore_unavailable=True)
            found = [one for one in found if one != first]
        return found

    def _written(self, client: Elasticsearch) -> list[Written]:
        """The indexes that are to be written."""
        found = client.indices.get_alias(name=f"{self.alias}*").body
        return sorted(self._each(found), key=lambda one: one.index)

    def _sent(self, client: Elasticsearch, to: Written, actions: Iterable[dict[str, Any]], refresh: str | bool) -> Iterator[dict[str, Any]]:
        """Send writes to one index; each that was done, with what became of it. Those that are stale are left out.

        Raises:
            Overtaken: the index is not to be written any more.
            SearchUnavailable: a write was refused.
        """
        addressed = ({"_index": to.alias, **action} for action in actions)
        for done, told in streaming_bulk(
            client,
            addressed,
            raise_on_error=False,
            max_retries=RETRIES,
            initial_backoff=_FIRST_WAIT,
            max_backoff=_LONGEST_WAIT,
            refresh=refresh,
            require_alias=True,
        ):
            [outcome] = told.values()
            if done:
                yield outcome
            elif (why := _why(outcome)) == _GONE:
                raise Overtaken
            elif outcome["status"] != _STALE and why is not None:
                raise SearchUnavailable(f"the search index refused a write: {why}")

    def _begun(self, client: Elasticsearch) -> Written:
        """A new index, which is written from now on, beside the one that is read; what was removed is known there too."""
        fresh = self._made(client, new_id().lower(), read=False)
        removed = Search().query(Exists(field="removed_at")).to_dict()
        known = scan(client, removed, index=self.alias, version=True, ignore_unavailable=True)
        removals = ({"_id": row["_id"], "version": row["_version"], "version_type": "external", "_source": row["_source"]} for row in known)
        for _ in self._sent(client, fresh, removals, refresh=False):
            pass
        return fresh

    def _finished(self, client: Elasticsearch, fresh: Written) -> list[str]:
        """Read the new index from now on, and write no older one any more: what is to be dropped, once nobody asks it any more.

        Raises:
            Overtaken: a rebuild that began later has come to its end before.
        """
        client.indices.refresh(index=fresh.index)
        client.indices.put_mapping(index=fresh.index, body=self._mapping(True))
        found = self._written(client)
        if fresh.alias not in {one.alias for one in found}:
            raise Overtaken
        old = [one for one in found if one.index < fresh.index]
        actions: list[Mapping[str, Any]] = [{"add": {"index": fresh.index, "alias": self.alias}}]
        actions += [{"remove": {"index": one.index, "alias": one.alias}} for one in old]
        actions += [{"remove": {"index": one.index, "alias": self.alias}} for one in old if one.read]
        client.indices.update_aliases(actions=actions)
        return [one.index for one in old]

    def _made(self, client: Elasticsearch, index_id: str, *, read: bool) -> Written:
        one = Written(f"{self.alias}.{index_id}", f"{self.alias}.write.{index_id}", read)
        aliases: dict[str, Any] = {one.alias: {}} | ({self.alias: {}} if read else {})
        try:
            client.indices.create(index=one.index, settings=self._settings, mappings=self._mapping(False), aliases=aliases)
        except BadRequestError as error:
            if error.error != "resource_already_exists_exception":
                raise
        return one

    def _each(self, found: Mapping[str, Any]) -> Iterator[Written]:
        for index, told in found.items():
            alias = f"{self.alias}.write.{index.rpartition('.')[2]}"
            if alias in told["aliases"]:
                yield Written(index, alias, self.alias in told["aliases"])


def _why(outcome: Mapping[str, Any]) -> str | None:
    """What kind of error it was; None where there was nothing to do."""
    error = outcome.get("error")
    return str(error["type"] if isinstance(error, Mapping) else error) if error else None
