"""Webhooks: verified and stored at once, worked on later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.messages import Message
from dinnerkit.payment.documents import NotificationDocument, PaymentDocument
from dinnerkit.payment.errors import NoSuchGateway
from dinnerkit.payment.messages import AccountNotified, NotificationReceived
from dinnerkit.ports.gateway import Gateway, GatewayEvent
from dinnerkit.ports.local_gateway import LocalWebhooks
from dinnerkit.storage import Row, collection, insert, insert_missing, to_row


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
        told = self._gateway.verify(body, headers)
        try:
            insert(self._database, self._notification(told, news=self._is_news(told, self._succeeded([told]))))
        except DuplicateKeyError:
            return False
        return True

    def fetch_local(self) -> int:
        """Hand in the webhooks of a gateway that runs beside the app and can't call its URL, some hundred at a time; how many."""
        if not isinstance(self._gateway, LocalWebhooks):
            return 0
        webhooks = list(self._gateway.due_webhooks())
        if not webhooks:
            return 0
        told = [self._gateway.verify(webhook.body, webhook.headers) for webhook in webhooks]
        succeeded = self._succeeded(told)
        rows = [to_row(self._notification(event, news=self._is_news(event, succeeded))) for event in told]
        insert_missing(collection(self._database, NotificationDocument), rows)
        for webhook in webhooks:
            self._gateway.acknowledge(webhook.id)
        return len(webhooks)

    def _notification(self, event: GatewayEvent, *, news: bool) -> NotificationDocument:
        notification_id = f"{self._gateway.name}:{event.id}"
        messages: list[Message] = []
        if event.charge_id and news:
            messages.append(NotificationReceived(notification_id=notification_id, charge_id=event.charge_id, subject=event.subject))
        if event.account_id and not event.charge_id:
            messages.append(AccountNotified(notification_id=notification_id, account_id=event.account_id))
        return NotificationDocument(
            id=notification_id,
            kind=event.kind,
            charge=event.charge_id,
            received_at=self._clock(),
            outbox=self._outbox.entries(*messages),
        )

    def _is_news(self, event: GatewayEvent, succeeded: Set[str]) -> bool:
        """Of a charge that is known to have succeeded there is nothing to hear any more; of its refunds and disputes there is."""
        return event.subject != "charge" or event.charge_id not in succeeded

    def _succeeded(self, events: Iterable[GatewayEvent]) -> set[str]:
        """The charges among them that are known to have succeeded."""
        charges = [event.charge_id for event in events if event.subject == "charge"]
        if not charges:
            return set()
        rows = self._payments.find({"charge": {"$in": charges}, "status": "succeeded"}, ("charge",))
        return {row["charge"] for row in rows}
