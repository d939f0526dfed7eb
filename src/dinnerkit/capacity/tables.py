"""Reading tables of numbers from TOML and JSON, with errors that name the file and the key."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from dinnerkit.errors import Invalid

MOST_BYTES = 1_000_000
_MOST = Decimal("1e12")

_Row = TypeVar("_Row")


def read_table(path: Path) -> dict[str, Any]:
    """The table in a TOML or JSON file, its fractions as decimals.

    Raises:
        Invalid: the file can't be read, is too large, or is neither.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Invalid(f"{path}: more than {MOST_BYTES:,} bytes")
        text = path.read_text("utf-8")
        loaded = json.loads(text, parse_float=Decimal) if path.suffix == ".json" else tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        raise Invalid(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path}: {error}") from error
    return table_in({"": loaded}, "", str(path))


def table_in(table: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    """A table within a table.

    Raises:
        Invalid: it is missing, or no table.
    """
    found = table.get(name)
    if not isinstance(found, dict):
        raise Invalid(f"{where}: {f'[{name}] is missing' if name else 'it holds no table'}")
    return found


def number(value: Any, where: str) -> Decimal:
    """A number, 0 or more.

    Raises:
        Invalid: it is none, below 0, or beyond all reason.
    """
    told = not isinstance(value, bool) and isinstance(value, (int, Decimal)) and Decimal(value).is_finite()
    if not told or not 0 <= value <= _MOST:
        raise Invalid(f"{where}: {value} is no number from 0 to {_MOST:.0e}")
    return Decimal(value)


def row_of(kind: type[_Row], table: Mapping[str, Any], where: str) -> _Row:
    """A dataclass of numbers and texts from a table that has just its fields.

    Raises:
        Invalid: a field is missing, unknown, or of another type.
    """
    types = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(table.keys() - types.keys()):
        raise Invalid(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(types)}")
    if missing := sorted(types.keys() - table.keys()):
        raise Invalid(f"{where}: {', '.join(missing)} is missing")
    found: dict[str, Any] = {}
    for name, wanted in types.items():
        value = table[name]
        if wanted == "str":
            if not isinstance(value, str):
                raise Invalid(f"{where}: {name} is no text")
            found[name] = value
        else:
            exact = number(value, f"{where}: {name}")
            found[name] = exact if wanted == "Decimal" else float(exact)
    return kind(**found)
