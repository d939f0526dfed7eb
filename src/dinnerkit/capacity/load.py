"""What comes: so many people, so many requests, and of which kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dinnerkit.errors import Invalid

KINDS = ("kept", "not_modified", "uncached", "booking", "login")
"""The kinds of requests that cost differently: a stored answer, the same as a 304, one that is made anew, a booking, and signing in."""

MIX: Mapping[str, float] = MappingProxyType(
    {"kept": 0.780, "not_modified": 0.100, "uncached": 0.1043, "booking": 0.004, "login": 0.0117},
)
"""The share of each kind. At 100,000 requests a second for a million people, a visit of ten minutes is sixty requests. Seven of ten
visitors sign in once (0.7 / 60), one in three of these books (0.7 / 3 / 60), and most of the rest are pages that look the same to all."""

MOST = 1e10
MOST_EACH = 1e6
LEAST_SHARE = 0.01
_MOST_COUNTED = 1000
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be carried at the busiest moment.

    Attributes:
        users: people who are connected at the same time.
        rps: requests a second.
        mix: the share of each of :data:`KINDS`; together 1.
        live: the share of the people who hold a WebSocket.
        messages: that each WebSocket is sent a minute.
        accounts: for each who is connected, how many there are.
        bookings: that are kept of each account.
        mean: the month's mean load, as a share of the busiest moment; traffic is paid by it.
        utilisation: how busy processors may be, with everything up.
        zones: over how many zones servers are spread; with one away the others are :data:`~dinnerkit.capacity.planning.MOST_BUSY` at most.
        processes_per_pod: web processes that are deployed as one.

    Raises:
        Invalid: a number makes no sense, or the mix does not come to 1.
    """

    users: int
    rps: float
    mix: Mapping[str, float] = field(default_factory=lambda: dict(MIX))
    live: float = 1.0
    messages: float = 1.0
    accounts: float = 10.0
    bookings: float = 12.0
    mean: float = 0.25
    utilisation: float = 0.6
    zones: int = 3
    processes_per_pod: int = 4

    def __post_init__(self) -> None:
        if set(self.mix) != set(KINDS):
            raise Invalid(f"the mix has a share for each of {', '.join(KINDS)}, and for nothing else")
        for name, share in {"live": self.live, **self.mix}.items():
            _within(name, share, 0, 1)
        if not math.isclose(sum(self.mix.values()), 1, abs_tol=_ROUNDING):
            raise Invalid(f"the shares of the mix are {sum(self.mix.values()):g} together, and not 1")
        for name, value in {"users": self.users, "rps": self.rps}.items():
            _within(name, value, 0, MOST)
        for name, value in {"messages": self.messages, "accounts": self.accounts, "bookings": self.bookings}.items():
            _within(name, value, 0, MOST_EACH)
        for name, value in {"mean": self.mean, "utilisation": self.utilisation}.items():
            _within(name, value, LEAST_SHARE, 1)
        for name, count in {"zones": self.zones, "processes_per_pod": self.processes_per_pod}.items():
            _within(name, count, 1, _MOST_COUNTED)

    @property
    def sockets(self) -> int:
        """WebSockets that are open."""
        return math.ceil(self.users * self.live)

    def rate(self, kind: str) -> float:
        """Requests of a kind a second."""
        return self.rps * self.mix[kind]


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # NaN is in no range
        raise Invalid(f"{name}: {value:g} is not between {least:g} and {most:g}")
