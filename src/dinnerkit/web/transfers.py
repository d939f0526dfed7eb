"""Seats given to somebody else: offered by a guest, and taken by a link in a mail."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from dinnerkit.accounts.errors import BadToken, TooManyAttempts
from dinnerkit.accounts.secrecy import LONGEST_TOKEN
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.transferring import TransferService
from dinnerkit.errors import Conflict, DinnerkitError, Forbidden, Invalid
from dinnerkit.http.problems import status_of
from dinnerkit.http.services import service
from dinnerkit.ids import is_id, new_id
from dinnerkit.texts import sentence
from dinnerkit.web.forms import Form, operation_id, show, status_for, typed
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in

blueprint = Blueprint("transfers", __name__)


@blueprint.route("/bookings/<booking_id>/transfer")
def ask(booking_id: str) -> Response:
    """Ask whom the seats of a booking of mine shall be offered to."""
    return _form(booking_id, Form())


@blueprint.route("/bookings/<booking_id>/transfer", methods=["POST"])
def offer(booking_id: str) -> Response:
    """Offer the seats; the answer is the same whether or not anybody here has the address."""
    form = typed()
    mine = _existing(booking_id)
    try:
        service(TransferService).offer(signed_in().user_id, mine, request.form.get("email", ""), transfer_id=operation_id("transfer"))
    except (Conflict, Invalid, TooManyAttempts) as error:
        form.take(error)
        return _form(mine, form, error)
    say("offered")
    return see("bookings.one", booking_id=mine)


@blueprint.route("/bookings/<booking_id>/transfer/withdraw", methods=["POST"])
def withdraw(booking_id: str) -> Response:
    """Take the offer back."""
    service(TransferService).withdraw(signed_in().user_id, _existing(booking_id))
    say("withdrawn")
    return see("bookings.one", booking_id=booking_id)


@blueprint.route("/transfers/<token>")
def offered(token: str) -> Response:
    """Show the seats that a link in a mail is about."""
    return _offer(token)


@blueprint.route("/transfers/<token>", methods=["POST"])
def accept(token: str) -> Response:
    """Take them."""
    try:
        taken = service(TransferService).accept(signed_in().user_id, token)
    except (BadToken, Conflict, Forbidden) as error:
        return _offer(token, error)
    say("confirmed")
    return see("bookings.one", booking_id=taken.id)


def _existing(booking_id: str) -> str:
    if not is_id(booking_id):
        abort(404)
    return booking_id


def _form(booking_id: str, form: Form, error: DinnerkitError | None = None) -> Response:
    booking = service(BookingService).get(signed_in().user_id, _existing(booking_id))
    return show("transfer.html", status=status_for(form, error), booking=booking, form=form, operation=new_id())


def _offer(token: str, error: DinnerkitError | None = None) -> Response:
    if len(token) > LONGEST_TOKEN:
        abort(404)
    try:
        found = service(TransferService).offered(token)
    except (BadToken, Conflict) as over:
        return show("offered.html", status=404, offered=None, problem=sentence((error or over).message))
    return show("offered.html", status=status_of(error) if error else 200, offered=found, problem=sentence(error.message) if error else "")
