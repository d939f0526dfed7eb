"""A voucher for a booking that is there already: asked for, and used."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.booking.discounting import DiscountService
from dinnerkit.booking.rules import DISCOUNTABLE
from dinnerkit.booking.service import BookingService
from dinnerkit.errors import Conflict, DinnerkitError
from dinnerkit.http.services import service
from dinnerkit.ids import is_id
from dinnerkit.vouchers.rules import LONGEST_CODE
from dinnerkit.web.forms import Form, show, status_for, typed
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in

blueprint = Blueprint("discounts", __name__)


@blueprint.route("/bookings/<booking_id>/voucher")
def ask(booking_id: str) -> Response:
    """Ask for the code."""
    return _form(booking_id, Form())


@blueprint.route("/bookings/<booking_id>/voucher", methods=["POST"])
def use(booking_id: str) -> Response:
    """Use it."""
    form, code = typed(), request.form.get("voucher", "").strip()[:LONGEST_CODE]
    if not code:
        form.errors["voucher"] = "Type the code."
        return _form(booking_id, form)
    try:
        service(DiscountService).use(signed_in().user_id, _existing(booking_id), code)
    except (Conflict, TooManyAttempts) as error:
        form.take(error)
        return _form(booking_id, form, error)
    say("discounted")
    return see("bookings.one", booking_id=booking_id)


def _existing(booking_id: str) -> str:
    if not is_id(booking_id):
        abort(404)
    return booking_id


def _form(booking_id: str, form: Form, error: DinnerkitError | None = None) -> Response:
    booking = service(BookingService).get(signed_in().user_id, _existing(booking_id))
    if booking.status not in DISCOUNTABLE and error is None:
        return see("bookings.one", booking_id=booking.id)
    return show("voucher.html", status=status_for(form, error), booking=booking, form=form)
