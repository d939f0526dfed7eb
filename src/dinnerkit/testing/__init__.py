"""For the tests of those who embed or extend dinnerkit: a clock that stands, and a Kit whose background work is done at once.

kit = Kit.open(Settings(**settings_for_tests(database_url, tmp_path)), clock=StandingClock())
kit.service(BookingService).reserve(…)
run_background(kit)          # relays, delivers and sweeps until nothing is left to do
"""

from __future__ import annotations

from dinnerkit.testing.background import run_background
from dinnerkit.testing.clock import StandingClock
from dinnerkit.testing.settings import settings_for_tests

__all__ = ["StandingClock", "run_background", "settings_for_tests"]
