"""How the pages were mounted on an app, and what they remember of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote

from flask import current_app

from dinnerkit.events.service import Choices
from dinnerkit.web.places import PAGES, page_url

T = TypeVar("T")


class Remembered(Generic[T]):
    """A value that is made anew when it is older than so many seconds; in between everyone gets the same."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: tuple[float, T] | None = None

    def get(self, make: Callable[[], T]) -> T:
        """The value."""
        now = time.monotonic()
        if self._kept is None or now - self._kept[0] > self._seconds:
            self._kept = (now, make())
        return self._kept[1]


def _half_a_minute() -> Remembered[Choices]:
    return Remembered(30.0)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """How the pages were mounted.

    Attributes:
        sign_in: the address of the app's own sign-in page, which takes ``?next=``; None where users sign in here.
        demo: whether everyone may see the tables of every night.
        choices: the cities and cuisines to choose from, which take a walk over all events.
    """

    sign_in: str | None = None
    demo: bool = False
    choices: Remembered[Choices] = field(default_factory=_half_a_minute)


def options() -> PageOptions:
    """How the pages of this app were mounted."""
    found = current_app.extensions[PAGES]
    assert isinstance(found, PageOptions)  # noqa: S101 - put there by mount_pages
    return found


def sign_in_url(then: str | None = None) -> str:
    """The address of the sign-in page, to come back to ``then``."""
    elsewhere = options().sign_in
    if elsewhere is None:
        return page_url("account.sign_in", next=then) if then else page_url("account.sign_in")
    return f"{elsewhere}{'&' if '?' in elsewhere else '?'}next={quote(then)}" if then else elsewhere
