"""Letting the others in the process have their turn in the middle of long work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_A_TURN = 32
"""So many are seen to at once."""


def in_turns(many: Iterable[T]) -> Iterator[T]:
    """All of them, with pauses in which the others in the process have their turn."""
    for number, one in enumerate(many, 1):
        yield one
        if not number % _A_TURN:
            time.sleep(0)
