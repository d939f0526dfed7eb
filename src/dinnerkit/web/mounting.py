"""The pages' blueprint: what goes before and after each page, and on an app."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException, default_exceptions

from dinnerkit.http.blueprint import begin, finish, forget
from dinnerkit.http.bodies import takes_large_body
from dinnerkit.http.lane.routes import met_by_lane
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.mount import current_mount
from dinnerkit.http.services import service
from dinnerkit.web import (
    account,
    admin,
    bookings,
    captcha,
    companions,
    discounts,
    door,
    earnings,
    events,
    feeds,
    home,
    hosting,
    live,
    nights,
    photos,
    profile,
    transfers,
    unsubscribe,
    vouchers,
)
from dinnerkit.web.assets import serve_asset
from dinnerkit.web.checkout import serve_module
from dinnerkit.web.errors import error_page
from dinnerkit.web.options import PageOptions
from dinnerkit.web.places import PAGES
from dinnerkit.web.policy import protect
from dinnerkit.web.sessions import check_form, keep_cookies, signed_in, visitor
from dinnerkit.web.vocabulary import vocabulary

_GROUPS = (
    home,
    events,
    bookings,
    companions,
    transfers,
    discounts,
    profile,
    vouchers,
    earnings,
    hosting,
    photos,
    nights,
    admin,
    unsubscribe,
    live,
    feeds,
    door,
)
_FILES = frozenset(f"{PAGES}.{name}" for name in ("asset", "captcha_module", "checkout_module"))
"""Files that are the same for everybody."""

_BY_TOKEN = f"{PAGES}.unsubscribe.stop"
"""Posted to by mail programs, which have no form of ours; the token in its address is the right to do it, and the cookie counts nothing."""


def mount_pages(
    app: Flask, *, url_prefix: str = "", demo: bool = False, sign_in: str | None = None, whole_site: bool | None = None
) -> None:
    """Put the pages on an app that has a mount (see :func:`dinnerkit.http.mount.install`).

    Each template can be replaced by one of the same name in the app's own folder, such as ``templates/dinnerkit/base.html``.

    Args:
        app: takes one blueprint, ``dinnerkit_pages``.
        url_prefix: the path under which the pages lie.
        demo: let everyone see the tables of every night.
        sign_in: the address of the app's own sign-in page, which takes ``?next=``; then ours are left out.
        whole_site: whether unknown addresses below the prefix are answered by our page; by default where there is a prefix.
    """
    app.extensions[PAGES] = PageOptions(sign_in=sign_in, demo=demo)
    pages = Blueprint(PAGES, __name__, template_folder="templates")
    for group in _GROUPS:
        pages.register_blueprint(group.blueprint)
    if sign_in is None:
        pages.register_blueprint(account.blueprint)
        pages.add_url_rule("/captcha/<version>.js", "captcha_module", captcha.serve_module)
    pages.add_url_rule("/assets/<version>/<name>", "asset", serve_asset)
    pages.add_url_rule("/checkout/<version>.js", "checkout_module", serve_module)
    pages.before_request(_start)
    pages.after_request(_finish)
    pages.teardown_request(forget)
    pages.context_processor(vocabulary)
    # The app's own handler of a status would win over one of ours for HTTPException: so every status gets ours.
    for status in default_exceptions:
        pages.register_error_handler(status, error_page)
    pages.register_error_handler(HTTPException, error_page)
    pages.register_error_handler(Exception, error_page)
    app.register_blueprint(pages, url_prefix=url_prefix or None)
    if bool(url_prefix) if whole_site is None else whole_site:
        _answer_unknown_pages(app, url_prefix)


def _start() -> None:
    begin(limited=False)
    if request.endpoint in _FILES:
        return
    visitor()
    service(RequestLimits).check()
    if takes_large_body():
        signed_in()  # before the file is read
    if request.method not in {"GET", "HEAD", "OPTIONS"} and request.endpoint != _BY_TOKEN:
        check_form()


def _finish(response: Response) -> Response:
    protect(response)
    if request.endpoint in _FILES:
        return finish(response)
    response.headers.setdefault("Vary", "Cookie")
    return finish(keep_cookies(response))


def _answer_unknown_pages(app: Flask, url_prefix: str) -> None:
    """Make unknown addresses below the prefix our 404 page, without an error handler on the app."""

    @app.before_request
    @met_by_lane
    def answer() -> Response | None:
        error = request.routing_exception
        if error is None or (error.code or 0) < HTTPStatus.BAD_REQUEST:
            return None
        if not f"{request.path}/".startswith(f"{url_prefix}/") or current_mount().covers(request.path):
            return None
        begin(limited=False)
        return _finish(app.make_response(error_page(error)))
