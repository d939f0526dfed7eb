"""The rate limits' counts in the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.limiter import LimiterStorage
from dinnerkit.ports.limiter_windows import SCHEME
from dinnerkit.ports.urls import parse_url


@dataclass(frozen=True, slots=True)
class MemoryLimiterStorage:
    """Counts in this process alone: with several worker processes, each has its own windows."""

    uri: str = f"{SCHEME}://"
    options: dict[str, Any] = field(default_factory=dict)

    def ping(self) -> None:
        """Memory is always there."""

    def close(self) -> None:
        """Nothing to give back."""


@built_for(1, MemoryLimiterStorage)
def memory(url: str) -> LimiterStorage:
    """``memory://``.

    Raises:
        SettingError: the URL has options.
    """
    parse_url(url).only()
    return MemoryLimiterStorage()
