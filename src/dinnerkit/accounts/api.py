"""The account routes: registering, signing in and out, what goes by mail, and one's own profile."""

from __future__ import annotations

from typing import Any

from flask import Request, Response
from flask import request as current_request

from dinnerkit.accounts.captcha import CaptchaCheck, Shown
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.rules import User
from dinnerkit.accounts.schemas import (
    CaptchaQuerySchema,
    CaptchaSchema,
    LoginSchema,
    ProfileChangesSchema,
    RefreshSchema,
    RegistrationSchema,
    ResetRequestSchema,
    ResetSchema,
    TokenPairSchema,
    UserSchema,
    VerificationSchema,
)
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService, TokenPair
from dinnerkit.http.auth import authenticated, bearer_token, current_principal
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private_json
from dinnerkit.http.idempotency import idempotent, operation_id
from dinnerkit.http.json_bytes import to_json
from dinnerkit.http.lane.routes import personal
from dinnerkit.http.limits import origin
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.services import Site, service, site
from dinnerkit.identity import Principal

blueprint = ApiBlueprint("accounts", __name__, description="Who the people are, and how they prove it.")


def resolve_bearer(request: Request) -> Principal | None:
    """The user resolver of an app that has no users of its own: whose access token the request bears.

    Raises:
        BadToken: it bears one that is not valid.
    """
    token = bearer_token(request)
    return None if token is None else service(SignInService).authenticate(token)


def pass_captcha(action: str, answer: str, *, asked_by_page: bool = False) -> None:
    """Let only those do this who have shown that they are no robot.

    Raises:
        CaptchaRequired: there is no answer, and there must be one.
        CaptchaFailed: it is wrong, was used before, or comes too late.
        CaptchaUnavailable: nobody can tell now.
    """
    address = current_request.remote_addr or ""
    shown = service(CaptchaCheck).check(action, answer, address=address, origin=origin(), asked_by_page=asked_by_page)
    if shown is Shown.UNKNOWN:
        service(Metrics).went_without("captcha")


def pass_sign_in_captcha(email: str, answer: str, *, asked_by_page: bool = False) -> None:
    """The same for signing in, once wrong passwords were tried for this address.

    Raises:
        CaptchaRequired, CaptchaFailed, CaptchaUnavailable: as for :func:`pass_captcha`.
    """
    if service(CaptchaCheck).module and service(SignInService).suspected(email):
        pass_captcha("login", answer, asked_by_page=asked_by_page)


@blueprint.route("/auth/captcha")
@blueprint.arguments(CaptchaQuerySchema, location="query")
@blueprint.response(200, CaptchaSchema)
def captcha(query: dict[str, str]) -> Response:
    """Ask for what an answer to the captcha takes.

    One is needed to register, to have a link to a new password mailed, and to sign in once that has answered `captcha_required`.
    An answer is sent once, as `captcha` in the body. The `settings` of `altcha` hold a challenge of ALTCHA's proof of work, version 2, of
    which libraries make an answer without anybody's help; those of a provider hold the site key for its widget.
    """
    form = service(CaptchaCheck).form(query["action"])
    return private_json({"kind": form.kind, "settings": dict(form.settings)} if form else {"kind": None, "settings": {}})


@blueprint.route("/auth/register", methods=["POST"])
@idempotent
@blueprint.arguments(RegistrationSchema)
@blueprint.response(201, UserSchema)
@blueprint.alt_response(409, "CONFLICT")
def register(body: dict[str, str]) -> dict[str, Any]:
    """Register as a guest; a link to verify the e-mail address is mailed. 422: `captcha_required`, `captcha_failed`."""
    pass_captcha("register", body.get("captcha", ""))
    user = service(AccountService).register(email=body["email"], password=body["password"], name=body["name"], user_id=operation_id())
    return _shown(user)


@blueprint.route("/auth/login", methods=["POST"])
@blueprint.arguments(LoginSchema)
@blueprint.response(200, TokenPairSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def login(body: dict[str, str]) -> TokenPair:
    """Sign in with e-mail address and password. 422, after wrong passwords for that address: `captcha_required`, `captcha_failed`."""
    pass_sign_in_captcha(body["email"], body.get("captcha", ""))
    return service(SignInService).login(body["email"], body["password"])


@blueprint.route("/auth/refresh", methods=["POST"])
@blueprint.arguments(RefreshSchema)
@blueprint.response(200, TokenPairSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
def refresh(body: dict[str, str]) -> TokenPair:
    """Exchange a refresh token for new tokens; one that is used twice ends its session."""
    return service(SignInService).refresh(body["refresh_token"])


@blueprint.route("/auth/logout", methods=["POST"])
@authenticated
@blueprint.response(204)
def logout() -> None:
    """End the session; its tokens are worth nothing from then on."""
    token = bearer_token()
    if token is not None:
        service(SignInService).logout(token)


@blueprint.route("/auth/logout/everywhere", methods=["POST"])
@authenticated
@blueprint.response(204)
def logout_everywhere() -> None:
    """End all my sessions, of programs and of browsers, this one too; links to set a password that were mailed before are worth nothing."""
    service(SignInService).sign_out_everywhere(current_principal().user_id)


@blueprint.route("/auth/verification", methods=["POST"])
@idempotent
@blueprint.arguments(VerificationSchema)
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
def verify(body: dict[str, str]) -> None:
    """Verify the e-mail address with the token that was mailed to it."""
    service(RecoveryService).verify_email(body["token"])


@blueprint.route("/auth/verification/mail", methods=["POST"])
@authenticated
@blueprint.response(202)
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def send_verification() -> Response:
    """Have the verification mail sent again."""
    service(RecoveryService).request_verification(current_principal().user_id)
    return Response(status=202)


@blueprint.route("/auth/password-reset/mail", methods=["POST"])
@blueprint.arguments(ResetRequestSchema)
@blueprint.response(202)
def request_reset(body: dict[str, str]) -> Response:
    """Have a link to set a new password mailed; the answer is the same for unknown addresses.

    422: `captcha_required`, `captcha_failed`.
    """
    pass_captcha("password-reset", body.get("captcha", ""))
    service(RecoveryService).request_password_reset(body["email"])
    return Response(status=202)


@blueprint.route("/auth/password-reset", methods=["POST"])
@idempotent
@blueprint.arguments(ResetSchema)
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
def reset(body: dict[str, str]) -> None:
    """Set a new password with the token that was mailed; all sessions end."""
    service(RecoveryService).reset_password(body["token"], body["password"])


def _me(at: Site, who: Principal) -> bytes:
    return to_json(_shown(at.service(AccountService).get(who.user_id)))


@blueprint.route("/me")
@personal(make=_me)
@authenticated
@blueprint.response(200, UserSchema)
def me() -> Response:
    """Show my account and profile."""
    return private_json(_me(site(), current_principal()))


@blueprint.route("/me", methods=["PATCH"])
@authenticated
@idempotent
@blueprint.arguments(ProfileChangesSchema)
@blueprint.response(200, UserSchema)
def change_me(body: dict[str, Any]) -> dict[str, Any]:
    """Change my profile."""
    return _shown(service(AccountService).update_profile(current_principal().user_id, body))


def _shown(user: User) -> dict[str, Any]:
    """In the shape of :class:`dinnerkit.accounts.schemas.UserSchema`."""
    profile, traits = user.profile, user.traits
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "verified": user.verified,
        "created_at": user.created_at,
        "birth_year": profile.birth_year,
        "gender": profile.gender,
        "languages": profile.languages,
        "diets": profile.diets,
        "interests": profile.interests,
        "city": profile.city,
        "budget": profile.budget,
        "visibility": profile.visibility,
        "findable": profile.findable,
        "reminders": profile.reminders,
        "traits": {name: float(value) for name, value in traits.items()} if traits is not None else None,
    }
