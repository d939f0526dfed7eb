"""Reads that a secondary of the replica set may answer, without an answer from before.

A secondary lags, as a rule by milliseconds, at times by much more. So the primary is asked for its time first, which costs it next to
nothing, and the secondary answers once it has come that far: whoever was told of a write before they asked sees it, in whichever process it
was done. (MongoDB calls that causal consistency.) A secondary that does not come that far within a moment is left alone for some seconds,
and the primary answers instead, as it does where there is none.

An answer may so be kept, and purged when a change is told of, as if it were the primary's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import pymongo
import structlog
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.read_preferences import SecondaryPreferred

T = TypeVar("T")

Question: TypeAlias = Callable[[Collection[dict[str, Any]], ClientSession | None], T]
"""Reads from the collection, in the session, all that it wants."""

MOST_STALE_SECONDS: Final = 90
"""A secondary that is known to be so far behind is not asked at all; MongoDB allows no less."""

_LAGGING: Final = SecondaryPreferred(max_staleness=MOST_STALE_SECONDS)

PATIENCE_SECONDS: Final = 0.25
_REST_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class Secondaries:
    """Asks secondaries where that is wanted and can be done, else the primary. Safe to use from several threads and greenlets.

    Args:
        database: where to read.
        on: whether it is wanted.

    Attributes:
        patience: seconds that a secondary has for all of an answer.
    """

    def __init__(self, database: Database[dict[str, Any]], *, on: bool = False) -> None:
        self._database = database
        self._lagging = database.with_options(read_preference=_LAGGING) if on else database
        self._on = on
        self.patience = PATIENCE_SECONDS
        self._rest_until = 0.0

    @property
    def lagging(self) -> Database[dict[str, Any]]:
        """The database for reads that may be behind by a minute and a half: for figures."""
        return self._lagging

    def ask(self, rows: Collection[dict[str, Any]], question: Question[T]) -> T:
        """The answer of a secondary, or the primary's, to a question about a collection; it may be asked twice.

        Raises:
            PyMongoError: the primary gave none.
        """
        if self._on and time.monotonic() >= self._rest_until:
            try:
                return self._ask_lagging(rows, question)
            except PyMongoError as error:
                self._rest_until = time.monotonic() + _REST_SECONDS
                log.warning("secondary_too_late", error=type(error).__name__, seconds=_REST_SECONDS)
        return question(rows, None)

    def _ask_lagging(self, rows: Collection[dict[str, Any]], question: Question[T]) -> T:
        client = self._database.client
        with pymongo.timeout(self.patience):
            if client.is_mongos:  # its time may be behind that of another mongos
                self._on = False
                return question(rows, None)
            with client.start_session(causal_consistency=True) as session:
                client.admin.command("ping", session=session)  # from which the session has the primary's time
                return question(rows.with_options(read_preference=_LAGGING), session)
