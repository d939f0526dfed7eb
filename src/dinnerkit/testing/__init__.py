"""For the tests of those who embed or extend dinnerkit.

A clock that stands, and a Kit whose background work is done at once:

    kit = Kit.open(Settings(**settings_for_tests(database_url, tmp_path)), clock=StandingClock())
    kit.service(BookingService).reserve(…)
    run_background(kit)          # relays, delivers and sweeps until nothing is left to do

And, for the author of a backend, the tests that it must pass, one contract for each kind; they alone need pytest, and are imported on
first use:

    from dinnerkit.testing import GatewayBench, GatewayContract
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dinnerkit.testing.background import run_background
from dinnerkit.testing.clock import StandingClock
from dinnerkit.testing.settings import settings_for_tests

if TYPE_CHECKING:
    from dinnerkit.testing.bus import BusBench, BusContract
    from dinnerkit.testing.cache import CacheBench, CacheContract
    from dinnerkit.testing.captcha import CaptchaBench, CaptchaContract
    from dinnerkit.testing.gateway import GatewayBench, GatewayContract
    from dinnerkit.testing.limiter import LimiterBench, LimiterContract
    from dinnerkit.testing.mailer import MailerBench, MailerContract
    from dinnerkit.testing.media import MediaBench, MediaContract
    from dinnerkit.testing.queue import QueueBench, QueueContract
    from dinnerkit.testing.search import SearchBench, SearchContract
    from dinnerkit.testing.session import SessionBench, SessionContract

__all__ = [
    "BusBench",
    "BusContract",
    "CacheBench",
    "CacheContract",
    "CaptchaBench",
    "CaptchaContract",
    "GatewayBench",
    "GatewayContract",
    "LimiterBench",
    "LimiterContract",
    "MailerBench",
    "MailerContract",
    "MediaBench",
    "MediaContract",
    "QueueBench",
    "QueueContract",
    "SearchBench",
    "SearchContract",
    "SessionBench",
    "SessionContract",
    "StandingClock",
    "run_background",
    "settings_for_tests",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kind = name.removesuffix("Bench").removesuffix("Contract").lower()
    return getattr(import_module(f"{__name__}.{kind}"), name)
