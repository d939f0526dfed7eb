"""Stripe as dinnerkit's payment gateway: ``DINNERKIT_GATEWAY=stripe://``, with the secrets in the environment."""

from __future__ import annotations

from dinnerkit.ports.contracts import built_for
from dinnerkit_stripe.gateway import StripeGateway
from dinnerkit_stripe.options import read_options

__all__ = ["StripeGateway", "open_gateway"]


@built_for(1, StripeGateway)
def open_gateway(url: str) -> StripeGateway:
    """The gateway that the URL names: ``stripe://?api_base=…&timeout=…&retries=…&secret_key=…&webhook_secret=…``.

    Nothing is asked of Stripe yet. The secrets are better left to ``STRIPE_SECRET_KEY`` and ``STRIPE_WEBHOOK_SECRET``.

    Raises:
        SettingError: an option is wrong, or a secret is missing.
    """
    return StripeGateway(read_options(url))
