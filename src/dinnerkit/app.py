"""The default app: an empty Flask app, the extension, and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from dinnerkit.extension import Dinnerkit
from dinnerkit.kit import Kit
from dinnerkit.ports.offload import Offload, inline
from dinnerkit.settings import Settings
from dinnerkit.web.mounting import mount_pages


def create_app(
    settings: Settings | Mapping[str, Any] | None = None, *, offload: Offload = inline, pages: bool = True, kit: Kit | None = None
) -> Flask:
    """The app that ``dinnerkit serve`` serves.

    Behind proxies, ``trusted_proxies`` says how many of them set ``X-Forwarded-…``; with 0 nobody's word is taken for it.

    Args:
        settings: by default those of the environment.
        offload: where CPU-heavy work runs, so that it does not hold up an event loop.
        pages: whether there are pages for people, beside the API.
        kit: one that is open already; whoever opened it closes it.

    Raises:
        SettingError: a setting is wrong.
        Unavailable: a backend can't be reached.
    """
    app = Flask("dinnerkit", static_folder=None)
    kit = Dinnerkit(settings=settings, whole_app=True, offload=offload, kit=kit).init_app(app)
    if pages:
        mount_pages(app, demo=kit.settings.demo, whole_site=True)
    hops = kit.settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops)  # type: ignore[method-assign]
    return app
