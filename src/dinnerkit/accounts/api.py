"""The account routes: registering, signing in and out, what goes by mail, and one's own profile."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Request, Response

from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.rules import User
from dinnerkit.accounts.schemas import (
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
from dinnerkit.http.idempotency import idempotent, operation_id
from dinnerkit.http.services import service
from dinnerkit.identity import Principal

blueprint = ApiBlueprint("accounts", __name__, description="Who the people are, and how they prove it.")


def resolve_bearer(request: Request) -> Principal | None:
    """The user resolver of an app that has no users of its own: whose access token the request bears.

    Raises:
        BadToken: it bears one that is not valid.
    """
    token = bearer_token(request)
    return None if token is None else service(SignInService).authenticate(token)


@blueprint.route("/auth/register", methods=["POST"])
@idempotent
@blueprint.arguments(RegistrationSchema)
@blueprint.response(201, UserSchema)
@blueprint.alt_response(409, "CONFLICT")
def register(body: dict[str, str]) -> dict[str, Any]:
    """Register as a guest; a link to verify the e-mail address is mailed."""
    user = service(AccountService).register(email=body["email"], password=body["password"], name=body["name"], user_id=operation_id())
    return _shown(user)


@blueprint.route("/auth/login", methods=["POST"])
@blueprint.arguments(LoginSchema)
@blueprint.response(200, TokenPairSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def login(body: dict[str, str]) -> TokenPair:
    """Sign in with e-mail address and password."""
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
    """Have a link to set a new password mailed; the answer is the same for unknown addresses."""
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


@blueprint.route("/me")
@authenticated
@blueprint.response(200, UserSchema)
def me() -> dict[str, Any]:
    """Show my account and profile."""
    return _shown(service(AccountService).get(current_principal().user_id))


@blueprint.route("/me", methods=["PATCH"])
@authenticated
@idempotent
@blueprint.arguments(ProfileChangesSchema)
@blueprint.response(200, UserSchema)
def change_me(body: dict[str, Any]) -> dict[str, Any]:
    """Change my profile."""
    return _shown(service(AccountService).update_profile(current_principal().user_id, body))


def _shown(user: User) -> dict[str, Any]:
    found = asdict(user)
    return {**found.pop("profile"), **found}
