"""Where the search for a seating is, noted now and then, so that after a killed worker another goes on from there."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from dinnerkit.matching.seating.following import Halfway
from dinnerkit.storage import Row

_SECONDS = 2.0
_MOST_BYTES = 4_000_000
"""A million guests. Above, where the search is would be too much for a document that is written again and again."""

_KIND = np.dtype("<i4")


class Kept:
    """Takes where a search is after each of its rounds, and has it noted after the first and every few seconds.

    Args:
        inputs: a digest of what the seating is made from: with other guests or wishes nothing can go on from there.
        note: writes it down.
    """

    def __init__(self, inputs: str, note: Callable[[Row], None]) -> None:
        self._inputs, self._note = inputs, note
        self._noted = -_SECONDS

    def __call__(self, halfway: Halfway) -> None:
        """Have it noted, if it is time to."""
        labels = halfway.labels.astype(_KIND)
        if labels.nbytes > _MOST_BYTES or time.monotonic() - self._noted < _SECONDS:
            return
        self._note({"inputs": self._inputs, "rounds": halfway.rounds, "labels": labels.tobytes(), "score": halfway.score})
        self._noted = time.monotonic()


def kept_halfway(row: Row, inputs: str) -> Halfway | None:
    """Where the search for a stored seating was, if it was a search for the same."""
    kept = row.get("halfway")
    if not kept or kept["inputs"] != inputs:
        return None
    return Halfway(kept["rounds"], np.frombuffer(kept["labels"], _KIND).astype(np.int32), kept["score"])
