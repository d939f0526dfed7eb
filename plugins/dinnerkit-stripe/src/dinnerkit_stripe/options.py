"""What the gateway is opened with: from its URL, and from the environment where the secrets are kept."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import parse_url

API_BASE = "https://api.stripe.com"
SCRIPT = "https://js.stripe.com/dahlia/stripe.js"
"""Stripe.js, which Stripe wants to be loaded from there alone."""

_MOST_SECONDS = 80.0
_MOST_RETRIES = 10
_MOST_SECRETS = 4
"""Two endpoints, the platform's own and that of its connected accounts, with two secrets each while one is changed."""


@dataclass(frozen=True, slots=True)
class Options:
    """How Stripe is reached.

    Attributes:
        secret_key: authenticates us, ``sk_…`` or the restricted ``rk_…``.
        webhook_secrets: believed when they sign a webhook; more than one while it is changed, or for more than one endpoint.
        publishable_key: by which the guests' browsers are known to Stripe, ``pk_…``; without it the pages take no cards.
        api_base: where the API is; another than Stripe's own for a double in tests.
        script: where Stripe.js is; another than Stripe's own, on this machine alone, for a double in tests.
        timeout: seconds that one attempt may take to connect, and to be answered.
        retries: further attempts after one that got no answer, ever later.
    """

    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    publishable_key: str = ""
    api_base: str = API_BASE
    script: str = SCRIPT
    timeout: float = 20.0
    retries: int = 3


def read_options(url: str, environ: Mapping[str, str] = os.environ) -> Options:
    """The options of a ``stripe://`` URL; secrets that it leaves out are in the environment.

    Raises:
        SettingError: an option is wrong, or a secret is missing; the message never holds one.
    """
    parsed = parse_url(url).only("secret_key", "webhook_secret", "publishable_key", "api_base", "script", "timeout", "retries")
    given = parsed.options
    if parsed.location:
        raise SettingError("gateway: nothing stands between stripe:// and ?; the secret key belongs into STRIPE_SECRET_KEY")
    secret_key = _secret_key(given.get("secret_key") or environ.get("STRIPE_SECRET_KEY", ""))
    return Options(
        secret_key=secret_key,
        webhook_secrets=_webhook_secrets(given.get("webhook_secret") or environ.get("STRIPE_WEBHOOK_SECRET", "")),
        publishable_key=_publishable_key(given.get("publishable_key") or environ.get("STRIPE_PUBLISHABLE_KEY", ""), secret_key),
        script=_script(given.get("script", SCRIPT)),
        api_base=_api_base(given.get("api_base", API_BASE)),
        timeout=_number("timeout", given.get("timeout", "20"), _MOST_SECONDS, above=0),
        retries=int(_number("retries", given.get("retries", "3"), _MOST_RETRIES, whole=True)),
    )


def _secret_key(text: str) -> str:
    key = text.strip()
    if not key:
        raise SettingError("gateway: STRIPE_SECRET_KEY is needed for stripe://; it is among the API keys of the Stripe dashboard")
    if not key.startswith(("sk_", "rk_")) or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingError("gateway: STRIPE_SECRET_KEY begins with sk_ or, if it is restricted, with rk_; the publishable pk_ is another")
    return key


def _publishable_key(text: str, secret_key: str) -> str:
    key = text.strip()
    if not key:
        return ""
    if not key.startswith("pk_") or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingError("gateway: STRIPE_PUBLISHABLE_KEY begins with pk_; every visitor can read it, so it must be no other key")
    if ("_live_" in key) != ("_live_" in secret_key):
        raise SettingError("gateway: of STRIPE_PUBLISHABLE_KEY and STRIPE_SECRET_KEY one is for live payments and the other for tests")
    return key


def _script(text: str) -> str:
    url = urlsplit(text)
    # A policy of a page has no way to write an IPv6 address, so none of those can be let in.
    double = url.scheme == "http" and url.hostname and _is_loopback(url.hostname) and ":" not in url.hostname and not url.username
    if text != SCRIPT and not double:
        raise SettingError("gateway: script is Stripe's own, which is the default; only a double for tests, on this machine, is another")
    return text


def _webhook_secrets(text: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in text.split(",") if part.strip())
    if not secrets:
        raise SettingError("gateway: STRIPE_WEBHOOK_SECRET is needed for stripe://; the dashboard shows it beside the webhook endpoint")
    if len(secrets) > _MOST_SECRETS or not all(secret.startswith("whsec_") for secret in secrets):
        raise SettingError(f"gateway: STRIPE_WEBHOOK_SECRET is up to {_MOST_SECRETS} secrets with commas between, each begins with whsec_")
    return secrets


def _api_base(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment or url.username:
        raise SettingError(f"gateway: api_base is an address such as {API_BASE}")
    if url.scheme == "http" and not _is_loopback(url.hostname):
        raise SettingError("gateway: api_base is https, as the secret key goes there; http only on this machine")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _number(name: str, text: str, most: float, *, above: float | None = None, whole: bool = False) -> float:
    try:
        number = float(int(text)) if whole else float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most or number == above:
        kind = "whole number" if whole else "number of seconds"
        raise SettingError(f"gateway: {name} is a {kind} {'above' if above is not None else 'from'} 0, up to {most:g}")
    return number
