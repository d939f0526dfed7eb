"""The OpenAPI document, and a page that shows it without the network: Swagger UI, from the files of the flask-swagger-ui package."""

from __future__ import annotations

from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

import orjson
from flask import Response, send_from_directory, url_for
from markupsafe import escape

from dinnerkit.http.blueprint import Api, ApiBlueprint
from dinnerkit.http.conditional import ETAG_HEADERS, public_json
from dinnerkit.http.public_answers import Encoded, encode
from dinnerkit.http.services import service

ASSETS = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI writes style attributes; everything else it needs lies here."""

_ASSET_SECONDS = 86_400

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{icon}">
<link rel="stylesheet" href="{style}">
<div id="swagger-ui"></div>
<script src="{bundle}"></script>
<script src="{start}"></script>
</html>
"""

_START = """SwaggerUIBundle({{url: {url}, dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true, persistAuthorization: false}});
"""

blueprint = ApiBlueprint("docs", __name__, description="This documentation.", limited=False)


class OpenApi:
    """The OpenAPI document of one app; encoded when it is first read, once all blueprints are mounted."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def title(self) -> str:
        """The name of the API."""
        return str(self._api.spec.title)

    @cached_property
    def encoded(self) -> Encoded:
        """The document as it is sent."""
        return encode(self._api.spec.to_dict())


@blueprint.route("/openapi.json")
@blueprint.response(200, {"type": "object"}, headers=ETAG_HEADERS)
def openapi() -> Response:
    """Describe this API by OpenAPI 3.1."""
    return public_json(service(OpenApi).encoded, max_age=60)


@blueprint.route("/docs")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def page() -> Response:
    """Show this documentation."""
    text = _PAGE.format(
        title=escape(service(OpenApi).title),
        icon=_asset_url("favicon-32x32.png"),
        style=_asset_url("swagger-ui.css"),
        bundle=_asset_url("swagger-ui-bundle.js"),
        start=url_for(".start"),
    )
    return Response(text, mimetype="text/html", headers={"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=60"})


@blueprint.undocumented("/docs/start.js")
def start() -> Response:
    """Give the script that starts the page."""
    script = _START.format(url=orjson.dumps(url_for(".openapi")).decode())
    return Response(script, mimetype="text/javascript", headers={"Cache-Control": "public, max-age=60"})


@blueprint.undocumented("/docs/assets/<name>")
def asset(name: str) -> Response:
    """Give a file of the page."""
    known = name if name in ASSETS else "-"
    return send_from_directory(_folder(), known, max_age=_ASSET_SECONDS)


def _asset_url(name: str) -> str:
    return url_for(".asset", name=name)


@cache
def _folder() -> Path:
    return Path(str(files("flask_swagger_ui") / "dist"))
