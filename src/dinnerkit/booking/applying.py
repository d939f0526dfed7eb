"""A voucher put on a booking that is there: the use is taken first, then the booking gets its discount."""

from __future__ import annotations

from dinnerkit.booking.making import discounted
from dinnerkit.booking.rules import DISCOUNTABLE, LIVE
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.vouchers.rules import Voucher
from dinnerkit.vouchers.uses import VoucherUse, VoucherUses


def apply(store: BookingStore, uses: VoucherUses, booking: Booking, voucher: Voucher) -> Booking | None:
    """The booking with the voucher; None where it has changed since it was read. One that waits only says that it wants it.

    Raises:
        VoucherUsedUp: it was used as often as it may be.
    """
    as_read = {"hold": booking.hold, "amount": booking.amount.amount, "voucher": booking.voucher}
    if booking.status == "waitlisted":
        noted = store.move(booking, ("waitlisted",), discounted(booking, voucher), when=as_read)
        if noted is not None and booking.voucher and booking.voucher != voucher.id:
            uses.give_back(booking.voucher, booking.hold)  # who made it an offer may have died after counting that one
        return noted
    uses.take(VoucherUse(voucher.id, booking.hold, booking.id, booking.user, booking.expires_at))
    after = store.move(booking, DISCOUNTABLE - {"waitlisted"}, discounted(booking, voucher), when=as_read)
    if after is None:
        give_back_unused(store, uses, booking, voucher)
    return after


def give_back_unused(store: BookingStore, uses: VoucherUses, booking: Booking, voucher: Voucher) -> None:
    """Give a use back that was taken for a booking, unless that has the voucher by now: the same may have been asked for at once."""
    now = store.find(booking.id)
    if now is None or now.status not in LIVE or now.voucher != voucher.id:
        uses.give_back(voucher.id, booking.hold)
