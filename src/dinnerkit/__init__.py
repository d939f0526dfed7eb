"""Dinners among strangers: booking, payment, and seating people who are likely to enjoy each other.

    from dinnerkit import Dinnerkit            # the Flask extension
    from dinnerkit import create_app           # the default app
    from dinnerkit import Kit, Settings        # the services, without Flask
    from dinnerkit.matching import seat        # the seating alone: neither Flask nor a database is imported

The names above are imported on first use, so that importing a part costs only that part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dinnerkit.first_use import on_first_use

if TYPE_CHECKING:
    from dinnerkit.app import create_app
    from dinnerkit.extension import Dinnerkit
    from dinnerkit.kit import Kit
    from dinnerkit.settings import Settings

__all__ = ["Dinnerkit", "Kit", "Settings", "create_app"]

_HOMES = {"Dinnerkit": "extension", "Kit": "kit", "Settings": "settings", "create_app": "app"}

__getattr__ = on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
