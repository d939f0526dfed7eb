"""Stripe's test payment methods (docs.stripe.com/testing), with what each leads to."""

from __future__ import annotations

from dinnerkit.ports.checkout import CheckoutForm, OfferedMethod
from dinnerkit.ports.gateway import ChargeStatus, RefundStatus

METHODS: dict[str, tuple[ChargeStatus, str | None]] = {
    "pm_card_visa": ("succeeded", None),
    "pm_card_visa_debit": ("succeeded", None),
    "pm_card_mastercard": ("succeeded", None),
    "pm_card_amex": ("succeeded", None),
    "pm_card_authenticationRequired": ("action_required", None),
    "pm_card_chargeDeclined": ("declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("declined", "insufficient_funds"),
    "pm_card_chargeDeclinedLostCard": ("declined", "lost_card"),
    "pm_card_chargeDeclinedStolenCard": ("declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("declined", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": ("declined", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": ("declined", "processing_error"),
    "pm_card_pendingRefund": ("succeeded", None),
    "pm_card_refundFail": ("succeeded", None),
    "pm_card_createDispute": ("succeeded", None),
    "pm_card_createDisputeProductNotReceived": ("succeeded", None),
}
"""What a charge becomes, and why where it is declined."""

REFUNDS: dict[str, tuple[RefundStatus, RefundStatus]] = {
    "pm_card_pendingRefund": ("pending", "succeeded"),
    "pm_card_refundFail": ("succeeded", "failed"),
}
"""What a refund is at first, and what it becomes a little later; with the others it succeeds for good."""

DISPUTES: dict[str, str] = {
    "pm_card_createDispute": "fraudulent",
    "pm_card_createDisputeProductNotReceived": "product_not_received",
}
"""Why the guest's bank takes the payment back as soon as it is made."""

FORM = CheckoutForm(
    offered=(
        OfferedMethod("pm_card_visa", "Visa", "pays at once"),
        OfferedMethod("pm_card_authenticationRequired", "Visa with 3-D Secure", "the bank asks you to approve"),
        OfferedMethod("pm_card_chargeDeclined", "A declined card", "the bank says no"),
        OfferedMethod("pm_card_chargeDeclinedInsufficientFunds", "An empty account", "the bank says that there is not enough money"),
        OfferedMethod("pm_card_chargeDeclinedExpiredCard", "An expired card", "the bank says that it is too old"),
    ),
    hint="Choose a test card: no real money moves.",
)
"""The cards that a page offers: the method, its name, and what happens."""
