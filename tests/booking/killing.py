"""A process that dies or is held up at a chosen line: everything that it sends away is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pymongo.collection import Collection
from pymongo.database import Database

from dinnerkit.backends.sandbox import SandboxGateway
from dinnerkit.money import Money
from dinnerkit.ports.gateway import Charge, GatewayRefund, Payout

T = TypeVar("T")
Row = dict[str, Any]


class Killed(BaseException):
    """What SIGKILL is to a process: nothing that runs on ``Exception`` sees it."""


READS = frozenset({"find", "find_one", "aggregate", "count_documents", "estimated_document_count", "retrieve"})


class Killer:
    """Passes commands on and counts them, until the one that it was told to strike at; after that nothing leaves any more.

    A process that is killed at a read leaves the same behind as one that is killed after the write before it; so reads count only where
    ``reads`` is true.
    ``trouble`` is what strikes: ``Killed``, or an error that the process lives on with.
    """

    def __init__(self, *, reads: bool = False) -> None:
        self._reads = reads
        self.disarm()

    @property
    def paused(self) -> bool:
        """Whether the interruption has taken place."""
        return self._meanwhile is None

    def disarm(self) -> None:
        self.commands: list[str] = []
        self._last: int | None = None
        self._before = True
        self._pause_at = 0
        self._meanwhile: Callable[[], object] | None = None
        self.struck = False
        self._trouble: Callable[[], BaseException] = Killed

    def arm(self, last: int, *, before: bool, trouble: Callable[[], BaseException] = Killed) -> None:
        """Strike right before or right after the ``last``-th command, counted from 1."""
        self.disarm()
        self._last, self._before, self._trouble = last, before, trouble

    def interrupt(self, at: int, meanwhile: Callable[[], object]) -> None:
        """Let somebody else do something right before the ``at``-th command, reads included."""
        self.disarm()
        self._pause_at, self._meanwhile = at, meanwhile

    def passing(self, name: str, call: Callable[[], T]) -> T:
        if self.struck and self._trouble is Killed:
            raise AssertionError(f"{name} was sent by a process that is dead")
        if self._meanwhile:
            self._maybe_pause()
        if not self._reads and name.rpartition(".")[2] in READS:
            return call()
        self.commands.append(name)
        mine = len(self.commands) == self._last
        if mine and self._before:
            self._strike()
        try:
            return call()
        finally:
            if mine:
                self._strike()

    def _maybe_pause(self) -> None:
        self._pause_at -= 1
        if self._pause_at == 0 and self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()

    def _strike(self) -> None:
        self.struck = True
        raise self._trouble()


class KillableCollection:
    """A collection whose every method is a command."""

    def __init__(self, collection: Collection[Row], killer: Killer) -> None:
        self._collection = collection
        self._killer = killer

    @property
    def name(self) -> str:
        return self._collection.name

    def with_options(self, **options: Any) -> KillableCollection:
        return KillableCollection(self._collection.with_options(**options), self._killer)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)
        return lambda *args, **options: self._killer.passing(f"{self._collection.name}.{name}", lambda: method(*args, **options))


class KillableDatabase:
    """A database as far as services use one."""

    def __init__(self, database: Database[Row], killer: Killer) -> None:
        self._database = database
        self._killer = killer

    def __getitem__(self, name: str) -> KillableCollection:
        return KillableCollection(self._database[name], self._killer)


class KillableGateway(SandboxGateway):
    """The sandbox; each request to it is a command. ``meanwhile`` is run once, when the next charge has been made."""

    killer: Killer
    meanwhile: Callable[[], object] | None = None

    def charge(self, *, key: str, money: Money, method: str, description: str) -> Charge:
        def send() -> Charge:
            return SandboxGateway.charge(self, key=key, money=money, method=method, description=description)

        charge = self.killer.passing("gateway.charge", send)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return charge

    def retrieve(self, charge_id: str) -> Charge:
        return self.killer.passing("gateway.retrieve", lambda: SandboxGateway.retrieve(self, charge_id))

    def find(self, key: str) -> Charge | None:
        return self.killer.passing("gateway.find", lambda: SandboxGateway.find(self, key))

    def cancel(self, charge_id: str) -> Charge:
        return self.killer.passing("gateway.cancel", lambda: SandboxGateway.cancel(self, charge_id))

    def refund(self, *, key: str, charge_id: str, money: Money) -> GatewayRefund:
        return self.killer.passing("gateway.refund", lambda: SandboxGateway.refund(self, key=key, charge_id=charge_id, money=money))

    def pay_out(self, *, key: str, account_id: str, money: Money, description: str) -> Payout:
        def send() -> Payout:
            return SandboxGateway.pay_out(self, key=key, account_id=account_id, money=money, description=description)

        return self.killer.passing("gateway.pay_out", send)

    def acknowledge(self, webhook_id: str) -> None:
        self.killer.passing("gateway.acknowledge", lambda: SandboxGateway.acknowledge(self, webhook_id))
