"""The contracts' versions, and how a plugin says for which one it was built.

A contract is what the prose of a port promises, and the tests in :mod:`dinnerkit.testing` that hold a backend to it. Its version is one
integer for each kind. It rises by one when the promise changes, so that a backend which kept the old one may not keep the new; the change
log then says what its author has to do. It does not rise for a new capability, which nobody must have, nor for a new test of what the prose
had promised already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

CONTRACTS = {"bus": 1, "cache": 1, "captcha": 1, "gateway": 1, "limiter": 1, "mail": 1, "media": 1, "queue": 1, "search": 1, "sessions": 1}
"""The present version of each kind's contract; the other kinds have none yet."""

F = TypeVar("F", bound=Callable[[str], Any])

_MARK = "__dinnerkit_built__"


@dataclass(frozen=True, slots=True)
class Built:
    """What a factory says of itself: for which version of its kind's contract it was written, and of which class its backends are."""

    contract: int
    backend: type


def built_for(contract: int, backend: type) -> Callable[[F], F]:
    """Mark a factory with the contract that it was built for, for ``dinnerkit plugins`` and whoever else wants to know unopened.

        @built_for(1, AcmeCache)
        def open_cache(url: str) -> AcmeCache: ...

    A factory without the mark works as well; nobody can tell then for which contract it was built, nor what its backends can do.

    Args:
        contract: the version in :data:`CONTRACTS` whose tests it passes. Write the number: what is read from there is always the present.
        backend: the class of what it opens, by whose members the capabilities are known.
    """

    def mark(factory: F) -> F:
        setattr(factory, _MARK, Built(contract, backend))
        return factory

    return mark


def built(factory: object) -> Built | None:
    """What a factory says of itself; None where it says nothing that makes sense."""
    found = getattr(factory, _MARK, None)
    sensible = isinstance(found, Built) and isinstance(found.contract, int) and isinstance(found.backend, type)
    return found if sensible else None
