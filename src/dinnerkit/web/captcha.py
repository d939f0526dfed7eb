"""Asking whoever fills in a form for a captcha, whatever the backend shows, on a page that knows none of them."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, request

from dinnerkit.accounts.captcha import CaptchaCheck
from dinnerkit.http.services import service
from dinnerkit.web.assets import given, hash_of
from dinnerkit.web.places import page_url
from dinnerkit.web.policy import let_in

FIELD = "captcha"


def asked(action: str) -> dict[str, Any] | None:
    """What ``parts/captcha.html`` tells our script, once what the widget needs from elsewhere is let in; None where nothing is asked."""
    form, source = service(CaptchaCheck).form(action), service(CaptchaCheck).module
    if form is None or not source:
        return None
    let_in(form.sources)
    return {"module": page_url("captcha_module", version=hash_of(source)), "settings": dict(form.settings)}


def answered() -> str:
    """The answer that came with the form, if there is one."""
    return request.form.get(FIELD, "")


def serve_module(version: str) -> Response:
    """Give the backend's module."""
    source = service(CaptchaCheck).module
    if not source:
        abort(404)
    return given(source.encode(), "text/javascript", asked=version, now=hash_of(source))
