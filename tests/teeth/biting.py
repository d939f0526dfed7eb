"""How a contract is tried on a backend that is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import pytest

from dinnerkit.testing.expecting import ContractBroken


def bites(contract: Any, name: str, bench: Any, words: str, request: pytest.FixtureRequest) -> None:
    """The contract's test of that name fails on the bench, in such words."""
    method = getattr(contract(), f"test_{name.partition('[')[0]}")
    more: dict[str, Any] = {"place": name.partition("[")[2].removesuffix("]"), "what": name.partition("[")[2].removesuffix("]")}
    wanted = [parameter for parameter in inspect.signature(method).parameters if parameter != "bench"]
    given = {parameter: more[parameter] if parameter in more else request.getfixturevalue(parameter) for parameter in wanted}
    with pytest.raises(ContractBroken, match=words):
        method(bench, **given)


def all_broken(module: Any, sound: Sequence[type]) -> set[type]:
    """The broken kinds in a module: those that are made of a sound one."""
    kinds = {kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, tuple(sound))}
    return kinds - set(sound)
