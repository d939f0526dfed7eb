"""A guestbook: a line for each booking, an index of them once a day, and a page on demand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from dinnerkit.accounts.people import People
from dinnerkit.booking.messages import BookingConfirmed
from dinnerkit.kit import Kit
from dinnerkit.messages import Handler
from dinnerkit.ports.jobs import Job, PluginJobs


def jobs(kit: Kit) -> PluginJobs:
    """What is done in the background, once ``DINNERKIT_JOBS=guestbook`` says so.

    The services are asked for when a job runs: while this is called, they are not there yet.
    """

    def write_down(booked: BookingConfirmed) -> None:
        """A file for each booking: done twice, it is the same."""
        guest = kit.service(People).contact(booked.user_id)
        _write(f"{booked.booking_id}.line", guest.name if guest else "somebody")

    def index(asked: Mapping[str, Any]) -> None:
        lines = sorted(path.read_text("utf-8") for path in _folder().glob("*.line"))
        _write(f"{asked['since']:%Y-%m-%d}.index", "\n".join(lines))

    def page(asked: Mapping[str, Any]) -> None:
        _write(f"{asked['title']}.page", f"{len(list(_folder().glob('*.line')))} guests")

    return PluginJobs(
        handlers=[Handler("guestbook.write_down", BookingConfirmed, write_down, queue="analytics")],
        jobs=[
            Job("guestbook.index", index, queue="analytics", every=timedelta(days=1)),
            Job("guestbook.page", page, queue="media"),
        ],
    )


def _folder() -> Path:
    return Path(os.environ["GUESTBOOK"])


def _write(name: str, text: str) -> None:
    """Whole or not at all."""
    fresh = _folder() / f".{name}"
    fresh.write_text(text, "utf-8")
    fresh.replace(_folder() / name)
