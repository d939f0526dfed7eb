"""Backends whose service is in bad times, as a bench reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Protocol, TypeVar

from dinnerkit.testing.bad_services import service_that_is
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import needed, told_by


class Closable(Protocol):
    """Has an end."""

    def close(self) -> None:
        """End it."""
        ...


C = TypeVar("C", bound=Closable)


@contextmanager
def away(bench: Bench[C], place: str) -> Iterator[C]:
    """A backend whose service is ``silent``, ``closed``, ``rude`` or ``slow``; the test is skipped where the bench has no way to one."""
    reach = needed(bench.reach, "way to reach the backend at another address")
    with service_that_is(place) as (host, port), closing(reach(host, port)) as backend:
        yield backend


def told_of_itself(bench: Bench[C], calls: Callable[[C], Iterable[Callable[[], object]]]) -> list[str]:
    """What a backend tells of itself: as it is shown and printed, and as ``calls`` fail where it is reached without its service."""
    with closing(bench.open()) as backend:
        told = [repr(backend), str(backend)]
    if bench.reach is not None:
        with away(bench, "closed") as lost:
            told += [repr(lost), *(line for call in calls(lost) for line in told_by(call))]
    return told
