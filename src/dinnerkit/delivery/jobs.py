"""Jobs as a person sees them: one queue after the other, what waits, what runs, and what became of the last."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from dinnerkit.delivery.errors import NoSuchQueue
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.queues import QUEUES
from dinnerkit.storage import Row

State: TypeAlias = Literal["waiting", "running", "finished", "failed"]
STATES: tuple[State, ...] = get_args(State)

MOST_SHOWN = 100

_FIELDS = ("handler", "kind", "attempts", "created_at", "started_at", "ended_at", "error")


class Jobs:
    """Shows jobs; a job is the delivery of one message to one handler. Of what it is about, only the message's kind is shown."""

    def __init__(self, deliveries: DeliveryService) -> None:
        self._deliveries = deliveries

    def queues(self) -> list[dict[str, Any]]:
        """The named queues, with what waits and what became of the rest.

        Each has its ``backlog``, ``age_seconds`` of the oldest of it, its ``dead_letters``, and how many jobs ever ``finished`` or
        ``failed`` for good, and attempts were ``retried``.
        """
        backlog, dead, totals = self._deliveries.backlog(), self._deliveries.dead_letter_counts(), self._deliveries.records.totals()
        return [
            {"name": name, "backlog": backlog[name].jobs, "age_seconds": round(backlog[name].age, 1), "dead_letters": dead[name]}
            | totals[name]
            for name in QUEUES
        ]

    def of(self, queue: str, state: State, limit: int = MOST_SHOWN) -> list[dict[str, Any]]:
        """Jobs of the queue in that state: the oldest first where they wait or run, the last first where they ended.

        Raises:
            NoSuchQueue: there is no queue of that name.
        """
        if queue not in QUEUES:
            raise NoSuchQueue(f"there is no queue of that name; there are {', '.join(QUEUES)}")
        if state == "finished" or state == "failed":  # noqa: PLR1714 - by which mypy tells the four apart
            rows = self._deliveries.records.last(queue, state)[:limit]
        else:
            rows = self._deliveries.outstanding(queue, "pending" if state == "waiting" else "running", limit)
        return [_shown(row, state) for row in rows]


def _shown(row: Row, state: State) -> dict[str, Any]:
    shown = {"id": row.get("id", row.get("_id")), "state": state} | {name: row.get(name) for name in _FIELDS}
    if state == "waiting":
        shown["next_at"] = row["not_before"]
    # The words of an error may name somebody; its kind does not.
    shown["error"] = row["error"].partition(":")[0] if row.get("error") else None
    return shown
