"""Tables below the floor that a host has set, and what keeps them there."""

from __future__ import annotations

from collections.abc import Sequence

from dinnerkit.matching.rules.kinds import Floor, Rule
from dinnerkit.matching.seating.tables import BelowFloor, Table

_NAMED = 2


def below_floor(tables: Sequence[Table], rules: Sequence[Rule]) -> tuple[BelowFloor, ...]:
    """The tables whose score is below the floor, if the rules set one."""
    least = next((rule.least for rule in rules if isinstance(rule, Floor)), 0.0)
    return tuple(
        BelowFloor(number, table.score, least, _why(number, table, least)) for number, table in enumerate(tables, 1) if table.score < least
    )


def _why(number: int, table: Table, least: float) -> str:
    losing = sorted(table.reasons, key=lambda reason: reason.points - reason.most)[:_NAMED]
    lost = " and ".join(f"{reason.most - reason.points:g} of {reason.most:g} by {reason.rule}" for reason in losing)
    return (
        f"table {number} scores {table.score:g}, {least - table.score:g} below the floor: it loses {lost}, "
        "and no exchange was found that lifts it without sinking another table or breaking a rule"
    )
