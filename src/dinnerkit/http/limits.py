"""Rate limits on our routes, and on no others: per user where we know one, else per address, or per network of IPv6 addresses."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple, TypeVar, cast

import flask
from flask_limiter import Limiter
from werkzeug.exceptions import TooManyRequests

from dinnerkit.errors import Unauthenticated
from dinnerkit.http.auth import maybe_principal
from dinnerkit.ports.limiter import LimiterStorage
from dinnerkit.ports.rates import rates_of
from dinnerkit.ports.shielded_limits import SCHEME

V = TypeVar("V", bound=Callable[..., Any])

_PREFIX = "dinnerkit"
_SCOPE = "global"
"""Of flask-limiter's application limits."""

_LEFT = "dinnerkit.rate_left"
"""Where a request has the headers that say how many more are let through."""


def unlimited(view: V) -> V:
    """The view is not counted: for callers that must get through, such as a gateway's webhooks."""
    view._dinnerkit_unlimited = True  # type: ignore[attr-defined]
    return view


class RequestLimits:
    """Counts the requests of each caller in a moving window.

    flask-limiter opens the windows, and names them. Its hooks are not used: they see the whole app, read the app's ``RATELIMIT_*``, which
    belong to the host's own limiter, and ask the storage again for what it has just said. While the storage fails the counts are kept in
    memory (:class:`~dinnerkit.ports.shielded_limits.ShieldedWindows`).
    """

    def __init__(self, rate: str, storage: LimiterStorage, *, ahead: bool = False) -> None:
        """Make it.

        Args:
            rate: such as ``"1000 per 15 minutes"`` or ``"5/second;100/hour"``, in the limits library's words, or ``"off"``.
            storage: where the counts are kept.
            ahead: whether several requests of a caller may be counted at a time: :mod:`dinnerkit.ports.leased_limits`.

        Raises:
            SettingError: the rate is not understood.
        """
        self._rates = rates_of(rate)
        self._windows_of = lru_cache(maxsize=4096)(self._windows)
        self._windows_at = lru_cache(maxsize=4096)(lambda address: self._windows(_by_address(address)))
        if self._rates:
            limiter = _limiter(rate, storage, ahead=ahead)
            limiter.init_app(cast("flask.Flask", _Hookless()))
            self._storage: Any = limiter.limiter.storage

    def check(self) -> None:
        """Count the present request, unless it was counted before.

        Raises:
            TooManyRequests: it is one too many; a 429.
        """
        request = flask.request
        view = flask.current_app.view_functions.get(request.endpoint or "")
        if not self._rates or _LEFT in request.environ or getattr(view, "_dinnerkit_unlimited", False):
            return
        self._admit(request.environ, self._windows_of(caller()))

    def count(self, address: str | None) -> list[tuple[str, str]] | None:
        """Count a request that comes from nobody but an address, outside of Flask.

        The windows are those of :meth:`check`. What is refused counts for nothing.

        Returns:
            The headers that say what is left; None where it is one too many.
        """
        if not self._rates:
            return []
        hit = self._hit(self._windows_at(address))
        return hit.headers if hit.let else None

    def admit(self, environ: dict[str, Any], user_id: str | None = None) -> list[tuple[str, str]]:
        """The same for a request that Flask may have to answer after all: it is not counted again by :meth:`check`.

        Args:
            environ: the request.
            user_id: whose it is, if it is anybody's.

        Returns:
            The headers that say what is left.

        Raises:
            TooManyRequests: it is one too many.
        """
        if not self._rates:
            return []
        return self._admit(environ, self._windows_of(_by_user(user_id)) if user_id else self._windows_at(environ.get("REMOTE_ADDR")))

    def show(self, response: flask.Response) -> flask.Response:
        """Put what is left into the headers: ``X-RateLimit-*``, and ``Retry-After`` where the request was refused."""
        for header in flask.request.environ.get(_LEFT, ()):
            response.headers.add(*header)
        return response

    def _admit(self, environ: dict[str, Any], windows: list[tuple[str, int, int]]) -> list[tuple[str, str]]:
        hit = self._hit(windows)
        environ[_LEFT] = hit.headers
        if not hit.let:
            raise TooManyRequests
        return hit.headers

    def _hit(self, windows: list[tuple[str, int, int]]) -> _Hit:
        """Count a request in all windows of somebody, or in none where it is one too many in any."""
        storage = self._storage
        if len(windows) > 1:
            for key, most, span in windows:
                began, hits = storage.get_moving_window(key, most, span)
                if hits >= most:
                    return _Hit.told(False, most, 0, began + span)
        first: _Hit | None = None
        for key, most, span in windows:
            let, began, hits = storage.hit(key, most, span)
            hit = _Hit.told(let, most, most - hits if let else 0, began + span)
            if not let:
                return hit
            first = first or hit
        return cast("_Hit", first)

    def _windows(self, who: str) -> list[tuple[str, int, int]]:
        """The windows of somebody: the key that flask-limiter gives each, how many hits it takes, and how many seconds it is long."""
        return [(rate.key_for(_PREFIX, who, _SCOPE), rate.amount, rate.get_expiry()) for rate in self._rates]


class _Hit(NamedTuple):
    """Whether a request is let through, and what its answer says of the limit."""

    let: bool
    headers: list[tuple[str, str]]

    @classmethod
    def told(cls, let: bool, most: int, left: int, until: float) -> _Hit:
        reset = int(until + 1)
        headers = [("X-RateLimit-Limit", str(most)), ("X-RateLimit-Remaining", str(left)), ("X-RateLimit-Reset", str(reset))]
        if not let:
            headers.append(("Retry-After", str(max(1, int(reset - time.time())))))
        return cls(let, headers)


class _Hookless:
    """An app, as far as flask-limiter needs one, that it gets no hooks into."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.extensions: dict[str, Any] = {}

    def before_request(self, hook: Callable[..., Any]) -> None: ...

    def after_request(self, hook: Callable[..., Any]) -> None: ...

    def teardown_request(self, hook: Callable[..., Any]) -> None: ...


def caller() -> str:
    """Who is counted: the user, or where those without one come from."""
    try:
        principal = maybe_principal()
    except Unauthenticated:
        principal = None
    return _by_user(principal.user_id) if principal else _by_address(flask.request.remote_addr)


def origin() -> str:
    """Where the request comes from: what is counted of those whom we don't know."""
    return _origin(flask.request.remote_addr or "unknown")


def _by_user(user_id: str) -> str:
    return f"user:{user_id}"


def _by_address(address: str | None) -> str:
    return f"address:{_origin(address or 'unknown')}"


@lru_cache(maxsize=4096)
def _origin(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: who has one address of it has all of them, and would never be counted twice."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or f"{IPv6Address(int(parsed) >> 64 << 64)}/64")


def _limiter(rate: str, storage: LimiterStorage, *, ahead: bool) -> Limiter:
    return Limiter(
        caller,
        application_limits=[rate],
        headers_enabled=True,
        strategy="moving-window",
        storage_uri=f"{SCHEME}://",
        storage_options=cast("dict[str, Any]", {"storage": storage, "ahead": ahead}),
        key_prefix=_PREFIX,
    )
