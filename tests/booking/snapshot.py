"""What the database and the gateway's own books say at one moment, read at once for whatever is to be checked of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pymongo.database import Database

from dinnerkit.clock import Clock

Row = dict[str, Any]

READ = ("bookings", "payments", "vouchers")
"""The collections that a snapshot has beside the events."""


class Mails(Protocol):
    @property
    def mails(self) -> Sequence[tuple[str, str]]: ...


class Stage(Protocol):
    """What is looked at: :class:`tests.booking.world.World`, or what is left of a real app that was killed."""

    @property
    def database(self) -> Database[Row]: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def books(self) -> Path: ...

    @property
    def postbox(self) -> Mails: ...


@dataclass(frozen=True)
class Snapshot:
    """Rows by their ids, in the order of their ids; ``charges`` by our payments' ids."""

    now: datetime
    events: dict[str, Row]
    bookings: dict[str, Row]
    payments: dict[str, Row]
    vouchers: dict[str, Row]
    charges: dict[str, Row]
    refunds: list[Row]

    @classmethod
    def of(cls, stage: Stage) -> Snapshot:
        rows: dict[str, dict[str, Row]] = {name: {} for name in ("events", *READ)}
        for found in stage.database["events"].aggregate([_named("events"), *_others()]):
            rows[found["of"]][found["row"]["_id"]] = found["row"]
        charges, refunds = gateway_books(stage)
        rows = {name: dict(sorted(found.items())) for name, found in rows.items()}
        return cls(stage.clock(), **rows, charges=charges, refunds=refunds)


def gateway_books(stage: Stage) -> tuple[dict[str, Row], list[Row]]:
    """What the gateway has written down: its charges by our payments' ids, and its refunds."""
    with closing(sqlite3.connect(stage.books)) as books:
        books.row_factory = sqlite3.Row
        charges = {row["key"]: dict(row) for row in books.execute("select * from charges")}
        refunds = [dict(row) for row in books.execute("select * from refunds")]
    return charges, refunds


def paid_out(stage: Stage) -> int:
    """What the gateway has sent to hosts."""
    with closing(sqlite3.connect(stage.books)) as books:
        (total,) = books.execute("select coalesce(sum(amount), 0) from payouts").fetchone()
    return int(total)


def _named(collection: str) -> Row:
    return {"$replaceWith": {"of": collection, "row": "$$ROOT"}}


def _others() -> list[Row]:
    """One command instead of one for each collection."""
    return [{"$unionWith": {"coll": name, "pipeline": [_named(name)]}} for name in READ]
