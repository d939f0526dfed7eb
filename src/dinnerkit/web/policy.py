"""The Content-Security-Policy of the pages: nothing from elsewhere, but for what a payment form or a captcha needs on its page."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Response, request

from dinnerkit.http.services import service
from dinnerkit.photos.service import PhotoFiles

POLICY: Mapping[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "connect-src": ("'self'",),
    "form-action": ("'self'",),
    "base-uri": ("'none'",),
    "frame-ancestors": ("'none'",),
}
"""Nothing from elsewhere, and nothing that is written into the page itself."""

_OPEN = frozenset({"script-src", "frame-src", "style-src", "connect-src", "img-src"})
_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?")
_SOURCES = "dinnerkit.pages.sources"


def let_in(sources: Mapping[str, tuple[str, ...]]) -> None:
    """Let this one answer take from these origins, by the directive.

    Raises:
        ValueError: it is no such directive, or not an origin.
    """
    for directive, origins in sources.items():
        wrong = [origin for origin in origins if not _ORIGIN.fullmatch(origin)]
        if directive not in _OPEN or wrong:
            raise ValueError(f"a form can't ask for {directive} {' '.join(wrong)}".rstrip())
    request.environ[_SOURCES] = sources


def protect(response: Response) -> None:
    """Put the policy of this answer on it, and what else keeps others out."""
    sources: Mapping[str, tuple[str, ...]] = request.environ.get(_SOURCES, {})
    policy = {name: (*POLICY.get(name, ()), *sources.get(name, ())) for name in (*POLICY, *(n for n in sources if n not in POLICY))}
    origin = service(PhotoFiles).origin
    if origin is not None:
        policy["img-src"] = (*policy["img-src"], origin)
    headers = response.headers
    headers["Content-Security-Policy"] = "; ".join(" ".join((name, *values)) for name, values in policy.items())
    # A wallet may open a window of its own, which must find its way back to the form.
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin-allow-popups" if sources else "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    headers.setdefault("X-Frame-Options", "DENY")
