"""Settings for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dinnerkit.ports.urls import path_url


def settings_for_tests(database_url: str, folder: Path, **more: Any) -> dict[str, Any]:
    """Keywords for :class:`dinnerkit.settings.Settings`: that database, and everything else in ``folder``.

    Mails are files there, webhooks come without delay, nothing limits the rate, and each answer is made anew.
    """
    usual = {
        "database": database_url,
        "database_min_pool": 0,
        "data": str(folder),
        "secret_key": "only-for-tests-" * 3,
        "mail": path_url("folder", f"{folder}/mail"),
        "gateway": path_url("sandbox", f"{folder}/gateway.db") + "?webhook_delay=0",
        "rate_limit": "off",
        "lane": "off",
        "search": "database://?timeout_ms=60000",  # a slow machine is no outage
    }
    return usual | more
