"""Who looks at a page: the session in our own cookie, the token in our forms, and the note that outlives one redirect."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flask import Response, request

from dinnerkit.accounts.page_sessions import PageSession, PageSessions, SessionsUnavailable
from dinnerkit.errors import Forbidden, Unauthenticated
from dinnerkit.http.auth import act_for
from dinnerkit.http.mount import current_mount
from dinnerkit.http.services import service
from dinnerkit.identity import Principal

SESSION, VISIT, NOTICE = "dinnerkit_session", "dinnerkit_visit", "dinnerkit_notice"
"""The cookies: of the session, of a visitor without one who was given a form, and of what to say on the next page."""

CSRF_FIELD = "csrf"

NOTICES = {
    "welcome": "Welcome! We have sent you a mail to confirm your address.",
    "signed_in": "Good to see you.",
    "signed_out": "You are signed out.",
    "signed_out_here": "You are signed out in this browser. If others may use it, sign out everywhere when you are back.",
    "signed_out_everywhere": "You are signed out, here and everywhere else.",
    "verified": "Thank you, your address is confirmed.",
    "mail_sent": "The mail is on its way.",
    "new_password": "Your new password is set. Sign in with it.",
    "saved": "Saved.",
    "answered": "Thank you. These answers will find you good company.",
    "answered_alike": "Saved. You gave many statements in a row the same answer; if you were in a hurry, answer once more.",
    "held": "Your seats are held for you.",
    "confirmed": "Your seats are yours. See you at dinner.",
    "refused": "The payment was refused. Your seats are still held: try another card.",
    "cancelled": "Your booking is cancelled.",
    "waiting": "You are on the waiting list.",
    "discounted": "Your voucher is used.",
    "not_waiting": "You are off the waiting list.",
    "thanks": "Thank you. The next tables will be the better for it.",
    "taken_back": "It is forgotten.",
    "drafted": "Your draft is saved. Publish it when it is ready.",
    "published": "Your dinner is published.",
    "photo_sent": "Your photo has arrived.",
    "photo_removed": "The dinner has no photo now.",
    "called_off": "The dinner is called off. Its guests are told, and get their money back.",
    "arrived": "That ticket is good, and its guests are in.",
    "missed": "Noted: they are not here.",
    "seating": "The tables are being made.",
    "tables_published": "The tables are published. Every guest can see their own.",
    "offered": "The offer is on its way. You keep your seats until it is taken.",
    "withdrawn": "The offer is taken back.",
    "voucher_made": "Your voucher is made.",
    "voucher_stopped": "Nobody can use that voucher any more. The bookings that have it keep it.",
    "retried": "It will be delivered again.",
    "discarded": "It is forgotten.",
}
"""What a page may say once, after a redirect. Only these: a cookie can't put words into our mouth."""

_VISITOR, _NEW_VISIT, _SAY, _CLOSED, _OPENED = (f"dinnerkit.pages.{name}" for name in ("visitor", "visit", "say", "closed", "opened"))


class FormOutdated(Forbidden):
    """The form was not given to this visitor, or too long ago."""

    code = "form_outdated"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page; ``principal`` is None for those who are not signed in, or where that is not ``known``.

    ``session`` is the token of the session that says so, empty where it is none of ours.
    """

    principal: Principal | None = None
    name: str = ""
    csrf: str = ""
    known: bool = True
    session: str = field(default="", repr=False)


def visitor() -> Visitor:
    """Who looks at this page; found out once a request."""
    if _VISITOR not in request.environ:
        request.environ[_VISITOR] = Visitor(known=False)  # an error on the way leaves a page that can still be shown
        found = _found()
        request.environ[_VISITOR] = found
        act_for(found.principal)
    return cast("Visitor", request.environ[_VISITOR])


def who_now() -> Principal | None:
    """Who is signed in at this moment, in a request that lasts so long that this may change.

    Raises:
        SessionsUnavailable: that can't be found out now.
    """
    found = _found()
    _must_be_known(found)
    return found.principal


def session_of_request() -> Callable[[], Principal | None] | None:
    """Says, also when this request is over, who is signed in by the session that it came with; None where no session of ours says who.

    What it gives raises SessionsUnavailable where that can't be found out.
    """
    token, sessions = visitor().session, service(PageSessions)
    if not token:
        return None

    def who() -> Principal | None:
        session = sessions.find(token)
        return None if session is None else session.principal

    return who


def signed_in() -> Principal:
    """The user who looks at this page.

    Raises:
        Unauthenticated: nobody is signed in; the answer leads to the sign-in page.
        SessionsUnavailable: that can't be found out now.
    """
    _must_be_known(visitor())
    principal = visitor().principal
    if principal is None:
        raise Unauthenticated("Sign in first.")
    return principal


def csrf_token() -> str:
    """What a form of this visitor must carry."""
    known = visitor().csrf or request.cookies.get(_name(VISIT)) or request.environ.get(_NEW_VISIT)
    if not known:
        known = request.environ[_NEW_VISIT] = secrets.token_urlsafe(24)
    return cast("str", known)


def check_form() -> None:
    """Let only a form pass that we gave to this visitor.

    Raises:
        FormOutdated: it was not.
        Unauthenticated: it was given to a session that is over.
        SessionsUnavailable: it was given to a session, and whether that lives can't be found out now.
    """
    sent = request.form.get(CSRF_FIELD, "")
    expected = visitor().csrf or request.cookies.get(_name(VISIT), "")
    foreign = request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
    if expected and not foreign and hmac.compare_digest(sent.encode(), expected.encode()):
        return
    if not foreign and visitor().principal is None and _name(SESSION) in request.cookies:
        _must_be_known(visitor())
        raise Unauthenticated("You have been signed out meanwhile.")
    raise FormOutdated("This form is out of date. Open its page again and send it from there.")


def open_session(session: PageSession) -> None:
    """Sign this browser in, in place of whoever was."""
    close_session()
    request.environ[_OPENED] = session.token


def close_session() -> bool:
    """Sign this browser out; whether its session has ended on the server too, which can't be done while the store is away."""
    request.environ[_CLOSED] = True
    token = request.cookies.get(_name(SESSION))
    try:
        if token:
            service(PageSessions).close(token)
    except SessionsUnavailable:
        return False
    return True


def say(notice: str) -> None:
    """Show one of the ``NOTICES`` on the next page."""
    request.environ[_SAY] = notice


def notice() -> str | None:
    """What the last request wanted to be said; asked for when a page is made, and then forgotten."""
    key = request.cookies.get(_name(NOTICE))
    if key is not None:
        request.environ.setdefault(_SAY, "")
    return NOTICES.get(key or "")


def keep_cookies(response: Response) -> Response:
    """Put what became of the session, the visit and the notice into the answer's cookies."""
    environ = request.environ
    if environ.get(_CLOSED):
        _delete(response, SESSION)
        _delete(response, VISIT)
    if token := environ.get(_OPENED):
        _set(response, SESSION, token)
    if visit := environ.get(_NEW_VISIT):
        _set(response, VISIT, visit)
    if (said := environ.get(_SAY)) is not None:
        if said:
            _set(response, NOTICE, said)
        else:
            _delete(response, NOTICE)
    if "Set-Cookie" in response.headers:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _found() -> Visitor:
    token = request.cookies.get(_name(SESSION))
    if token:
        try:
            session = service(PageSessions).find(token)
        except SessionsUnavailable:
            return Visitor(known=False)
        if session is not None:
            return Visitor(session.principal, session.name, session.csrf, session=session.token)
    try:
        return Visitor(current_mount().user_resolver(request))
    except Unauthenticated:
        return Visitor()


def _must_be_known(found: Visitor) -> None:
    if not found.known:
        raise SessionsUnavailable("We can't find out who is signed in now. Try again in a moment.")


def _name(cookie: str) -> str:
    """Over https a prefix has the browser refuse the cookie from any other host or path."""
    return f"__Host-{cookie}" if request.is_secure else cookie


def _set(response: Response, cookie: str, value: str) -> None:
    response.set_cookie(_name(cookie), value, path="/", secure=request.is_secure, httponly=True, samesite="Lax")


def _delete(response: Response, cookie: str) -> None:
    response.delete_cookie(_name(cookie), path="/", secure=request.is_secure, httponly=True, samesite="Lax")
