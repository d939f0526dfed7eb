"""Why a voucher can't be used or made. All refusals of a code have the same shape, whatever is wrong with it."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Conflict, NotFound


class NoSuchVoucher(NotFound):
    """There is no such voucher, or it is another host's."""

    code: ClassVar[str] = "not_found"


class CodeTaken(Conflict):
    """The host has a voucher with this code already."""

    code: ClassVar[str] = "code_taken"


class VoucherUnknown(Conflict):
    """No voucher with this code is good for a dinner of this host."""

    code: ClassVar[str] = "voucher_unknown"


class VoucherExpired(Conflict):
    """The voucher is not good any more, or not yet."""

    code: ClassVar[str] = "voucher_expired"


class VoucherUsedUp(Conflict):
    """The voucher was used as often as it may be, by all or by this guest."""

    code: ClassVar[str] = "voucher_used_up"


class VoucherNotForThisEvent(Conflict):
    """The voucher is good for another event, or in another currency."""

    code: ClassVar[str] = "voucher_not_for_this_event"


class VoucherMinimum(Conflict):
    """The seats cost less than the voucher asks for, or nothing."""

    code: ClassVar[str] = "voucher_minimum"
