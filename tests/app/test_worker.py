"""The worker's clockwork."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from dinnerkit.accounts.service import AccountService
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.kit import Kit
from dinnerkit.payment.service import PaymentService
from dinnerkit.storage import collection
from dinnerkit.worker import Worker, run_beside

DEADLINE = 20.0


class Hanging:
    """A gateway's silence, as the sweep over payments meets it."""

    def __init__(self) -> None:
        self.reached, self.let_go = Event(), Event()
        self.calls = 0

    def sweep(self) -> int:
        self.calls += 1
        self.reached.set()
        self.let_go.wait(DEADLINE)
        return 0


@contextmanager
def working(kit: Kit) -> Iterator[None]:
    finish = run_beside(Worker(kit))
    try:
        yield
    finally:
        finish()


def test_a_gateway_that_hangs_does_not_keep_messages_from_being_delivered(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, delivered = Hanging(), Event()
    monkeypatch.setattr(kit.service(PaymentService), "sweep", hanging.sweep)
    monkeypatch.setattr(kit.backends.mail, "send", lambda mail: delivered.set())
    with working(kit):
        try:
            assert hanging.reached.wait(DEADLINE)
            kit.service(AccountService).register(email="ada@example.org", password="sea otters hold hands", name="Ada")
            assert delivered.wait(DEADLINE), list(collection(kit.database, DeliveryDocument).find())
            assert hanging.calls == 1, "the sweep runs once at a time"
        finally:
            hanging.let_go.set()
