"""Asking guests for a payment: whatever form the gateway has, on a page that knows no gateway."""

from __future__ import annotations

from typing import Any

from flask import Response, abort

from dinnerkit.booking.store import Booking
from dinnerkit.errors import DinnerkitError, PaymentRequired, Unavailable
from dinnerkit.http.services import service
from dinnerkit.payment.checkout import CheckoutService
from dinnerkit.texts import sentence
from dinnerkit.web.assets import given, hash_of
from dinnerkit.web.places import page_url
from dinnerkit.web.policy import let_in

_DECLINED = {
    "insufficient_funds": "The bank says that there is not enough money in the account.",
    "expired_card": "The bank says that the card has expired.",
    "incorrect_cvc": "The bank says that the card's security code is wrong.",
    "incorrect_number": "The bank says that there is no such card.",
    "card_velocity_exceeded": "The bank says that the card's limit is reached.",
    "withdrawal_count_limit_exceeded": "The bank says that the card's limit is reached.",
    "currency_not_supported": "The bank says that the card can't pay in this currency.",
    "card_not_supported": "The bank says that the card can't be used for this.",
    "processing_error": "Something went wrong at the bank.",
    "issuer_not_available": "The bank could not be reached.",
    "authentication_required": "The bank wants you to approve the payment.",
    "payment_intent_authentication_failure": "You, or your bank, did not approve it.",
}
"""What the guest may know of why. That a card is reported lost or stolen is not for whoever holds it to know."""


def checkout(booking: Booking) -> dict[str, Any]:
    """What ``parts/pay.html`` shows to whoever pays for the booking; what its form needs from elsewhere is let in.

    ``form`` is None where payment is not taken here; ``script``, for a gateway with a module, is what our own script is told.
    """
    form, source = service(CheckoutService).form(booking.amount), service(CheckoutService).module
    if form is None or (not form.offered and not source):
        return {"form": None, "script": None}
    if form.offered:
        return {"form": form, "script": None}
    let_in(form.sources)
    script = {
        "module": page_url("checkout_module", version=hash_of(source)),
        "settings": dict(form.settings),
        "back": page_url("bookings.authenticate", booking_id=booking.id),
    }
    return {"form": form, "script": script}


def serve_module(version: str) -> Response:
    """Give the gateway's module."""
    source = service(CheckoutService).module
    if not source:
        abort(404)
    return given(source.encode(), "text/javascript", asked=version, now=hash_of(source))


def failure_in_words(error: DinnerkitError | None) -> str:
    """What went wrong with a payment, or with another wish of the guest's."""
    if error is None:
        return ""
    if isinstance(error, PaymentRequired):
        declined = _DECLINED.get(str(error.details.get("decline_code")))
        return f"The payment was declined. {declined or 'The bank does not say why.'} Your seats are still held: try another card."
    if isinstance(error, Unavailable):
        return (
            "We have no answer about your payment yet. Nothing is paid twice: if it went through, your seats are confirmed in a moment; "
            "if not, try again in a minute."
        )
    return sentence(error.message)
