"""The named queues: which there are, and how many jobs of each a worker runs side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dinnerkit.errors import SettingError

REST = "default"
"""The queue of what has none of its own: seats, and bookings that follow what happens to a dinner."""

QUEUES: Mapping[str, int] = MappingProxyType({"emails": 5, "payments": 10, "matching": 3, "media": 2, "analytics": 2, REST: 2})
"""The named queues, each with how many jobs a worker runs side by side unless told otherwise.

Each has workers of its own, so that one whose jobs hang (a mail server that is silent, a seating of thousands) keeps no other waiting:
``emails`` has all mails; ``payments`` what follows from the movements of money; ``matching`` seatings; ``media`` pictures; ``analytics``
what is derived for reading, such as the search index.
"""

MOST_AT_ONCE = 256
"""So many jobs of a queue one worker runs side by side at most."""


def known_queue(name: str) -> str:
    """The name, given that there is such a queue.

    Raises:
        SettingError: there is none; the message lists those that there are.
    """
    if name not in QUEUES:
        raise SettingError(f"there is no queue {name!r}; there are {', '.join(QUEUES)}")
    return name


def queue_shares(wishes: Iterable[str]) -> dict[str, int]:
    """How many jobs of each queue to run side by side, from ``emails`` (as many as by default) or ``payments=10`` each.

    Raises:
        SettingError: there is no such queue, one is named twice, or the number is not one from 1 to :data:`MOST_AT_ONCE`.
    """
    shares: dict[str, int] = {}
    for wish in wishes:
        name, given, number = wish.partition("=")
        if known_queue(name) in shares:
            raise SettingError(f"queue {name} is named twice")
        if given and not (re.fullmatch(r"[0-9]{1,4}", number) and 1 <= int(number) <= MOST_AT_ONCE):
            raise SettingError(f"queue {name}: how many at a time is a number from 1 to {MOST_AT_ONCE}, not {number[:20]!r}")
        shares[name] = int(number) if given else QUEUES[name]
    return shares
