"""What the benches of all kinds have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

B = TypeVar("B")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench(Generic[B]):
    """What the author of a backend gives to the tests; only ``open`` is needed.

    Attributes:
        open: opens the backend; each call as another process would, at the same place.
        reach: opens a backend of the same kind whose service is at that address of this machine; the tests close it.
        secrets: what must never be seen in an error or a representation.
        at_once: seconds within which a call must have failed where the service is silent: a request waits for it.
    """

    open: Callable[[], B]
    reach: Callable[[str, int], B] | None = None
    secrets: Sequence[str] = ()
    at_once: float = 0.5
