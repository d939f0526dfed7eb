"""The sandbox gateway: a payment service of one SQLite file, which behaves like the real ones as far as bookings can tell.

It knows Stripe's test payment methods by name, asks for authentication, declines, refunds, has its payments disputed, pays hosts, keeps its
own books apart from the app's, is idempotent on keys, and sends signed webhooks a little later.
"""

from __future__ import annotations

from dinnerkit.backends.sandbox.gateway import SIGNATURE_HEADER, SandboxGateway
from dinnerkit.backends.sandbox.methods import METHODS
from dinnerkit.errors import SettingError
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url

__all__ = ["METHODS", "SIGNATURE_HEADER", "SandboxGateway", "sandbox"]

_LONGEST_DELAY = 86_400


@built_for(1, SandboxGateway)
def sandbox(url: str) -> SandboxGateway:
    """``sandbox://PATH?webhook_delay=SECONDS&secret=…&previous_secret=…``: the file is made where it is missing.

    While the secret is changed, webhooks that were signed with ``previous_secret`` are believed too.

    Raises:
        SettingError: an option is wrong, or the folder can't be made.
    """
    parsed = parse_url(url).only("webhook_delay", "secret", "previous_secret")
    try:
        delay = float(parsed.options.get("webhook_delay", "1"))
    except ValueError:
        delay = -1.0
    if not 0 <= delay <= _LONGEST_DELAY:
        raise SettingError(f"gateway: webhook_delay is a number of seconds from 0 to {_LONGEST_DELAY}")
    try:
        parsed.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"gateway: {parsed.path.parent} can't be made: {error.strerror}") from error
    return SandboxGateway(parsed.path, delay, parsed.options.get("secret"), parsed.options.get("previous_secret"))
