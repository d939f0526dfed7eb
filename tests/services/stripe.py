"""Stripe's doubles: stripe-mock, which knows Stripe's OpenAPI and keeps nothing, and localstripe with what it lacks, which keeps all."""

from __future__ import annotations

import hmac
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from tests.services.processes import free_port, missing, running

PUBLIC_KEY = "pk_test_double"
SECRET_KEY = "sk_test_double_51secret"
WEBHOOK_SECRETS = ("whsec_now", "whsec_until_lately")
STRIPE_MOCK = "go install github.com/stripe/stripe-mock@latest"


def find_stripe_mock() -> str:
    """The program, or nothing: on PATH, or where Go puts programs by itself."""
    return shutil.which("stripe-mock") or shutil.which("stripe-mock", path=str(Path.home() / "go/bin")) or ""


@contextmanager
def stripe_mock() -> Iterator[str]:
    """A running stripe-mock: its URL."""
    program = find_stripe_mock()
    if not program:
        missing("stripe-mock", STRIPE_MOCK)
    port, other = free_port(), free_port()  # it speaks HTTPS too, by default at one port for all
    with running([program, "-http-addr", f"127.0.0.1:{port}", "-https-addr", f"127.0.0.1:{other}"], port) as url:
        yield url


class StripeDouble:
    """A running double with state, and how a test steers it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def steer(self, what: str, **form: str) -> Any:
        answer = requests.get(f"{self.url}/_test/{what}", params=form, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def requests(self) -> list[dict[str, Any]]:
        """All that was asked so far."""
        return list(self.steer("requests")["requests"])

    def send_webhooks_to(self, url: str, secret: str) -> None:
        answer = requests.post(f"{self.url}/_config/webhooks/dinnerkit", json={"url": url, "secret": secret}, timeout=20)
        answer.raise_for_status()

    def authenticate(self, intent_id: str, client_secret: str, *, approve: bool) -> None:
        """Answer as the guest's bank does, by the guest's browser, which has the public key alone."""
        form = {"key": PUBLIC_KEY, "client_secret": client_secret, "success": str(approve).lower()}
        requests.post(f"{self.url}/v1/payment_intents/{intent_id}/_authenticate", data=form, timeout=20)


@contextmanager
def stripe_double(mock_url: str) -> Iterator[StripeDouble]:
    """A running double, which shows every request to stripe-mock first, if there is one."""
    if importlib.util.find_spec("localstripe") is None:
        missing("localstripe", "pip install localstripe")
    port = free_port()
    script = Path(__file__).with_name("stripe_double.py")
    with running([sys.executable, str(script), str(port), mock_url], port) as url:
        yield StripeDouble(url)


def with_pages(api_base: str) -> dict[str, str]:
    """The options by which pages take cards at a double."""
    return {"publishable_key": PUBLIC_KEY, "script": f"{api_base}/js/stripe.js"}


def stripe_url(api_base: str, **options: object) -> str:
    """Of the gateway on a double."""
    given = {"secret_key": SECRET_KEY, "webhook_secret": ",".join(WEBHOOK_SECRETS), "api_base": api_base, **options}
    return f"stripe://?{urlencode(given)}"


def signed_with(secret: str) -> Callable[[bytes, float], Mapping[str, str]]:
    """How Stripe signs a webhook, as docs.stripe.com/webhooks/signature has it."""

    def sign(body: bytes, at: float) -> Mapping[str, str]:
        digest = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, "sha256").hexdigest()
        return {"Stripe-Signature": f"t={int(at)},v1={digest}"}

    return sign
