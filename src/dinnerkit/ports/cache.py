"""The cache port: values that may be lost at any time."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Cache(Protocol):
    """A store of values with a time to live: the interface of cachelib, and so of flask-caching's backends.

    What a backend must guarantee: ``get`` answers what the last ``set`` of that key stored, or None, and never a value past its timeout;
    after ``delete`` has returned, the deleted value is not seen again by this process. It may forget anything at any time. It is safe to
    use from several threads and greenlets.
    """

    def get(self, key: str) -> Any:
        """The value, or None."""
        ...

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool | None:
        """Store the value for ``timeout`` seconds."""
        ...

    def delete(self, key: str) -> bool:
        """Forget the value; whether there was one."""
        ...

    def clear(self) -> bool:
        """Forget everything."""
        ...
