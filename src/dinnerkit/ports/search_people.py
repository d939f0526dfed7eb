"""The power of a search backend to find people who are alike: of those who agreed to it, and of nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dinnerkit.ports.search import Removal

TRAITS = 5
"""So many numbers from 0 to 1 people are compared by."""


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """Somebody who agreed to be found, and nothing but what they are compared by.

    Attributes:
        version: rises with each change of the consent or of the traits.
        traits: :data:`TRAITS` numbers from 0 to 1.
    """

    id: str
    version: int
    traits: tuple[float, ...]


@runtime_checkable
class PeopleSearch(Protocol):
    """An index of people by their traits, for a backend that can do that faster than the database.

    Writes and their versions are those of :class:`~dinnerkit.ports.search.Search`; a removal leaves nothing in the index but the id, that
    the person is gone, and since when. The services read everybody who is found before they tell anything, so that whoever took back
    their consent a moment ago is not told of.
    """

    def put_people(self, entries: Sequence[PersonEntry]) -> None:
        """Make these people be found.

        Raises:
            ValueError: there are more than ``MOST_AT_ONCE``.
            Unavailable: the index can't be reached; some may have been put.
        """
        ...

    def remove_people(self, removals: Sequence[Removal]) -> None:
        """Make these people be found no more; those who are not there too.

        Raises:
            ValueError: there are more than ``MOST_AT_ONCE``.
            Unavailable: the index can't be reached; some may have been removed.
        """
        ...

    def nearest_people(self, traits: Sequence[float], farthest: float, limit: int) -> Sequence[str]:
        """The ids of the nearest, in any order; nearly all of them is enough where there are very many.

        Args:
            traits: around whom.
            farthest: the largest Euclidean distance.
            limit: the most ids, from 1 to 1,000.

        Raises:
            ValueError: ``limit`` is out of bounds, or there are not :data:`TRAITS` traits.
            Unavailable: no answer within a quarter of a second.
        """
        ...

    def rebuild_people(self, entries: Iterable[PersonEntry]) -> int:
        """Make these all that are in the index, while it is in use; how many they were.

        Raises:
            Unavailable: the index can't be reached.
        """
        ...

    def people_built(self) -> bool:
        """Whether a rebuild has come to its end on this index, in the form that this release writes.

        Raises:
            Unavailable: the index can't be reached.
        """
        ...
