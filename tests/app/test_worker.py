"""The worker's clockwork."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Lock

import pytest

from dinnerkit.accounts.service import AccountService
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.errors import SettingError
from dinnerkit.kit import Kit
from dinnerkit.payment.documents import NotificationDocument
from dinnerkit.payment.ledger.service import Ledger
from dinnerkit.payment.messages import DisputeFeeChanged
from dinnerkit.payment.service import PaymentService
from dinnerkit.settings import Settings
from dinnerkit.storage import collection, insert
from dinnerkit.worker import Worker, run_beside
from tests.waiting import DEADLINE


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


class Silent:
    """A gateway that lets the jobs of one queue hang, as many of them as come."""

    def __init__(self, full: int) -> None:
        self.full, self.let_go = Event(), Event()
        self.running = self.most = self.ran = 0
        self._all = full
        self._lock = Lock()

    def post(self, _: str) -> None:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            if self.running == self._all:
                self.full.set()
        self.let_go.wait(2 * DEADLINE)
        with self._lock:
            self.running -= 1
            self.ran += 1


def tell_of_payments(kit: Kit, count: int) -> None:
    """Leave messages for the queue ``payments`` in an outbox."""
    told = [DisputeFeeChanged(payment_id=f"p{number}", dispute_id="d", amount=1, currency="EUR") for number in range(count)]
    row = NotificationDocument(id="n", kind="test", received_at=kit.clock(), outbox=Outbox(kit.clock).entries(*told))
    insert(kit.database, row)


def test_a_queue_whose_jobs_all_hang_keeps_no_other_waiting(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten of thirty jobs of the queue ``payments`` hang, all that may run at a time; and mails are sent."""
    silent, delivered = Silent(10), Event()
    monkeypatch.setattr(kit.service(Ledger), "post_payment", silent.post)
    monkeypatch.setattr(kit.backends.mail, "send", lambda mail: delivered.set())
    with working(kit):
        try:
            tell_of_payments(kit, 30)
            assert silent.full.wait(DEADLINE)
            kit.service(AccountService).register(email="ada@example.org", password="sea otters hold hands", name="Ada")
            assert delivered.wait(DEADLINE), list(collection(kit.database, DeliveryDocument).find({"queue": "emails"}))
            assert kit.service(DeliveryService).backlog()["payments"].jobs == 30
        finally:
            silent.let_go.set()
    assert silent.most == 10


def test_a_worker_takes_the_queues_that_the_settings_name_and_no_others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with Kit.open(replace(settings, queues="emails=1, media")) as kit:
        delivered = Event()
        monkeypatch.setattr(kit.backends.mail, "send", lambda mail: delivered.set())
        with working(kit):
            tell_of_payments(kit, 1)
            kit.service(AccountService).register(email="ada@example.org", password="sea otters hold hands", name="Ada")
            assert delivered.wait(DEADLINE)
        assert [row["queue"] for row in collection(kit.database, DeliveryDocument).find({"state": "pending"})] == ["payments"]
        totals = kit.service(DeliveryService).records.totals()
        assert (totals["emails"]["finished"], totals["payments"]["finished"]) == (1, 0), "written when it ended"


@pytest.mark.parametrize(("queues", "words"), [({"letters": 1}, "there are emails, payments"), ({"emails": 0}, "from 1 to 256, not '0'")])
def test_a_worker_of_queues_that_there_are_not_is_refused(kit: Kit, queues: dict[str, int], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Worker(kit, queues)
