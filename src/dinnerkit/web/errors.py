"""How errors look on the pages. They are handled on the pages' blueprint alone: the app's other routes keep their own."""

from __future__ import annotations

import traceback
from http import HTTPStatus

import structlog
from flask import Response, make_response, render_template, request
from werkzeug.exceptions import BadHost, HTTPException
from werkzeug.wrappers import Response as AnyResponse

from dinnerkit.errors import DinnerkitError, Unauthenticated, Unavailable
from dinnerkit.http.problems import retry_after, status_of
from dinnerkit.http.request_ids import request_id
from dinnerkit.storage import is_outage
from dinnerkit.texts import sentence
from dinnerkit.web.options import sign_in_url
from dinnerkit.web.places import asked_for, go
from dinnerkit.web.vocabulary import vocabulary

_log = structlog.stdlib.get_logger("dinnerkit.web")

_TITLES = {
    403: "This is not for you to see",
    404: "There is nothing here",
    413: "That is too much at once",
    429: "One moment",
    500: "Something broke in the kitchen",
    503: "The kitchen is closed for a moment",
}
_SENTENCES = {
    404: "The address may be old, or the page is somebody else's.",
    405: "This address takes no such request.",
    429: "You ask faster than we can answer. Wait a little, then try again.",
    500: "It is our fault, not yours. Try again; if it stays, tell us the number below.",
}


def error_page(error: Exception) -> AnyResponse:
    """The page for a request that failed by that error."""
    if isinstance(error, HTTPException):
        if isinstance(error, BadHost) or error.response is not None or (error.code or 0) < HTTPStatus.BAD_REQUEST:
            # at a host that is none nothing has an address, so no page can be drawn
            return error.get_response(request.environ)
        status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        return show_error(status, _SENTENCES.get(status) or error.description or "")
    if is_outage(error):
        _log.warning("database_unreachable", error=type(error).__name__, request_id=request_id())
        error = Unavailable("We can't reach our books now; try again in a minute.")
    if isinstance(error, Unauthenticated):
        return go(sign_in_url(asked_for()))
    if isinstance(error, DinnerkitError):
        status = status_of(error)
        page = show_error(status, _SENTENCES.get(status) or sentence(error.message))
        page.headers.extend(retry_after(error))
        return page
    trace = "".join(traceback.format_exception(error))  # written out here, since a pretty renderer would show the frames' variables
    _log.error("unexpected_error", trace=trace, request_id=request_id(), method=request.method, endpoint=request.endpoint)
    return show_error(HTTPStatus.INTERNAL_SERVER_ERROR, _SENTENCES[500])


def show_error(status: int, text: str) -> Response:
    """The page that says what is wrong."""
    title = _TITLES.get(status, "That did not work")
    reference = request_id() if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
    page = render_template("dinnerkit/error.html", **vocabulary(), title=title, text=text, status=status, reference=reference)
    return make_response(page, status)
