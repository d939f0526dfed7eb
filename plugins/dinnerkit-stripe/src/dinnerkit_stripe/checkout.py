"""How guests pay on a page: Stripe's Payment Element, and Stripe.js from where Stripe wants it to be loaded."""

from __future__ import annotations

from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

from dinnerkit.errors import Invalid
from dinnerkit.money import Money
from dinnerkit.ports.checkout import CheckoutForm
from dinnerkit_stripe.currencies import to_stripe
from dinnerkit_stripe.options import SCRIPT, Options

MODULE: Final = files("dinnerkit_stripe").joinpath("checkout.js").read_text("utf-8")

_SOURCES: Final = {
    "script-src": ("https://js.stripe.com", "https://*.js.stripe.com"),
    "frame-src": ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
    "connect-src": ("https://api.stripe.com",),
}
"""As docs.stripe.com/security/guide has it, without the maps of the Address Element."""


def form(options: Options, money: Money) -> CheckoutForm | None:
    """The form for a sum; None where no publishable key was given, or where Stripe can't move that sum."""
    if not options.publishable_key:
        return None
    try:
        amount = to_stripe(money)
    except Invalid:
        return None
    return CheckoutForm(
        settings={
            "script": options.script,
            "key": options.publishable_key,
            "amount": int(amount["amount"]),
            "currency": str(amount["currency"]),
        },
        sources=_SOURCES if options.script == SCRIPT else _sources_of_a_double(options.script),
    )


def _sources_of_a_double(script: str) -> dict[str, tuple[str, ...]]:
    url = urlsplit(script)
    return dict.fromkeys(_SOURCES, (f"{url.scheme}://{url.netloc}",))
