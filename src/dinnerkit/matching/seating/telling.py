"""What a table's guests may be told of why they sit there; all else is for the host alone."""

from __future__ import annotations

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.seating.reasons import NO_DIFFERENCE
from dinnerkit.matching.seating.tables import Table

FEWEST_TOLD = 4
"""A table's guests are told its reasons only if there are so many: of one other, or two, a group's reasons would tell too much."""

DISCREET = "We chose this table with your answers in mind."
"""What the guests of a smaller table are told, or if there is nothing else that they may be told."""


@typed
def told_to_guests(table: Table) -> tuple[str, ...]:
    """The sentences that a table's guests may read: about the table as a whole, from a fixed vocabulary, without any number."""
    if len(table.guests) < FEWEST_TOLD:
        return (DISCREET,)
    # That there is no difference would tell, by being said or not, whether anybody has blocked somebody.
    told = (reason.text for reason in table.reasons if reason.text and reason.rule != NO_DIFFERENCE)
    return tuple(dict.fromkeys(told)) or (DISCREET,)
