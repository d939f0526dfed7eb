"""The limiter port: where the windows of the rate limits are counted."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


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
