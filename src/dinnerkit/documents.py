"""The documents of all domains: what is stored, and which of them tell others what has happened."""

from __future__ import annotations

from dinnerkit.accounts.documents import AddressDocument, AttemptDocument, UserDocument
from dinnerkit.booking.documents import BookingDocument
from dinnerkit.delivery.documents import DeadLetterDocument, DeliveryDocument, JobRecordsDocument, LeaseDocument
from dinnerkit.delivery.outbox import SendingDocument
from dinnerkit.events.documents import EventDocument, FeedDocument
from dinnerkit.http.idempotency_store import IdempotencyRecord
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.feedback.documents import FeedbackDocument
from dinnerkit.payment.documents import NotificationDocument, PaymentDocument
from dinnerkit.payment.ledger.documents import EntryDocument
from dinnerkit.payment.payouts.documents import PayeeDocument, PayoutDocument
from dinnerkit.payment.reconciliation.documents import ReconciliationDocument
from dinnerkit.storage import StoredDocument
from dinnerkit.vouchers.documents import VoucherDocument

SENDERS: tuple[type[SendingDocument], ...] = (
    UserDocument,
    EventDocument,
    PaymentDocument,
    NotificationDocument,
    PayoutDocument,
    BookingDocument,
    SeatingDocument,
)
"""The documents with an outbox."""

DOCUMENTS: tuple[type[StoredDocument], ...] = (
    *SENDERS,
    AddressDocument,
    AttemptDocument,
    FeedbackDocument,
    FeedDocument,
    VoucherDocument,
    IdempotencyRecord,
    EntryDocument,
    PayeeDocument,
    ReconciliationDocument,
    DeliveryDocument,
    DeadLetterDocument,
    JobRecordsDocument,
    LeaseDocument,
)
"""Everything that is stored."""
