"""What booking tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from dinnerkit.messages import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingOffered(Message):
    """A party from the waiting list may have its seats."""

    kind: ClassVar[str] = "booking.offered"

    booking_id: str
    event_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingConfirmed(Message):
    """The seats are the guest's."""

    kind: ClassVar[str] = "booking.confirmed"

    booking_id: str
    event_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingExpired(Message):
    """The time to pay passed; the seats go back."""

    kind: ClassVar[str] = "booking.expired"

    booking_id: str
    event_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingCancelled(Message):
    """The booking is over: the guest or the host wanted it, or the money came too late for the seats."""

    kind: ClassVar[str] = "booking.cancelled"

    booking_id: str
    event_id: str
    user_id: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingMoved(Message):
    """The dinner takes place at another time or place than the guest was told; ``was`` says which, by the fields of ``about``."""

    kind: ClassVar[str] = "booking.moved"

    booking_id: str
    event_id: str
    user_id: str
    was: dict[str, Any]
    change_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DinnerOver(Message):
    """The guests of the booking have had their dinner, and can say how it was."""

    kind: ClassVar[str] = "booking.dinner_over"

    booking_id: str
    event_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReminderDue(Message):
    """The dinner is so many hours away."""

    kind: ClassVar[str] = "booking.reminder_due"

    booking_id: str
    event_id: str
    user_id: str
    hours: int
    starts_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingResold(Message):
    """Of the seats of a cancelled booking, so many are sold again by now, and their money goes back."""

    kind: ClassVar[str] = "booking.resold"

    booking_id: str
    event_id: str
    user_id: str
    seats: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestsDidNotCome(Message):
    """The dinner is over, and the guests of the booking were not there."""

    kind: ClassVar[str] = "booking.no_show"

    booking_id: str
    event_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DepositReleased(Message):
    """The deposit goes back: the dinner is long over, and its host checked nobody in, or called nobody absent."""

    kind: ClassVar[str] = "booking.deposit_released"

    booking_id: str
    event_id: str
    user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferOffered(Message):
    """The guest offers the seats to whoever has an address."""

    kind: ClassVar[str] = "booking.transfer_offered"

    booking_id: str
    event_id: str
    user_id: str
    transfer_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BookingTransferred(Message):
    """The seats belong to somebody else's booking now."""

    kind: ClassVar[str] = "booking.transferred"

    booking_id: str
    event_id: str
    user_id: str
    to_booking_id: str
    to_user_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestsCheckedIn(Message):
    """The guests of the booking have come."""

    kind: ClassVar[str] = "booking.checked_in"

    booking_id: str
    event_id: str
    user_id: str
