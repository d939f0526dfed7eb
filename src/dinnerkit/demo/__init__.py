"""The demo: a world of real people's answers, made by the real services.

:func:`run` makes it, or what is missing of it, and prints its summary. The same seed makes the same world: who books what is worked out
beforehand (:mod:`dinnerkit.demo.plan`), and then done by the services as guests and hosts would do it (:mod:`dinnerkit.demo.playing`).
"""

from __future__ import annotations

from dinnerkit.demo.background import environment
from dinnerkit.demo.plan import LOGINS, Scale
from dinnerkit.demo.running import SEED, World, run
from dinnerkit.demo.setting_up import demo_settings

__all__ = ["LOGINS", "SEED", "Scale", "World", "demo_settings", "environment", "run"]
