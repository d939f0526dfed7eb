"""Indexes that are exchanged while they are read and written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from dinnerkit.errors import Unavailable
from dinnerkit.ports.search import EventEntry, Removal
from dinnerkit.testing.proxy import proxy
from dinnerkit.testing.search import entry
from dinnerkit.testing.search.bench import all_of, by_text
from dinnerkit_elasticsearch.indexes import Indexes
from dinnerkit_elasticsearch.search import ElasticsearchSearch
from dinnerkit_elasticsearch.urls import parse

PATIENT = "timeout_ms=60000&refresh_ms=20"


@pytest.fixture
def opened(node: tuple[str, int], prefix: str) -> Iterator[Callable[[], ElasticsearchSearch]]:
    """Opens the search as another process would."""
    made: list[ElasticsearchSearch] = []

    def make() -> ElasticsearchSearch:
        made.append(ElasticsearchSearch(parse(f"elasticsearch://{node[0]}:{node[1]}?{PATIENT}&prefix={prefix}")))
        return made[-1]

    yield make
    for search in made:
        search.close()


def names(node: tuple[str, int], prefix: str) -> list[str]:
    with Elasticsearch(f"http://{node[0]}:{node[1]}") as client:
        return list(client.indices.get(index=f"{prefix}*").body)


def test_readers_and_writers_notice_nothing_of_rebuilds(
    opened: Callable[[], ElasticsearchSearch], node: tuple[str, int], prefix: str
) -> None:
    many = [entry(f"e{number:02}") for number in range(30)]
    search, reader, writer = opened(), opened(), opened()
    search.put(many)
    done, wrong, written = threading.Event(), [], [1]

    def read() -> None:
        while not done.is_set():
            try:
                missing = {one.id for one in many} - set(all_of(reader))
            except Exception as error:  # noqa: BLE001 - whatever it is, a reader would have seen it
                wrong.append(error)
            else:
                wrong.extend(missing)

    def write() -> None:
        while not done.is_set():
            writer.put([entry("e07", version=written[0] + 1, title=f"Round{written[0] + 1}")])
            written[0] += 1

    threads = [threading.Thread(target=read), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            search.rebuild(iter(many))  # in which e07 is as it was in the beginning
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert written[0] > 2
    assert by_text(search, f"round{written[0]}") == {"e07"}
    assert len(names(node, prefix)) == 1


def test_a_removal_is_remembered_over_a_rebuild(opened: Callable[[], ElasticsearchSearch]) -> None:
    search = opened()
    search.remove([Removal("one", 5)])
    search.rebuild([entry("two")])
    search.put([entry("one", version=4)])
    assert all_of(search) == ["two"]
    search.put([entry("one", version=6)])
    assert sorted(all_of(search)) == ["one", "two"]


def test_the_rebuild_that_began_later_wins(opened: Callable[[], ElasticsearchSearch], node: tuple[str, int], prefix: str) -> None:
    first, second = opened(), opened()

    def overtaken() -> Iterator[EventEntry]:
        yield entry("old")
        second.rebuild([entry("new")])
        yield entry("older")

    with pytest.raises(Unavailable, match="began later"):
        first.rebuild(overtaken())
    assert all_of(first) == ["new"]
    assert len(names(node, prefix)) == 1


def test_a_write_to_an_index_that_was_just_exchanged_goes_to_the_new_one(
    opened: Callable[[], ElasticsearchSearch], node: tuple[str, int], prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = opened()
    search.put([entry("one")])
    seen = Indexes._written
    stale: list[Any] = []

    def late(self: Indexes, client: Elasticsearch) -> Any:
        found = seen(self, client)
        if not stale:
            stale.extend(found)
            opened().rebuild([entry("one")])
        return found

    monkeypatch.setattr(Indexes, "_written", late)
    search.put([entry("two")])
    assert sorted(all_of(search)) == ["one", "two"]
    assert len(names(node, prefix)) == 1


def test_what_a_killed_rebuild_left_is_dropped_by_the_next(
    opened: Callable[[], ElasticsearchSearch], node: tuple[str, int], prefix: str
) -> None:
    def killed() -> Iterator[EventEntry]:
        yield entry("one")
        raise KeyboardInterrupt

    search = opened()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            search.rebuild(killed())
    search.rebuild([entry("two")])
    assert all_of(search) == ["two"]
    assert len(names(node, prefix)) == 1


def test_what_is_written_after_a_first_rebuild_was_killed_is_found(opened: Callable[[], ElasticsearchSearch]) -> None:
    def killed() -> Iterator[EventEntry]:
        raise KeyboardInterrupt
        yield entry("one")

    search = opened()
    with pytest.raises(KeyboardInterrupt):
        search.rebuild(killed())
    search.put([entry("two")])
    assert all_of(search) == ["two"]


def test_other_nodes_are_found_and_asked_when_the_known_one_is_gone(node: tuple[str, int], prefix: str) -> None:
    with proxy(node[1]) as between:
        place = f"elasticsearch://127.0.0.1:{between.port}?{PATIENT}&prefix={prefix}&sniff=yes"
        with closing(ElasticsearchSearch(parse(place))) as search:
            search.put([entry("one")])
            for thread in threading.enumerate():
                if thread.name == "dinnerkit-sniffing":
                    thread.join()
            between.turn("refuses")
            assert all_of(search) == ["one"]


def test_of_several_nodes_one_that_hangs_costs_a_part_of_the_time_alone(node: tuple[str, int], prefix: str) -> None:
    with proxy(node[1]) as between:
        hosts = f"127.0.0.1:{between.port},{node[0]}:{node[1]}"
        with closing(
            ElasticsearchSearch(parse(f"elasticsearch://{hosts}?timeout_ms=5000&refresh_ms=20&prefix={prefix}&sniff=no"))
        ) as search:
            search.put([entry("one")])
            between.turn("hangs")
            assert [all_of(search) for _ in range(3)] == [["one"]] * 3
