"""Arguments of a wrong type refused by name where they come in, by what the signature says."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from functools import cache, wraps
from inspect import signature
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from dinnerkit.matching.errors import RuleInvalid

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")
_Kind = tuple[Callable[[object], bool], str]

_SHOWN = 60


def typed(function: Callable[_Given, _Answer]) -> Callable[_Given, _Answer]:
    """The function, which refuses numbers, texts, functions, lists and objects of ours where something else is given.

    What is in lists is not looked at, nor what may be an array, or one of several things: that is checked where it is read.

    Raises:
        RuleInvalid: by the new function, of an argument of a wrong type.
    """
    parameters = signature(function)

    @wraps(function)
    def checked(*args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
        if (wrong := _wrong(function, parameters.bind(*args, **kwargs).arguments.items())) is not None:
            raise RuleInvalid("{} must be {}, not {}".format(*wrong))
        return function(*args, **kwargs)

    return checked


def typed_fields(cls: type[_Answer]) -> type[_Answer]:
    """The dataclass, of which the fields are checked as :func:`typed` checks arguments."""
    cls.__init__ = typed(cls.__init__)  # type: ignore[method-assign]
    return cls


def wrong_field(value: Any) -> tuple[str, str, str] | None:
    """The name of the first field of a dataclass that is of a wrong type, what it must be, and what it is; None if none is."""
    cls = value.__class__
    return _wrong(cls, ((name, getattr(value, name)) for name in _accepted_by(cls)))


def _wrong(function: Any, given: Iterable[tuple[str, Any]]) -> tuple[str, str, str] | None:
    """The same of what a function, or a class, is given."""
    accepted = _accepted_by(function)
    for name, value in given:
        kinds = accepted.get(name)
        if kinds and not any(fits(value) for fits, _ in kinds):
            return name, _called(kinds), shown(value)
    return None


@cache
def _accepted_by(function: Any) -> dict[str, list[_Kind]]:
    return {name: _accepted(hint) for name, hint in get_type_hints(function).items()}


def _accepted(hint: Any) -> list[_Kind]:
    """What a hint stands for, and how that is called; nothing where it may be anything."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        parts = [_accepted(part) for part in get_args(hint)]
        kinds = [kind for part in parts for kind in part] if all(parts) else []
        return kinds if len(kinds) == 2 and _KINDS[types.NoneType] in kinds else []  # noqa: PLR2004
    kind = origin or hint
    if kind in _KINDS:
        return [_KINDS[kind]]
    if not isinstance(kind, type) or getattr(kind, "_is_protocol", False) or kind.__module__ == "numpy":
        return []
    return [(lambda value: isinstance(value, kind), f"of type {kind.__name__}")]


def _called(kinds: list[_Kind]) -> str:
    return " or ".join(dict.fromkeys(what for _, what in kinds))


def _is_number(kind: type) -> Callable[[object], bool]:
    """What Python takes for a number, but for true and false."""
    return lambda value: isinstance(value, kind) and not isinstance(value, bool)


def _is_float(value: object) -> bool:
    """The same of what a float can hold, as whole numbers can be too large for."""
    return _is_number(Real)(value) and not (isinstance(value, int) and abs(value) > sys.float_info.max)


def _is_list(kind: type, *no: type) -> Callable[[object], bool]:
    """What Python takes for a list, but for texts, which it takes for lists of letters."""
    return lambda value: isinstance(value, kind) and not isinstance(value, (str, bytes, *no))


_IN_ORDER = _is_list(Collection, Set, Mapping), "a list"

_KINDS: dict[Any, _Kind] = {
    int: (_is_number(Integral), "a whole number"),
    float: (_is_float, "a number"),
    bool: (lambda value: type(value).__name__ in ("bool", "bool_"), "true or false"),  # numpy's own too, which need not be loaded
    str: (lambda value: isinstance(value, str), "a text"),
    types.NoneType: (lambda value: value is None, "None"),
    Callable: (callable, "a function"),
    Iterable: (_is_list(Iterable), "a list"),
    Collection: (_is_list(Collection), "a list"),
    Sequence: _IN_ORDER,
    list: _IN_ORDER,
    tuple: _IN_ORDER,
    Mapping: (lambda value: isinstance(value, Mapping), "a mapping"),
    frozenset: (lambda value: isinstance(value, Set), "a set"),
}


def shown(value: object) -> str:
    """A value as it is told in an error: on one line, and not all of a long one."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
