"""Why a booking can't be had or changed."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Conflict, Forbidden, NotFound


class NoSuchBooking(NotFound):
    """There is no such booking, or it is somebody else's."""

    code: ClassVar[str] = "not_found"


class HoldExpired(Conflict):
    """The time to pay is over; the seats may be gone."""

    code: ClassVar[str] = "hold_expired"


class AlreadyConfirmed(Conflict):
    """There is nothing left to pay."""

    code: ClassVar[str] = "already_confirmed"


class BookingCancelled(Conflict):
    """The booking is cancelled."""

    code: ClassVar[str] = "booking_cancelled"


class StillWaiting(Conflict):
    """The party is on the waiting list, and was not offered its seats yet."""

    code: ClassVar[str] = "still_waiting"


class BookingTransferred(Conflict):
    """The seats went to somebody else."""

    code: ClassVar[str] = "booking_transferred"


class PaymentNeeded(Conflict):
    """This offer is accepted by paying."""

    code: ClassVar[str] = "payment_needed"


class NothingToPay(Conflict):
    """The booking costs nothing."""

    code: ClassVar[str] = "nothing_to_pay"


class TooLateToCancel(Conflict):
    """The dinner has begun."""

    code: ClassVar[str] = "too_late_to_cancel"


class AlreadyDiscounted(Conflict):
    """The seats have another voucher already."""

    code: ClassVar[str] = "already_discounted"


class AmountChanged(Conflict):
    """What is to be paid has changed while it was paid: the money goes back."""

    code: ClassVar[str] = "amount_changed"


class NoSuchCompanion(NotFound):
    """The guest has named nobody of that number."""

    code: ClassVar[str] = "not_found"


class TooLateToChange(Conflict):
    """It is too late to say whom one brings."""

    code: ClassVar[str] = "too_late_to_change"


class TransferClosed(Conflict):
    """It is too late to give the seats to somebody else, or the offer is over."""

    code: ClassVar[str] = "transfer_closed"


class NotTheRecipient(Forbidden):
    """The seats are offered to somebody with another e-mail address."""

    code: ClassVar[str] = "not_the_recipient"


class NoSuchTicket(NotFound):
    """The ticket is not one of ours for this event."""

    code: ClassVar[str] = "not_found"


class BookingNotConfirmed(Conflict):
    """The booking gives no right to come: it is not confirmed, or not any more."""

    code: ClassVar[str] = "not_confirmed"


class DinnerNotBegun(Conflict):
    """Nobody can have missed a dinner that has not begun."""

    code: ClassVar[str] = "not_begun"


class TooLateToCorrect(Conflict):
    """The dinner was too long ago to say who was there."""

    code: ClassVar[str] = "too_late_to_correct"


class AlreadyCheckedIn(Conflict):
    """The guests of this ticket are in already; the details say since when."""

    code: ClassVar[str] = "already_checked_in"
