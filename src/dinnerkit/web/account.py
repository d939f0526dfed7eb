"""Signing in and out, registering, and what begins with a link in a mail."""

from __future__ import annotations

from flask import Blueprint, Response, request

from dinnerkit.accounts.api import pass_captcha, pass_sign_in_captcha
from dinnerkit.accounts.captcha import CaptchaCheck
from dinnerkit.accounts.errors import (
    BadCredentials,
    BadToken,
    CaptchaFailed,
    CaptchaRequired,
    CaptchaUnavailable,
    TooManyAttempts,
)
from dinnerkit.accounts.passwords import SHORTEST
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.schemas import LONGEST_TYPED, LoginSchema, RegistrationSchema, ResetRequestSchema, ResetSchema
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.errors import Conflict, DinnerkitError, Invalid
from dinnerkit.http.services import service
from dinnerkit.texts import sentence
from dinnerkit.web.captcha import answered, asked
from dinnerkit.web.forms import Form, show, status_for, typed
from dinnerkit.web.places import go, ours, page_url, see
from dinnerkit.web.sessions import close_session, open_session, say, signed_in, visitor

blueprint = Blueprint("account", __name__)

_CAPTCHA = (CaptchaRequired, CaptchaFailed, CaptchaUnavailable)


@blueprint.route("/login")
def sign_in() -> Response:
    """Show the sign-in form."""
    return go(_then()) if visitor().principal else _sign_in_page(Form())


@blueprint.route("/login", methods=["POST"])
def check_password() -> Response:
    """Sign in, and go on to where the visitor wanted to be."""
    form = typed()
    given = form.load(LoginSchema(), _fields("email", "password"))
    if not given:
        return _sign_in_page(form)
    try:
        pass_sign_in_captcha(given["email"], answered(), asked_by_page=True)
        open_session(service(SignInService).open_session(given["email"], given["password"]))
    except (BadCredentials, TooManyAttempts, *_CAPTCHA) as error:
        form.take(error)
        return _sign_in_page(form, error)
    say("signed_in")
    return go(_then())


@blueprint.route("/logout", methods=["POST"])
def sign_out() -> Response:
    """Sign out."""
    say("signed_out" if close_session() else "signed_out_here")
    return see("home.show")


@blueprint.route("/logout/everywhere", methods=["POST"])
def sign_out_everywhere() -> Response:
    """Sign out all browsers and programs of this user."""
    service(SignInService).sign_out_everywhere(signed_in().user_id)
    close_session()
    say("signed_out_everywhere")
    return see("home.show")


@blueprint.route("/register")
def register() -> Response:
    """Show the registration form."""
    return go(_then()) if visitor().principal else _register_page(Form())


@blueprint.route("/register", methods=["POST"])
def make_account() -> Response:
    """Make an account, and sign in with it."""
    form = typed()
    given = form.load(RegistrationSchema(), _fields("name", "email", "password"))
    if not given:
        return _register_page(form)
    try:
        pass_captcha("register", answered(), asked_by_page=True)
        service(AccountService).register(**given)
    except (Conflict, Invalid, CaptchaUnavailable) as error:
        form.take(error)
        return _register_page(form, error)
    open_session(service(SignInService).open_session(given["email"], given["password"]))
    say("welcome")
    return go(_then())


@blueprint.route("/verify")
def ask_to_verify() -> Response:
    """Show a button that confirms the address: those who look through mails for dangers open links too, and must not use this one up."""
    return show("verify.html", token=_token())


@blueprint.route("/verify", methods=["POST"])
def verify() -> Response:
    """Take the address as verified."""
    try:
        service(RecoveryService).verify_email(request.form.get("token", ""))
    except BadToken as error:
        return show("verify.html", status=422, token="", problem=sentence(error.message))
    say("verified")
    return see("profile.mine") if visitor().principal else see("account.sign_in")


@blueprint.route("/verify/mail", methods=["POST"])
def send_verification() -> Response:
    """Have the verification mail sent again."""
    service(RecoveryService).request_verification(signed_in().user_id)
    say("mail_sent")
    return see("profile.mine")


@blueprint.route("/forgot")
def forgot() -> Response:
    """Ask for the address of who has forgotten the password."""
    return _forgot_page(Form())


@blueprint.route("/forgot", methods=["POST"])
def send_reset() -> Response:
    """Have a link to a new password mailed; the answer is the same for unknown addresses."""
    form = typed()
    given = form.load(ResetRequestSchema(), _fields("email"))
    if not given:
        return _forgot_page(form)
    try:
        pass_captcha("password-reset", answered(), asked_by_page=True)
        service(RecoveryService).request_password_reset(given["email"])
    except (Invalid, CaptchaUnavailable) as error:
        form.take(error)
        return _forgot_page(form, error)
    return show("forgot.html", form=form, sent=True, captcha=None)


@blueprint.route("/reset")
def ask_password() -> Response:
    """Ask for a new password."""
    return _reset_page(Form(), _token())


@blueprint.route("/reset", methods=["POST"])
def reset() -> Response:
    """Set a new password; all sessions end, this browser's too."""
    form = typed()
    given = form.load(ResetSchema(), _fields("token", "password"))
    if not given:
        return _reset_page(form, request.form.get("token", ""))
    try:
        service(RecoveryService).reset_password(given["token"], given["password"])
    except (BadToken, Invalid) as error:
        form.take(error)
        return _reset_page(form, given["token"], error)
    close_session()
    say("new_password")
    return see("account.sign_in")


def _sign_in_page(form: Form, error: DinnerkitError | None = None) -> Response:
    typed_address = request.form.get("email", "")[:LONGEST_TYPED]
    suspected = bool(typed_address and service(CaptchaCheck).module) and service(SignInService).suspected(typed_address)
    captcha = asked("login") if suspected else None
    return show("sign_in.html", form=form, then=_then(), captcha=captcha, status=status_for(form, error))


def _register_page(form: Form, error: DinnerkitError | None = None) -> Response:
    captcha = asked("register")
    return show("register.html", form=form, then=_then(), shortest=SHORTEST, captcha=captcha, status=status_for(form, error))


def _forgot_page(form: Form, error: DinnerkitError | None = None) -> Response:
    return show("forgot.html", form=form, sent=False, captcha=asked("password-reset"), status=status_for(form, error))


def _reset_page(form: Form, token: str, error: DinnerkitError | None = None) -> Response:
    return show("reset.html", form=form, token=token, shortest=SHORTEST, status=status_for(form, error))


def _fields(*names: str) -> dict[str, str]:
    return {name: request.form.get(name, "") for name in names}


def _then() -> str:
    """Where the visitor wanted to be: a page of ours, whatever was sent."""
    wanted = ours(request.values.get("next", ""))
    return page_url("home.show") if wanted == page_url("account.sign_in") else wanted


def _token() -> str:
    return request.args.get("token", "")[: LONGEST_TYPED * 2]
