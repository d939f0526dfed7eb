"""How an answer was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RunRecord:
    """How an answer was found, so that it can be told and, by seed and sweeps, repeated.

    Attributes:
        seed: what all chance was drawn from.
        sweeps: how often each unit was looked at; 0 where every way was tried instead.
        seconds: time taken by the clock.
        engine: ``"numba"`` or ``"numpy"`` (correct, and some fifty times slower).
    """

    seed: int
    sweeps: int
    seconds: float
    engine: Literal["numba", "numpy"]
