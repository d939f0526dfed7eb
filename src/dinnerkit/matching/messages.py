"""What matching tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dinnerkit.messages import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatingRequested(Message):
    """A host wants the guests of an event seated."""

    kind: ClassVar[str] = "matching.seating_requested"

    seating_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatingPublished(Message):
    """The guests may see their tables."""

    kind: ClassVar[str] = "matching.seating_published"

    seating_id: str
    event_id: str
