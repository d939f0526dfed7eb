"""Where to go next: addresses of our own pages, and of nothing else."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, redirect, request, url_for
from werkzeug.exceptions import HTTPException

PAGES = "dinnerkit_pages"
"""The blueprint that holds all the pages; their endpoints are ``dinnerkit_pages.GROUP.VIEW``."""

_NO_PAGES = frozenset(
    f"{PAGES}.{name}" for name in ("asset", "captcha_module", "checkout_module", "door.worker", "feeds.read", "home.suggest")
)
"""What scripts and programs read: nobody is to see it after signing in."""

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", re.ASCII)
_LONGEST = 1000


def page_url(page: str, **values: Any) -> str:
    """The address of a page of ours: ``page_url("events.show", event_id=…)``."""
    return url_for(f"{PAGES}.{page}", **values)


def see(page: str, **values: Any) -> Response:
    """Send the browser on to that page after a form."""
    return go(page_url(page, **values))


def go(address: str) -> Response:
    """Send the browser on to an address that is known to be ours."""
    return redirect(address, 303, Response)  # type: ignore[return-value]


def asked_for() -> str:
    """The page to come back to after signing in: this one, or the one whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return request.root_path.rstrip("/") + request.full_path.rstrip("?")
    for path in (request.path, request.path.rpartition("/")[0]):
        if _is_page(path):
            return request.root_path.rstrip("/") + path
    return page_url("home.show")


def ours(address: str) -> str:
    """The address if it is a page of ours on this host, else that of the home page: nobody is sent anywhere else."""
    root = request.root_path.rstrip("/")
    if len(address) <= _LONGEST and _PLAIN_PATH.fullmatch(address) and not address.startswith("//") and address.startswith(f"{root}/"):
        path = urlsplit(address).path
        if _is_page(path.removeprefix(root)):
            return address
    return page_url("home.show")


def _is_page(path: str) -> bool:
    try:
        endpoint, _ = current_app.url_map.bind("", "/").match(path or "/", "GET")
    except HTTPException:
        return False
    return str(endpoint).startswith(f"{PAGES}.") and endpoint not in _NO_PAGES
