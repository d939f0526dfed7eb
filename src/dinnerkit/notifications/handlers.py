"""Which mail follows from which message."""

from __future__ import annotations

from typing import Any, TypeVar

from dinnerkit.accounts.messages import PasswordChanged, PasswordResetRequested, UserRegistered, VerificationRequested
from dinnerkit.booking.messages import BookingCancelled, BookingConfirmed, BookingOffered, BookingResold
from dinnerkit.matching.messages import SeatingPublished
from dinnerkit.messages import Handler
from dinnerkit.money import Money
from dinnerkit.notifications.service import NotificationService
from dinnerkit.payment.messages import RefundSucceeded

AboutBooking = TypeVar("AboutBooking", BookingConfirmed, BookingCancelled)


def notification_handlers(notifications: NotificationService) -> list[Handler[Any]]:
    """The handlers that send mails; all run on the queue ``emails``."""

    def about(template: str, message: type[AboutBooking]) -> Handler[AboutBooking]:
        def send(told: AboutBooking) -> None:
            notifications.about_booking(template, told.booking_id)

        return Handler(f"notifications.{template}", message, send, queue="emails")

    def booking_offered(message: BookingOffered) -> None:
        notifications.booking_offered(message.booking_id)

    def seats_resold(message: BookingResold) -> None:
        notifications.seats_resold(message.booking_id, message.seats)

    def refund_sent(message: RefundSucceeded) -> None:
        notifications.refund_sent(message.user_id, message.refund_id, Money(message.amount, message.currency))

    def verify_email(message: UserRegistered | VerificationRequested) -> None:
        notifications.verify_email(message.user_id)

    def reset_password(message: PasswordResetRequested) -> None:
        notifications.reset_password(message.user_id)

    def password_changed(message: PasswordChanged) -> None:
        notifications.password_changed(message.user_id, message.change_id)

    def tables_published(message: SeatingPublished) -> None:
        notifications.tables_published(message.event_id)

    return [
        Handler("notifications.verify_email", UserRegistered, verify_email, queue="emails"),
        Handler("notifications.verify_email_again", VerificationRequested, verify_email, queue="emails"),
        Handler("notifications.reset_password", PasswordResetRequested, reset_password, queue="emails"),
        Handler("notifications.password_changed", PasswordChanged, password_changed, queue="emails"),
        Handler("notifications.tables_published", SeatingPublished, tables_published, queue="emails"),
        about("booking_confirmed", BookingConfirmed),
        Handler("notifications.booking_offered", BookingOffered, booking_offered, queue="emails"),
        about("booking_cancelled", BookingCancelled),
        Handler("notifications.seats_resold", BookingResold, seats_resold, queue="emails"),
        Handler("notifications.refund_sent", RefundSucceeded, refund_sent, queue="emails"),
    ]
