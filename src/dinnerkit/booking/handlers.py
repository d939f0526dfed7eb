"""What booking does upon messages. Each handler finds its work in the state of the documents, and so may run twice."""

from __future__ import annotations

from typing import Any

from dinnerkit.booking.following import Following
from dinnerkit.booking.host_payouts import HostPayouts
from dinnerkit.booking.messages import BookingCancelled, BookingExpired, DepositReleased, GuestsCheckedIn
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.transferring import TransferService
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.events.messages import EventCancelled, EventChanged
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seat_messages import SeatsOffered, SeatsPassedOn, SeatsResold
from dinnerkit.events.seats import Seats
from dinnerkit.messages import Handler
from dinnerkit.payment.messages import DisputeClosed, PaymentFailed, PaymentSucceeded
from dinnerkit.payment.service import PaymentService


def booking_handlers(
    bookings: BookingService,
    paying: PayingService,
    payments: PaymentService,
    payouts: HostPayouts,
    seats: Seats,
    waiting: WaitingList,
    following: Following,
    transfers: TransferService,
) -> list[Handler[Any]]:
    """The handlers of the booking domain. Each finds its work in the state of the documents, and so may run twice."""
    return [*_about_money(bookings, paying, payments, payouts), *_about_seats(bookings, seats, waiting, following, transfers)]


def _about_money(bookings: BookingService, paying: PayingService, payments: PaymentService, payouts: HostPayouts) -> list[Handler[Any]]:
    def settle(message: PaymentSucceeded) -> None:
        paying.settle_again(message.payment_id)
        payouts.expect(message.payment_id)

    def settle_after_dispute(message: DisputeClosed) -> None:
        if message.won:
            paying.settle_again(message.payment_id)

    def unlock(message: PaymentFailed) -> None:
        if payments.live(message.reference) is None:
            paying.unlock(message.reference)

    def stop_paying(message: BookingExpired) -> None:
        payments.abandon(message.booking_id)

    def finish_cancellation(message: BookingCancelled) -> None:
        bookings.finish_cancellation(message.booking_id)
        payments.abandon(message.booking_id)

    def give_back_resold(message: SeatsResold) -> None:
        bookings.give_back_resold(message.booking_id, message.seats)

    def give_deposit_back(message: GuestsCheckedIn | DepositReleased) -> None:
        bookings.pay_back(message.booking_id)

    return [
        Handler("booking.settle", PaymentSucceeded, settle, queue="payments", urgent=True),
        Handler("booking.settle_after_dispute", DisputeClosed, settle_after_dispute, queue="payments"),
        Handler("booking.unlock", PaymentFailed, unlock, queue="payments"),
        Handler("booking.stop_paying", BookingExpired, stop_paying, queue="payments"),
        Handler("booking.finish_cancellation", BookingCancelled, finish_cancellation, queue="payments"),
        Handler("booking.give_deposit_back", GuestsCheckedIn, give_deposit_back, queue="payments"),
        Handler("booking.give_released_deposit_back", DepositReleased, give_deposit_back, queue="payments"),
        Handler("booking.give_back_resold", SeatsResold, give_back_resold, queue="payments"),
    ]


def _about_seats(
    bookings: BookingService, seats: Seats, waiting: WaitingList, following: Following, transfers: TransferService
) -> list[Handler[Any]]:
    def record_offer(message: SeatsOffered) -> None:
        bookings.record_offer(
            SeatHold(message.event_id, message.hold_id, message.booking_id, message.user_id, message.guests, message.until)
        )

    def cancel_all(message: EventCancelled) -> None:
        for hold in seats.holds(message.event_id):
            if hold.giver:  # its booking may not have been made yet
                transfers.finish(hold.giver, hold.booking, hold.user)
            bookings.cancel_by_host(hold)
        waiting.dismiss(message.event_id)

    def finish_transfer(message: SeatsPassedOn) -> None:
        transfers.finish(message.giver_booking_id, message.booking_id, message.user_id)

    def offer_new_seats(message: EventChanged) -> None:
        bookings.offer_free(message.event_id)

    def follow(message: EventChanged) -> None:
        following.follow(message.event_id)

    return [
        Handler("booking.record_offer", SeatsOffered, record_offer),
        Handler("booking.finish_transfer", SeatsPassedOn, finish_transfer),
        Handler("booking.cancel_all", EventCancelled, cancel_all),
        Handler("booking.offer_new_seats", EventChanged, offer_new_seats),
        Handler("booking.follow", EventChanged, follow),
    ]
