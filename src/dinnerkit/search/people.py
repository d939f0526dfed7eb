"""The index of people, where the backend has one: kept up to date with who agreed, and asked for who is near."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from dinnerkit.accounts.findable import Findable
from dinnerkit.ports.search import Removal
from dinnerkit.ports.search_people import PeopleSearch
from dinnerkit.search.resting import Resting

log = structlog.get_logger(__name__)


class PeopleIndexing:
    """Writes what is true now under the version at which it was true, and asks as long as the backend answers.

    Args:
        search: the search backend; one that is no :class:`PeopleSearch` is let alone.
        findable: who agreed.
        resting: shared with whoever else asks the backend.
    """

    def __init__(self, search: object, findable: Findable, resting: Resting) -> None:
        self._search = search if isinstance(search, PeopleSearch) else None
        self._findable = findable
        self._resting = resting

    def update(self, user_id: str) -> None:
        """Make the user be found as they are now, or not any more.

        Raises:
            Unavailable: the index can't be written.
        """
        person = self._findable.person(user_id) if self._search else None
        if self._search is None or person is None:
            return
        if isinstance(person, Removal):
            self._search.remove_people([person])
        else:
            self._search.put_people([person])

    def rebuild(self) -> int | None:
        """Make the index anew, while it is in use; how many it holds then, or None where there is none.

        Raises:
            Unavailable: the index can't be written.
        """
        return None if self._search is None else self._search.rebuild_people(self._findable.everybody())

    def ensure_built(self) -> bool:
        """Build the index where it never was; whether there was anything to do.

        Raises:
            Unavailable: the index can't be reached.
        """
        if self._search is None or self._search.people_built():
            return False
        log.info("people_search_built", people=self.rebuild())
        return True

    def near(self, traits: Sequence[float], farthest: float, limit: int) -> Sequence[str] | None:
        """The ids of those who may be nearest; None where there is no index, or no answer."""
        search = self._search
        return None if search is None else self._resting.asked(lambda: search.nearest_people(traits, farthest, limit))
