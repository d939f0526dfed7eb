"""Indexes behind an alias: which is read, which are written, and how one takes the place of another.

``PREFIX.events`` is the alias that is read. Each index ``PREFIX.events.ID`` has an alias ``PREFIX.events.write.ID`` of its own as long as
it is to be written, and writes go to all of these: while a new index is being filled, to both. Nobody writes to an index but by its alias,
so one that was dropped meanwhile does not come back by a late write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch
from elasticsearch.dsl import Search
from elasticsearch.dsl.query import Exists
from elasticsearch.helpers import scan, streaming_bulk

from dinnerkit.ids import new_id
from dinnerkit_elasticsearch.connecting import RETRIES, SearchUnavailable
from dinnerkit_elasticsearch.entries import FORM, mapping
from dinnerkit_elasticsearch.urls import ElasticsearchUrl

_FIRST = "0"
"""The id of the index that is made by the first write, whoever writes first. All others are greater, and grow with time."""

_TRIES = 10
_STALE, _GONE = 409, "index_not_found_exception"
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class Written:
    """An index that is to be written: its name, the alias to write by, and whether it is the one that is read."""

    index: str
    alias: str
    read: bool


class Overtaken(Exception):
    """An index is not to be written any more."""


class Indexes:
    """Makes, finds, exchanges and drops the indexes of a prefix."""

    def __init__(self, url: ElasticsearchUrl) -> None:
        self.alias = f"{url.prefix}.events"
        self._settings = {
            "number_of_shards": url.shards,
            "auto_expand_replicas": "0-1",
            "refresh_interval": f"{url.refresh_ms}ms",
        }

    def written(self, client: Elasticsearch) -> list[Written]:
        """The indexes that are to be written."""
        found = client.indices.get_alias(name=f"{self.alias}*").body
        return sorted(self._each(found), key=lambda one: one.index)

    def built(self, client: Elasticsearch) -> bool:
        """Whether what is read was built whole, in the present form."""
        found = client.indices.get_mapping(index=self.alias, ignore_unavailable=True, allow_no_indices=True).body
        metas = [one["mappings"].get("_meta", {}) for one in found.values()]
        return bool(metas) and all(meta.get("built") and meta.get("form") == FORM for meta in metas)

    def write(self, client: Elasticsearch, actions: list[dict[str, Any]]) -> None:
        """Do the writes in all indexes that are to be written, and wait until they are found."""
        for _ in range(_TRIES):
            wanted = self.written(client) or [self._made(client, _FIRST, read=True)]
            try:
                for one in wanted:
                    for _ in self.sent(client, one, actions, refresh="wait_for"):
                        pass
            except Overtaken:
                continue
            return
        raise SearchUnavailable("the search index could not be written: it is exchanged again and again")

    def sent(self, client: Elasticsearch, to: Written, actions: Iterable[dict[str, Any]], refresh: str | bool) -> Iterator[dict[str, Any]]:
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

    def begin(self, client: Elasticsearch) -> Written:
        """A new index, which is written from now on, beside the one that is read; what was removed is known there too."""
        fresh = self._made(client, new_id().lower(), read=False)
        removed = Search().query(Exists(field="removed_at")).to_dict()
        known = scan(client, removed, index=self.alias, version=True, ignore_unavailable=True)
        removals = ({"_id": row["_id"], "version": row["_version"], "version_type": "external", "_source": row["_source"]} for row in known)
        for _ in self.sent(client, fresh, removals, refresh=False):
            pass
        return fresh

    def finish(self, client: Elasticsearch, fresh: Written) -> list[str]:
        """Read the new index from now on, and write no older one any more: what is to be dropped, once nobody asks it any more.

        Raises:
            Overtaken: a rebuild that began later has come to its end before.
        """
        client.indices.refresh(index=fresh.index)
        client.indices.put_mapping(index=fresh.index, body=mapping(built=True))
        found = self.written(client)
        if fresh.alias not in {one.alias for one in found}:
            raise Overtaken
        old = [one for one in found if one.index < fresh.index]
        actions: list[Mapping[str, Any]] = [{"add": {"index": fresh.index, "alias": self.alias}}]
        actions += [{"remove": {"index": one.index, "alias": one.alias}} for one in old]
        actions += [{"remove": {"index": one.index, "alias": self.alias}} for one in old if one.read]
        client.indices.update_aliases(actions=actions)
        return [one.index for one in old]

    def drop(self, client: Elasticsearch, names: list[str]) -> None:
        """Delete these indexes."""
        if names:
            client.indices.delete(index=names, ignore_unavailable=True)

    def _made(self, client: Elasticsearch, index_id: str, *, read: bool) -> Written:
        one = Written(f"{self.alias}.{index_id}", f"{self.alias}.write.{index_id}", read)
        aliases: dict[str, Any] = {one.alias: {}} | ({self.alias: {}} if read else {})
        try:
            client.indices.create(index=one.index, settings=self._settings, mappings=mapping(built=False), aliases=aliases)
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
