"""Those whom guests bring: named by their guest, and asked by a private link."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, abort, request

from dinnerkit.accounts.errors import BadToken, TooManyAttempts
from dinnerkit.accounts.secrecy import LONGEST_TOKEN
from dinnerkit.booking.companions import CompanionService, Invitation
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, Companion
from dinnerkit.errors import Conflict, DinnerkitError, Invalid
from dinnerkit.http.services import service
from dinnerkit.ids import is_id
from dinnerkit.matching.people.questionnaire import score
from dinnerkit.texts import sentence
from dinnerkit.web.forms import Form, show, status_for, typed
from dinnerkit.web.places import page_url, see
from dinnerkit.web.profile import questionnaire_page, still_open, typed_answers
from dinnerkit.web.sessions import say, signed_in

blueprint = Blueprint("companions", __name__)


@blueprint.route("/bookings/<booking_id>/companions")
def ask(booking_id: str) -> Response:
    """Ask whom I bring."""
    booking = _mine(booking_id)
    return _form(booking, Form(values=_as_typed(booking)))


@blueprint.route("/bookings/<booking_id>/companions", methods=["POST"])
def name(booking_id: str) -> Response:
    """Keep whom I bring."""
    booking, form = _mine(booking_id), typed()
    rows = [(number, request.form.get(f"name{number}", "").strip()) for number in range(1, booking.guests)]
    named = [Companion(who, tuple(_words(request.form.get(f"diets{number}", "")))) for number, who in rows if who]
    places = [number for number, who in rows if who]
    names = {f"companions.{place}.{part}": f"{part}{number}" for place, number in enumerate(places) for part in ("name", "diets")}
    try:
        service(CompanionService).name(booking.user, booking.id, named)
    except (Conflict, Invalid) as error:
        form.take(error, names)
        return _form(booking, form, error)
    say("saved")
    return see("companions.ask", booking_id=booking.id)


@blueprint.route("/bookings/<booking_id>/companions/<int:number>/link", methods=["POST"])
def link(booking_id: str, number: int) -> Response:
    """Make a private link, and show it once."""
    booking = _mine(booking_id)
    try:
        made = service(CompanionService).link(booking.user, booking.id, number)
    except (Conflict, TooManyAttempts) as error:
        form = Form(values=_as_typed(booking))
        form.take(error)
        return _form(booking, form, error)
    booking = _mine(booking_id)
    address = request.host_url.rstrip("/") + page_url("companions.questionnaire", token=made.token)
    return _form(booking, Form(values=_as_typed(booking)), made=(number, address))


@blueprint.route("/companions/<token>")
def questionnaire(token: str) -> Response:
    """Show the 50 statements to somebody whom a guest brings."""
    return _statements(token, Form())


@blueprint.route("/companions/<token>", methods=["POST"])
def answer(token: str) -> Response:
    """Keep the traits that follow from their answers."""
    answers, form = typed_answers()
    try:
        service(CompanionService).answer(token, score(answers).as_dict())
    except BadToken:
        return _statements(token, form)
    except Invalid:
        return _statements(token, still_open(form))
    return _statements(token, form, answered=True)


def _mine(booking_id: str) -> Booking:
    user = signed_in().user_id
    if not is_id(booking_id):
        abort(404)
    return service(BookingService).get(user, booking_id)


def _form(booking: Booking, form: Form, error: DinnerkitError | None = None, made: tuple[int, str] | None = None) -> Response:
    return show("companions.html", status=status_for(form, error), booking=booking, form=form, made=made)


def _statements(token: str, form: Form, *, answered: bool = False) -> Response:
    if len(token) > LONGEST_TOKEN:
        abort(404)
    found: Invitation | None = None
    problem = ""
    try:
        found = service(CompanionService).invitation(token)
    except BadToken as error:
        problem = sentence(error.message)
    page = questionnaire_page(form, "companion.html", invitation=found, token=token, answered=answered, problem=problem)
    if found is None:
        page.status_code = 404
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


def _as_typed(booking: Booking) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for number, one in enumerate(booking.companions, start=1):
        values |= {f"name{number}": one.name, f"diets{number}": ", ".join(one.diets)}
    return values


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
