"""Clients of Elasticsearch, as a URL describes them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

from elastic_transport import NodeConfig, Transport, TransportError
from elasticsearch import ApiError, Elasticsearch

from dinnerkit.errors import Unavailable
from dinnerkit_elasticsearch.urls import ElasticsearchUrl

FAULTS = (TransportError, ApiError, OSError)
"""What the client raises where Elasticsearch does not do what it is asked."""

RETRIES = 5
BUSY = (429, 502, 503, 504)
"""What is answered by a node that can't do it just now."""

_WRITE_SECONDS = 60.0
_ASKING = 0.8
"""The part of the time that the nodes have; the rest is ours."""

_CONNECTIONS = 1000
"""More than anybody needs at the same time: who finds none left would wait without end."""

_SNIFF_SECONDS, _SNIFF_TIMEOUT = 60.0, 2.0
_SHORTEST_SECONDS = 0.005


class SearchUnavailable(Unavailable):
    """The index can't be reached, or gave no answer in time."""

    code: ClassVar[str] = "search_unavailable"


class Connection:
    """Clients for those who wait and for those who write; they share their connections, which a forked child makes anew.

    Args:
        url: where, and how patient.
    """

    def __init__(self, url: ElasticsearchUrl) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._made: Elasticsearch | None = None
        self._pid = 0

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """For one question, however many requests it takes.

        Raises:
            SearchUnavailable: no answer in time.
        """
        try:
            yield Asking(self._client(), self.url)
        except FAULTS as error:
            raise SearchUnavailable(f"the search index gave no answer: {_told(error)}") from error

    @contextmanager
    def writing(self) -> Iterator[Elasticsearch]:
        """A client that is patient, and tries again where a connection is lost or a node is busy.

        Raises:
            SearchUnavailable: it could not be written.
        """
        try:
            yield self._client().options(request_timeout=_WRITE_SECONDS, max_retries=RETRIES, retry_on_timeout=False, retry_on_status=BUSY)
        except FAULTS as error:
            raise SearchUnavailable(f"the search index could not be written: {_told(error)}") from error

    def close(self) -> None:
        """Close the connections, if there are any."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None and self._pid == os.getpid():
            made.close()

    def _client(self) -> Elasticsearch:
        with self._lock:
            if self._made is None or self._pid != os.getpid():
                self._made, self._pid = _client(self.url), os.getpid()
            return self._made


class _Transport(Transport):
    """Asks the nodes for the others now and then as the client's does, but beside what is going on: nobody waits for it."""

    _due = 0.0

    def sniff(self, is_initial_sniff: bool = False) -> None:
        """Begin to, if it is time."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _SNIFF_SECONDS
        threading.Thread(target=self._sniff, args=(is_initial_sniff,), name="dinnerkit-sniffing", daemon=True).start()

    def _sniff(self, is_initial_sniff: bool) -> None:
        with suppress(*FAULTS):
            super().sniff(is_initial_sniff)


class Asking:
    """A client for one question, which has so much time and no more; with several nodes, another is tried where one gives no answer."""

    def __init__(self, client: Elasticsearch, url: ElasticsearchUrl) -> None:
        self._client = client
        self._tries = min(len(client.transport.node_pool), 2)
        self._ends = time.monotonic() + url.seconds * _ASKING

    def client(self) -> Elasticsearch:
        """For the next request."""
        return self._client.options(request_timeout=self.left(), max_retries=self._tries - 1, retry_on_timeout=True, retry_on_status=BUSY)

    def left(self) -> float:
        """Seconds that a node has for it."""
        return max((self._ends - time.monotonic()) / self._tries, _SHORTEST_SECONDS)


def _client(url: ElasticsearchUrl) -> Elasticsearch:
    nodes = [NodeConfig(url.scheme, host, port, connections_per_node=_CONNECTIONS, ca_certs=url.ca or None) for host, port in url.hosts]
    return Elasticsearch(
        nodes,
        basic_auth=(url.username, url.password or "") if url.username else None,
        api_key=url.api_key,
        transport_class=_Transport,
        sniff_before_requests=url.sniff,
        sniff_on_node_failure=url.sniff,
        sniff_timeout=_SNIFF_TIMEOUT,
    )


def _told(error: BaseException) -> str:
    """What kind of fault it is. Not its text: that may quote what was looked for."""
    return f"{type(error).__name__} {error.status_code}" if isinstance(error, ApiError) else type(error).__name__
