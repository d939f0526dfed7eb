"""A search backend on the bench, and entries for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dinnerkit.ports.search import Criteria, EventEntry, Found, Search
from dinnerkit.testing.bench import Bench

BEGINNING = datetime(2030, 1, 10, 18, tzinfo=UTC)
"""When the dinners of these tests begin, unless they say otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchBench(Bench[Search]):
    """What the author of a search backend gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    ``open`` opens it at a place where no other test has been, and waits for answers longer than in use, so that a slow machine is not taken
    for a fault; ``reach`` has its usual time-outs.

    Attributes:
        elsewhere: opens one at another place.
        at_once: seconds within which an answer, or that there is none, must be known where the service is silent; a reader waits for it.
    """

    elsewhere: Callable[[], Search] | None = None
    at_once: float = 1.0


class OnBench:
    """What the groups of tests share."""

    @pytest.fixture
    def bench(self) -> SearchBench:
        """The backend to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a SearchBench")


@contextmanager
def opened(bench: SearchBench, *entries: EventEntry) -> Iterator[Search]:
    """The backend with these entries in it."""
    with closing(bench.open()) as search:
        if entries:
            search.put(entries)
        yield search


def entry(event_id: str, **changed: Any) -> EventEntry:
    """An entry about dumplings in Graz; keywords replace what matters to a test, and set the keys beside the names."""
    usual: dict[str, Any] = {
        "version": 1,
        "title": "Dumplings for twelve",
        "description": "We fold, we steam, we eat.",
        "city": "Graz",
        "cuisine": "Sichuan",
        "venue": "Gasthaus",
        "tags": (),
        "starts_at": BEGINNING,
        "price": 3500,
        "lat": 47.07,
        "lon": 15.44,
    }
    found = usual | changed
    keys: dict[str, Any] = {f"{name}_key": str(found[name]).casefold() for name in ("city", "cuisine")}
    keys |= {"tag_keys": tuple(tag.casefold() for tag in found["tags"]), "month": f"{found['starts_at']:%Y-%m}"}
    return EventEntry(id=event_id, **keys | found)


def days(count: float) -> datetime:
    """So many days after the usual beginning."""
    return BEGINNING + timedelta(days=count)


def ids(found: Found) -> list[str]:
    """The ids of a page."""
    return [hit.id for hit in found.hits]


def by_text(search: Search, text: str) -> set[str]:
    """The ids of what has that text."""
    return set(ids(search.find(Criteria(text=text), 100)))


def all_of(search: Search, criteria: Criteria | None = None, limit: int = 100) -> list[str]:
    """The ids on all pages, in their order."""
    found: list[str] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        page = search.find(criteria or Criteria(), limit, after)
        found += ids(page)
        after, pages = page.next, pages + 1
        if pages > 200:
            pytest.fail("the pages of a list never end")
    return found
