"""The services of search, made of a backend and what they read."""

from __future__ import annotations

from collections.abc import Callable

from pymongo.database import Database

from dinnerkit.accounts.alike import Alike
from dinnerkit.accounts.findable import Findable
from dinnerkit.clock import Clock
from dinnerkit.events.service import EventService
from dinnerkit.ports.search import Search
from dinnerkit.search.indexing import Indexing
from dinnerkit.search.people import PeopleIndexing
from dinnerkit.search.resting import Resting
from dinnerkit.search.service import SearchService
from dinnerkit.storage import Row


def search_services(
    search: Search, database: Database[Row], events: EventService, clock: Clock, changed: Callable[[], None]
) -> tuple[Indexing, PeopleIndexing, SearchService, Alike]:
    """Those who write the index, and those who ask it; who find out together when it fails."""
    resting = Resting()
    indexing, people = Indexing(search, events, clock, changed), PeopleIndexing(search, Findable(database), resting)
    return indexing, people, SearchService(search, events, clock, resting), Alike(database, clock, people.near)
