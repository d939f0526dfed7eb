"""The limiter port: where the windows of the rate limits are counted."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class LimiterStorage(Protocol):
    """Where flask-limiter keeps its counts: a storage URL of the limits library, with its options.

    What a backend must guarantee: what the limits library demands of a storage that can do moving windows.
    """

    @property
    def uri(self) -> str:
        """The storage URL in the limits library's own terms."""
        ...

    @property
    def options(self) -> dict[str, str]:
        """Keyword arguments for the storage, such as short time-outs."""
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
