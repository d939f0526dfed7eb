"""Which mail follows from which message."""

from __future__ import annotations

from typing import Any, TypeVar

from dinnerkit.accounts.messages import PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested
from dinnerkit.booking.messages import (
    BookingCancelled,
    BookingConfirmed,
    BookingMoved,
    BookingOffered,
    BookingResold,
    BookingTransferred,
    DinnerOver,
    ReminderDue,
    TransferOffered,
)
from dinnerkit.matching.messages import SeatingPublished
from dinnerkit.messages import Handler
from dinnerkit.money import Money
from dinnerkit.notifications.alarms import MoneyAlarms
from dinnerkit.notifications.service import NotificationService
from dinnerkit.payment.messages import DisputeClosed, DisputeOpened, RefundFailed, RefundSucceeded

AboutBooking = TypeVar("AboutBooking", BookingConfirmed, BookingCancelled, BookingTransferred)

_QUEUE = "emails"


def notification_handlers(notifications: NotificationService, alarms: MoneyAlarms) -> list[Handler[Any]]:
    """The handlers that send mails."""
    return [*_about_accounts(notifications), *_about_bookings(notifications), *_about_dinners(notifications), *_about_money(alarms)]


def _about_accounts(notifications: NotificationService) -> list[Handler[Any]]:
    def verify_email(message: UserRegistered | VerificationRequested) -> None:
        notifications.verify_email(message.user_id)

    def reset_password(message: PasswordResetRequested) -> None:
        notifications.reset_password(message.user_id)

    def password_changed(message: PasswordChanged) -> None:
        notifications.password_changed(message.user_id, message.change_id)

    return [
        Handler("notifications.verify_email", UserRegistered, verify_email, queue=_QUEUE, urgent=True),
        Handler("notifications.verify_email_again", VerificationRequested, verify_email, queue=_QUEUE, urgent=True),
        Handler("notifications.reset_password", PasswordResetRequested, reset_password, queue=_QUEUE, urgent=True),
        Handler("notifications.password_changed", PasswordChanged, password_changed, queue=_QUEUE),
    ]


def _about_bookings(notifications: NotificationService) -> list[Handler[Any]]:
    def about(template: str, message: type[AboutBooking]) -> Handler[AboutBooking]:
        def send(told: AboutBooking) -> None:
            notifications.about_booking(template, told.booking_id)

        return Handler(f"notifications.{template}", message, send, queue=_QUEUE)

    def booking_offered(message: BookingOffered) -> None:
        notifications.booking_offered(message.booking_id)

    def refund_sent(message: RefundSucceeded) -> None:
        notifications.refund_sent(message.user_id, message.refund_id, Money(message.amount, message.currency))

    def seats_resold(message: BookingResold) -> None:
        notifications.seats_resold(message.booking_id, message.seats)

    def transfer_offered(message: TransferOffered) -> None:
        notifications.transfer_offered(message.booking_id, message.transfer_id)

    return [
        about("booking_confirmed", BookingConfirmed),
        about("booking_transferred", BookingTransferred),
        Handler("notifications.transfer_offered", TransferOffered, transfer_offered, queue=_QUEUE),
        Handler("notifications.booking_offered", BookingOffered, booking_offered, queue=_QUEUE),
        about("booking_cancelled", BookingCancelled),
        Handler("notifications.refund_sent", RefundSucceeded, refund_sent, queue=_QUEUE),
        Handler("notifications.seats_resold", BookingResold, seats_resold, queue=_QUEUE),
    ]


def _about_dinners(notifications: NotificationService) -> list[Handler[Any]]:
    def tables_published(message: SeatingPublished) -> None:
        notifications.tables_published(message.event_id)

    def booking_moved(message: BookingMoved) -> None:
        notifications.booking_moved(message.booking_id, message.was, message.change_id)

    def reminder(message: ReminderDue) -> None:
        notifications.reminder(message.booking_id, message.hours, message.starts_at)

    def how_was_it(message: DinnerOver) -> None:
        notifications.how_was_it(message.booking_id)

    return [
        Handler("notifications.how_was_it", DinnerOver, how_was_it, queue=_QUEUE),
        Handler("notifications.tables_published", SeatingPublished, tables_published, queue=_QUEUE),
        Handler("notifications.booking_moved", BookingMoved, booking_moved, queue=_QUEUE),
        Handler("notifications.reminder", ReminderDue, reminder, queue=_QUEUE),
    ]


def _about_money(alarms: MoneyAlarms) -> list[Handler[Any]]:
    return [
        Handler("notifications.dispute_opened", DisputeOpened, alarms.dispute_opened, queue=_QUEUE),
        Handler("notifications.dispute_closed", DisputeClosed, alarms.dispute_closed, queue=_QUEUE),
        Handler("notifications.refund_failed", RefundFailed, alarms.refund_failed, queue=_QUEUE),
    ]
