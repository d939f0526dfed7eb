"""flask-smorest's decorators, for what they write into the documentation alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

V = TypeVar("V", bound=Callable[..., Any])


def documented(view: V, decorate: Callable[[V], Any]) -> V:
    """The view itself, with what the decorator would have the documentation say of it.

    Each of flask-smorest's decorators puts a call around the view that asks the app whether the view is a coroutine function. Ours never
    are, and a route has several of them.
    """
    view._apidoc = decorate(view)._apidoc  # type: ignore[attr-defined]
    return view
