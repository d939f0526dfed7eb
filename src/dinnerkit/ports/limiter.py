"""The limiter port: where the windows of the rate limits are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable


@runtime_checkable
class LimiterStorage(Protocol):
    """Where flask-limiter keeps its counts: a storage URL of the limits library, with its options.

    What a backend must guarantee, by the storage that the limits library makes of its URL:

    - there are moving windows: in no stretch of time as long as a window do more hits come through than the limit allows;
    - looking and counting are one step, whatever number of processes that opened the same URL hit at the same time;
    - what is refused counts for nothing, and each caller and each limit has a window of its own;
    - where the store can't be reached, a hit raises one of the storage's ``base_exceptions`` within half a second, since a request waits
      for it, and ``check`` answers False: the core counts in the process's memory meanwhile, and lets one hit a second try again.

    It may forget: a count that is lost lets some through who should have waited. It is safe to use from several threads and greenlets, and
    is opened anew in a forked child.
    """

    @property
    def uri(self) -> str:
        """The storage URL in the limits library's own terms."""
        ...

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for the storage, such as a client with short time-outs."""
        ...

    def ping(self) -> None:
        """Reach the store.

        Raises:
            Unavailable: it can't be reached.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...


class Unspent(NamedTuple):
    """What is given back of a lease: of the hits that were counted at ``stamp``, ``spent`` came about and ``left`` did not."""

    stamp: float
    spent: int
    left: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Hits that are counted before they come about.

    Attributes:
        granted: how many; 0 where the window is full.
        stamp: when they were counted, by the store's clock: seconds since the epoch.
        began: since when hits count, in the same seconds.
        hits: how many count now, those that were granted among them.
    """

    granted: int
    stamp: float
    began: float
    hits: int


@runtime_checkable
class Leases(Protocol):
    """The power of a store that several processes share: it counts several hits at a time, in one step.

    Without it each hit is counted by itself. What is leased lies in the same windows as what :attr:`LimiterStorage.uri` stands for.
    """

    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        """Take hits in the window of ``key``, as many as there are to be had.

        All of it is one step, whatever number of processes do so at the same time:

        1. What is given back counts no more, if it still did.
        2. Of the hits that are free, ``limit`` less those of the last ``seconds``, it takes the ``share``th part and ``most`` at the most,
           but ``need`` in any case, where so many are free.

        Args:
            key: whose window.
            limit: how many hits there may be in it.
            seconds: how long it is.
            need: how many are wanted at once, at least 1.
            most: how many are wanted, also for later.
            share: so that what is taken for later grows small as the window fills.
            back: what is left of an earlier lease. To be given back once, also where that fails.

        Raises:
            Exception: the store can't be reached; within half a second.
        """
        ...
