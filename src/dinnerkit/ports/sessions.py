"""The session port: which browsers are signed in, until they are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

MOST_BYTES = 4096
"""The longest value of a session."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session that lives: what was put into it, and how many seconds it has left."""

    value: bytes = field(repr=False)
    seconds: float


@runtime_checkable
class SessionStore(Protocol):
    """Keeps sessions for a while, for all processes that share it.

    A key is 64 hexadecimal digits, the hash of a secret that the browser alone has: what lies in the store opens nothing. A value is at
    most :data:`MOST_BYTES` bytes, sealed by the core: who can write to the store can take sessions away, and can't make one. That a
    user's sessions have all ended, by a new password or by their wish, is known from the user's document and needs nothing of the store.

    What a backend must guarantee:

    - ``get`` answers what was put under that very key, byte for byte, and never once its time is over, even while it lies there still;
    - once ``put`` has returned, everybody who opened the same URL is given the session, and whoever opens it after a restart;
    - once ``delete`` has returned, nobody is, whoever prolongs it at the same time: a session that has ended never comes back;
    - ``prolong`` lengthens the life of a session that lives, and makes none of one that doesn't;
    - others in the same store, under another prefix or in another database, neither see nor touch it;
    - where the store can't be reached, each method raises ``Unavailable`` within half a second, since a request waits for it; never does it
      answer None, which would sign people out. The error names neither the key nor the value.

    It is safe to use from several threads and greenlets, and is opened anew in a forked child. One that lives in the database of the
    documents is given that, by :class:`dinnerkit.ports.bus.UsesDatabase`, and may be as patient as whoever reads documents there.
    """

    def put(self, key: str, value: bytes, seconds: int) -> None:
        """Keep the session for so many seconds.

        Raises:
            Unavailable: the store can't be reached, or takes nothing.
        """
        ...

    def get(self, key: str) -> StoredSession | None:
        """The session, or None where there is none.

        Raises:
            Unavailable: the store can't be reached.
        """
        ...

    def prolong(self, key: str, seconds: int) -> bool:
        """Let a session that lives go on for so many seconds from now; whether there is one.

        Raises:
            Unavailable: the store can't be reached, or takes nothing.
        """
        ...

    def delete(self, key: str) -> None:
        """End the session, if there is one.

        Raises:
            Unavailable: the store can't be reached, or takes nothing.
        """
        ...

    def ping(self) -> None:
        """Find out whether the store can be reached and takes sessions.

        Raises:
            Unavailable: it can't, or does not.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...
