"""The settings of a demo: everything under one folder, nothing that could reach anybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dinnerkit.demo.building import WEBHOOK_SECONDS
from dinnerkit.ports.urls import path_url
from dinnerkit.settings import Settings


def demo_settings(folder: Path, environ: Mapping[str, str], **others: str) -> Settings:
    """The settings with which the demo in a folder runs.

    Of the environment only what says how to log counts, and where the database is: without one, it is embedded under the folder, like all
    else. Cards and mails are never real.

    Args:
        folder: the demo's.
        environ: the process's environment.
        others: further settings that are the program's choice.

    Raises:
        SettingError: a setting is unknown or malformed.
    """
    data = folder.absolute()
    values = {
        "data": str(data),
        "queue": path_url("sqlite", data / "queue.db"),
        "gateway": path_url("sandbox", data / "gateway.db") + f"?webhook_delay={WEBHOOK_SECONDS}",
        "mail": path_url("folder", data / "mail"),
        "cache": "memory://",
        "limiter": "memory://",
        "demo": "true",
    }
    if "DINNERKIT_DATABASE" not in environ:
        values["database"] = path_url("embedded", data)
    if "DINNERKIT_LOG_LEVEL" not in environ:
        values["log_level"] = "warning"
    return Settings.load(values | others, environ=environ)
