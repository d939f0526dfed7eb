"""Who asks: the principal of a request, and the decorators that demand one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar, cast

from flask import Request
from flask import request as current_request
from flask_smorest import Blueprint

from dinnerkit.errors import Forbidden, Unauthenticated
from dinnerkit.http.documenting import documented
from dinnerkit.http.mount import UserResolver, current_mount
from dinnerkit.identity import Principal, Role

__all__ = [
    "BEARER",
    "UserResolver",
    "act_for",
    "authenticated",
    "bearer_of",
    "bearer_token",
    "current_principal",
    "maybe_principal",
    "requires",
]

P = ParamSpec("P")
R = TypeVar("R")

BEARER = "bearer"
"""The name of the security scheme in the OpenAPI document."""

_KEY = "dinnerkit.principal"


def maybe_principal() -> Principal | None:
    """On whose behalf the request comes, or None; the resolver runs once a request.

    Raises:
        Unauthenticated: credentials were sent and are wrong.
    """
    environ = current_request.environ
    if _KEY not in environ:
        environ[_KEY] = current_mount().user_resolver(current_request)
    return cast("Principal | None", environ[_KEY])


def act_for(principal: Principal | None) -> None:
    """Take the request as that user's, or as nobody's, whatever the resolver would say: for the pages, whose users come by a cookie."""
    current_request.environ[_KEY] = principal


def current_principal() -> Principal:
    """On whose behalf the request comes.

    Raises:
        Unauthenticated: nobody's.
    """
    principal = maybe_principal()
    if principal is None:
        raise Unauthenticated("Sign in first: this needs a bearer token.")
    return principal


def authenticated(view: Callable[P, R]) -> Callable[P, R]:
    """The view needs a user: 401 otherwise. Documents the bearer token and the 401."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        current_principal()
        return view(*args, **kwargs)

    return _documented(checked, HTTPStatus.UNAUTHORIZED)


def requires(role: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The view needs a user whose role covers ``role``: 401 or 403 otherwise. Documents both."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not current_principal().may(role):
                raise Forbidden(f"This needs the role {role}.")
            return view(*args, **kwargs)

        return _documented(checked, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

    return decorate


def _documented(view: Callable[P, R], *statuses: HTTPStatus) -> Callable[P, R]:
    responses: dict[int, Any] = {status.value: status.name for status in statuses}
    return documented(view, Blueprint.doc(security=[{BEARER: []}], responses=responses))


def bearer_token(request: Request | None = None) -> str | None:
    """The token of the ``Authorization: Bearer`` header, or None where there is none."""
    return bearer_of((request or current_request).environ)


def bearer_of(environ: Mapping[str, Any]) -> str | None:
    """The same of a request outside of Flask."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == BEARER and token.strip() else None
