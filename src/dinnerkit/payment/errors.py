"""Why a payment does not go through."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import BackendFault, Conflict, NotFound, PaymentRequired


class PaymentDeclined(PaymentRequired):
    """The gateway refused; the details say why, in the gateway's word."""

    code: ClassVar[str] = "payment_declined"


class PaymentInProgress(Conflict):
    """Another attempt to pay for the same thing has no answer yet."""

    code: ClassVar[str] = "payment_in_progress"


class NoSuchPayment(NotFound):
    """There is no such payment."""

    code: ClassVar[str] = "not_found"


class NoPayoutAccount(NotFound):
    """The host has no account for payouts yet."""

    code: ClassVar[str] = "no_payout_account"


class PayoutsUnsupported(Conflict):
    """The gateway in use pays nobody; hosts must be paid in another way."""

    code: ClassVar[str] = "payouts_unsupported"


class NoSuchGateway(NotFound):
    """The webhook is for a gateway that is not in use here."""

    code: ClassVar[str] = "not_found"


class RefundTooLarge(Conflict):
    """More would go back than is left of the payment."""

    code: ClassVar[str] = "refund_too_large"


class ChargeMismatch(BackendFault):
    """The gateway charged another amount, currency or payment than was asked for; a person must look."""

    code: ClassVar[str] = "charge_mismatch"
