"""Webhooks: verified and stored at once, worked on later."""

from __future__ import annotations

from collections.abc import Mapping

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.payment.documents import NotificationDocument, PaymentDocument
from dinnerkit.payment.errors import NoSuchGateway
from dinnerkit.payment.messages import NotificationReceived
from dinnerkit.ports.gateway import Gateway, LocalWebhooks
from dinnerkit.storage import Row, collection, insert


class WebhookInbox:
    """Takes what a gateway tells.

    A notification only says where to look: the gateway is asked again, so that order and repetition don't matter.
    """

    def __init__(self, database: Database[Row], gateway: Gateway, clock: Clock) -> None:
        self._database = database
        self._payments = collection(database, PaymentDocument)
        self._gateway = gateway
        self._clock = clock
        self._outbox = Outbox(clock)

    def receive(self, gateway: str, body: bytes, headers: Mapping[str, str]) -> bool:
        """Verify a webhook and store it; False where it was stored before.

        Raises:
            NoSuchGateway: that gateway is not in use here.
            BadSignature: the gateway did not send it.
            Invalid: it is signed, and not understood.
        """
        if gateway != self._gateway.name:
            raise NoSuchGateway("no such gateway is in use")
        event = self._gateway.verify(body, headers)
        notification_id = f"{gateway}:{event.id}"
        told = []
        if event.charge_id and not self._succeeded(event.charge_id):
            told.append(NotificationReceived(notification_id=notification_id, charge_id=event.charge_id))
        document = NotificationDocument(
            id=notification_id,
            kind=event.kind,
            charge=event.charge_id,
            received_at=self._clock(),
            outbox=self._outbox.entries(*told),
        )
        try:
            insert(self._database, document)
        except DuplicateKeyError:
            return False
        return True

    def fetch_local(self) -> int:
        """Hand in the webhooks of a gateway that runs beside the app and can't call its URL; how many."""
        if not isinstance(self._gateway, LocalWebhooks):
            return 0
        count = 0
        for webhook in self._gateway.due_webhooks():
            self.receive(self._gateway.name, webhook.body, webhook.headers)
            self._gateway.acknowledge(webhook.id)
            count += 1
        return count

    def _succeeded(self, charge_id: str) -> bool:
        """Whether the gateway has nothing to tell us any more about a payment: a success stays one."""
        return self._payments.find_one({"charge": charge_id, "status": "succeeded"}, ("_id",)) is not None
