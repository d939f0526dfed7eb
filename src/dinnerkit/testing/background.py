"""What workers do in the background, done here and now."""

from __future__ import annotations

from typing import Protocol, TypeVar

from pymongo.database import Database

from dinnerkit.booking.deposits import DepositSweep
from dinnerkit.booking.sweep import BookingSweep
from dinnerkit.clock import Clock
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.delivery.relay import Relay
from dinnerkit.delivery.schedules import JobDesk
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.payment.service import PaymentService
from dinnerkit.payment.webhooks import WebhookInbox
from dinnerkit.storage import Row, collection

S = TypeVar("S")

_MOST_ROUNDS = 100


class OpenKit(Protocol):
    """The part of a :class:`dinnerkit.kit.Kit` that is needed here."""

    clock: Clock

    @property
    def database(self) -> Database[Row]:
        """The database of all documents."""
        ...

    def service(self, kind: type[S]) -> S:
        """The service of that type."""
        ...


def run_background(kit: OpenKit) -> None:
    """Sweep, relay and deliver until nothing is left that is due by the kit's clock.

    Raises:
        RuntimeError: it does not come to an end; the message names what keeps being due.
    """
    deliveries = collection(kit.database, DeliveryDocument)
    for _ in range(_MOST_ROUNDS):
        moved = (
            kit.service(WebhookInbox).fetch_local()
            + kit.service(BookingSweep).run()
            + kit.service(DepositSweep).run()
            + kit.service(Relay).run()
            + kit.service(JobDesk).run()
        )
        kit.service(PaymentService).sweep()
        due = [
            row["_id"] for row in deliveries.find({"state": {"$in": ["pending", "running"]}, "not_before": {"$lte": kit.clock()}}, ("_id",))
        ]
        for delivery in due:
            kit.service(DeliveryService).run(delivery)
        if not moved and not due:
            return
    raise RuntimeError(f"the background work does not come to an end: {due}")
