"""How Stripe is asked: one connection pool for all threads and greenlets, few attempts, and its errors in dinnerkit's words."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, Protocol

import requests
import stripe
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from dinnerkit.errors import DinnerkitError, Invalid, NotFound, Unavailable
from dinnerkit.ports.gateway import AccountNotReady, PaymentDisputed
from dinnerkit_stripe.options import Options

KEY: Final = "dinnerkit_key"
"""The metadata by which we know our own."""

_CONNECTIONS: Final = 100
_NOT_THERE = frozenset({"resource_missing", "account_invalid"})
_DISPUTED = frozenset({"charge_disputed"})
_NOT_READY = frozenset({"insufficient_capabilities_for_transfer", "transfers_not_allowed"})
_REFUSED_FOR_NOW = _NOT_READY | {"balance_insufficient"}
_LATER = frozenset({"balance_insufficient", "idempotency_key_in_use", "lock_timeout", "rate_limit"})


class Api(Protocol):
    """What the parts of the gateway ask Stripe with."""

    v1: Any


class _OurOwnKey(AuthBase):
    """Leaves a request the key that Stripe's client has put on it.

    A session without an auth of its own takes what ~/.netrc has for the host, and puts it over that key. Its proxies and certificates
    from the environment are wanted, so ``trust_env`` can't be off.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Connection:
    """Stripe's client on a pool of its own; ``v1`` are its services."""

    def __init__(self, options: Options) -> None:
        # The debug log of Stripe's library holds whole answers, and so the secrets by which guests authenticate.
        logging.getLogger("stripe").setLevel(max(logging.getLogger("stripe").level, logging.INFO))
        self._session = requests.Session()
        self._session.auth = _OurOwnKey()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=_CONNECTIONS))
        client = stripe.StripeClient(
            options.secret_key,
            base_addresses={"api": options.api_base},
            http_client=stripe.RequestsClient(timeout=options.timeout, session=self._session),
            max_network_retries=options.retries,
        )
        self.v1 = client.v1

    def close(self) -> None:
        """Give back the connections; one that is asked again afterwards opens new ones."""
        self._session.close()


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Tell Stripe's errors in dinnerkit's words; ``what`` was asked for.

    A declined card passes, as it is an answer.

    Raises:
        Invalid: Stripe will not do it.
        NotFound: Stripe knows no such object.
        PaymentDisputed: the guest's bank has taken it back.
        AccountNotReady: the host's account can't take it yet.
        Unavailable: no answer, or none for now.
    """
    try:
        yield
    except stripe.CardError:
        raise
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # Stripe's own message has parts of the key in it, so it goes no further.
        raise _refused(what, error) from None
    except stripe.InvalidRequestError as error:
        raise _invalid(what, error) from error
    except stripe.StripeError as error:
        raise Unavailable(f"Stripe gave no answer to {what}", reason=_code(error) or type(error).__name__) from error


def _refused(what: str, error: stripe.StripeError) -> DinnerkitError:
    if _code(error) in _NOT_THERE:
        return NotFound(f"Stripe knows nothing of {what}")
    if isinstance(error, stripe.PermissionError):
        return Unavailable(f"Stripe does not let this key do it: {what}; see the permissions of STRIPE_SECRET_KEY")
    return Unavailable("Stripe does not know the key in STRIPE_SECRET_KEY")


def _invalid(what: str, error: stripe.InvalidRequestError) -> DinnerkitError:
    code = _code(error)
    if code in _NOT_THERE:
        return NotFound(f"Stripe knows nothing of {what}")
    if error.http_status == HTTPStatus.NOT_FOUND:  # no service, rather than no object
        return Unavailable(f"there is nobody to ask for {what}; see api_base")
    if code in _DISPUTED:
        return PaymentDisputed("the guest's bank has taken this payment back")
    if code in _NOT_READY:
        return AccountNotReady("the host has not told Stripe yet all that it must know")
    if code in _LATER:
        return Unavailable(f"Stripe can't do it now: {what}", reason=code)
    return Invalid(f"Stripe refuses {what}", reason=code or error.param or "invalid_request")


def refused_before(error: stripe.StripeError) -> bool:
    """Whether an earlier request with the same idempotency key was refused, where this one might be granted now.

    Stripe says so, or that the earlier one was another request: of what it had granted, the amount would not have changed.
    """
    if isinstance(error, stripe.IdempotencyError):
        return _code(error) not in _LATER
    replayed = {name.lower(): value for name, value in dict(error.headers or {}).items()}.get("idempotent-replayed") == "true"
    return isinstance(error, stripe.InvalidRequestError) and replayed and _code(error) in _REFUSED_FOR_NOW


def _code(error: stripe.StripeError) -> str:
    """Stripe's word for what is wrong; some errors have it in what they enclose alone."""
    return str(error.code or getattr(error.error, "code", None) or "")


def metadata(thing: Any) -> str:
    """Our key of one of Stripe's objects; empty where it is not ours."""
    found = getattr(thing, "metadata", None)
    return str(found[KEY]) if found and KEY in found else ""
