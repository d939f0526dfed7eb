"""A record of a seating by which anybody can make it again, and see that it is the same."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.seating.locks import Locks
from dinnerkit.matching.seating.rooms import Size
from dinnerkit.matching.seating.seat import NOTHING_LOCKED, seat
from dinnerkit.matching.seating.tables import Seating


@dataclass(frozen=True, slots=True)
class Record:
    """What a seating was made from.

    Attributes:
        inputs: SHA-256 of the guests in their order, the sizes, the rules and what was locked; it tells nothing about them.
        outputs: SHA-256 of who sits with whom.
        seed: what all chance was drawn from.
        version: of dinnerkit.
        iterations: how often the search looked at each guest.
        engine: of the search, ``"numba"`` or ``"numpy"``; the two draw chance differently.
    """

    inputs: str
    outputs: str
    seed: int
    version: str
    iterations: int
    engine: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


@typed
def record(
    seating: Seating,
    guests: Iterable[Guest],
    *,
    size: Size = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
    locked: Locks = NOTHING_LOCKED,
) -> Record:
    """The record of a seating that was made from these guests, sizes, rules and locks."""
    return Record(
        inputs=digest(list(guests), size, list(rules), locked),
        outputs=digest([list(table.guests) for table in seating.tables]),
        seed=seating.seed,
        version=version(),
        iterations=seating.run.sweeps,
        engine=seating.run.engine,
    )


@typed
def replay(
    earlier: Record,
    guests: Iterable[Guest],
    *,
    size: Size = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
    best_effort: bool = False,
    everybody: bool = False,
    locked: Locks = NOTHING_LOCKED,
) -> Seating:
    """Make a recorded seating again, given what :func:`dinnerkit.matching.seat` was given then.

    A seating that was given a time in ``seconds`` depends on the machine too, and may not come out the same; nor may one of another
    engine or another version of numpy.

    Raises:
        RuleInvalid: the guests, sizes, rules or locks are not those of the record, or the outcome is not.
    """
    people = list(guests)
    if digest(people, size, list(rules), locked) != earlier.inputs:
        raise RuleInvalid("these are not the guests, sizes, rules and locks of the record")
    if version() != earlier.version:
        raise RuleInvalid(f"the record was made by dinnerkit {earlier.version}, this is {version()}")
    seating = seat(people, size=size, rules=rules, seed=earlier.seed, best_effort=best_effort, everybody=everybody, locked=locked)
    if record(seating, people, size=size, rules=rules, locked=locked).outputs != earlier.outputs:
        raise RuleInvalid("the same guests, sizes, rules, locks and seed gave other tables: the engine, or the time to search, was another")
    return seating


def version() -> str:
    """Of dinnerkit; what knows it takes long to load, and is needed for records only."""
    return str(import_module("importlib.metadata").version("dinnerkit"))


def digest(*values: Any) -> str:
    """SHA-256 of guests, sizes, rules, locks and the like, whatever the order of what has none."""
    return hashlib.sha256(json.dumps(_plain(values), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The value in lists, mappings and scalars; sets in order, objects by their class and fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"": type(value).__name__} | fields
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(_plain(item) for item in value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
