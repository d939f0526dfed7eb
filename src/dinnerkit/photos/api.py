"""The photo routes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from dinnerkit.clock import utcnow
from dinnerkit.events.photos import PhotoState
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.http.auth import current_principal, requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.bodies import large_body, raw_body
from dinnerkit.http.conditional import ETAG_HEADERS, private_json
from dinnerkit.http.idempotency import idempotent
from dinnerkit.http.limits import unlimited
from dinnerkit.http.photo_addresses import photo_with_addresses
from dinnerkit.http.services import service
from dinnerkit.identity import Role
from dinnerkit.ids import is_id
from dinnerkit.photos.errors import NoSuchPhoto
from dinnerkit.photos.rules import FORMATS, MADE, REASONS, WIDTHS
from dinnerkit.photos.schemas import AltQuerySchema, NewUploadSchema, PhotoStateSchema, UploadFormSchema, UploadTakenSchema
from dinnerkit.photos.service import DOWNLOAD_SECONDS, UPLOAD_SECONDS, PhotoFiles, PhotoService

blueprint = ApiBlueprint("photos", __name__, description="The photo of a dinner.")

_FOREVER = "public, max-age=31536000, immutable"
_LONGEST_WIDTH = 5
_FILE = {"required": True, "content": {kind: {"schema": {"type": "string", "format": "binary", "minLength": 1}} for kind in FORMATS}}


@blueprint.route("/events/<event_id>/photo")
@requires(Role.HOST)
@blueprint.response(200, PhotoStateSchema)
@blueprint.alt_response(404, "NOT_FOUND")
def photo_state(event_id: str) -> Response:
    """Say which photo a dinner of mine has, and what becomes of the one that I sent last."""
    return _told(event_id, service(PhotoService).state(current_principal(), _existing(event_id)))


@blueprint.route("/events/<event_id>/photo", methods=["PUT"])
@large_body
@requires(Role.HOST)
@idempotent
@blueprint.arguments(AltQuerySchema, location="query")
@blueprint.doc(requestBody=_FILE)
@blueprint.response(202, PhotoStateSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(413, "REQUEST_ENTITY_TOO_LARGE")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def put_photo(query: dict[str, Any], event_id: str) -> Response:
    """Give a dinner of mine a photo, as a JPEG, PNG or WebP file. It is shown once it has been made anew from its pixels, in a moment.

    413: `photo_too_large` (with `most_bytes`). 422: `not_a_photo_type` (with `types`). 503: `photos_unavailable`.
    """
    photos = service(PhotoService)
    put = photos.put(current_principal(), _existing(event_id), raw_body(request), request.mimetype, query["alt"])
    return _told(event_id, put, 202)


@blueprint.route("/events/<event_id>/photo", methods=["DELETE"])
@requires(Role.HOST)
@blueprint.response(204)
@blueprint.alt_response(404, "NOT_FOUND")
def remove_photo(event_id: str) -> None:
    """Take the photo of a dinner of mine away, and the one that is to take its place."""
    service(PhotoService).remove(current_principal(), _existing(event_id))


@blueprint.route("/events/<event_id>/photo/uploads", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.arguments(NewUploadSchema)
@blueprint.response(201, UploadFormSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(413, "REQUEST_ENTITY_TOO_LARGE")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def begin_photo_upload(body: dict[str, Any], event_id: str) -> Response:
    """Ask how to send a photo of that type and size: to the store itself, where it takes files, else to this app by `PUT`.

    413: `photo_too_large` (with `most_bytes`). 503: `photos_unavailable`.
    """
    photos = service(PhotoService)
    begun = photos.begin(current_principal(), _existing(event_id), body["content_type"], body["size"])
    through = url_for(".put_photo", event_id=event_id)
    told = {
        "id": begun.id,
        "method": "POST" if begun.form else "PUT",
        "url": begun.form.url if begun.form else through,
        "fields": dict(begun.form.fields) if begun.form else {},
        "most_bytes": photos.most_bytes,
        "expires_at": utcnow() + timedelta(seconds=UPLOAD_SECONDS),
    }
    return private_json(told, 201)


@blueprint.route("/events/<event_id>/photo/uploads/<upload_id>", methods=["POST"])
@requires(Role.HOST)
@idempotent
@blueprint.arguments(UploadTakenSchema)
@blueprint.response(202, PhotoStateSchema)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(413, "REQUEST_ENTITY_TOO_LARGE")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
@blueprint.alt_response(429, "TOO_MANY_REQUESTS")
def finish_photo_upload(body: dict[str, Any], event_id: str, upload_id: str) -> Response:
    """Tell that the file is in the store, to have it made the photo.

    409: `upload_missing`. 413: `photo_too_large`. 422: `not_a_photo_type`. 503: `photos_unavailable`.
    """
    if not is_id(upload_id):
        raise NoSuchPhoto("There is no such upload.")
    finished = service(PhotoService).finish(current_principal(), _existing(event_id), upload_id, body["alt"])
    return _told(event_id, finished, 202)


@blueprint.route("/photos/<event_id>/<photo_id>/<width>.webp")
@unlimited
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MADE, headers=ETAG_HEADERS)
@blueprint.alt_response(302, description="It is at the store itself")
@blueprint.alt_response(304, description="The caller has this answer already")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
def read_photo(event_id: str, photo_id: str, width: str) -> AnyResponse:
    """Show a photo. Its address is in the event; what is at it never changes."""
    known = width.isascii() and width.isdigit() and len(width) <= _LONGEST_WIDTH and not width.startswith("0") and int(width) <= WIDTHS[-1]
    if not (is_id(event_id) and is_id(photo_id) and known):
        raise NoSuchPhoto("There is no such photo.")
    files = service(PhotoFiles)
    elsewhere = files.address(event_id, photo_id, int(width))
    if elsewhere is not None:
        response = redirect(elsewhere, 302)
        response.headers["Cache-Control"] = f"public, max-age={DOWNLOAD_SECONDS // 2}"
        return response
    found = files.get(event_id, photo_id, int(width))
    shown = Response(found.content, mimetype=MADE)  # whatever the store says that it is
    shown.headers["Cache-Control"] = _FOREVER
    shown.headers["Content-Disposition"] = "inline; filename=photo.webp"
    shown.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    shown.set_etag(found.info.etag)
    shown.make_conditional(request.environ)
    return shown


def _told(event_id: str, state: PhotoState, status: int = 200) -> Response:
    photo = photo_with_addresses(event_id, state.photo.document()) if state.photo else None
    upload = None
    if state.upload:
        code = state.upload.code
        words = {"code": code, "message": REASONS.get(code or "")}
        upload = {"id": state.upload.id, "state": state.upload.state, "alt": state.upload.alt, **words}
    return private_json({"photo": photo, "upload": upload}, status)


def _existing(event_id: str) -> str:
    """Spare the database what can't be an id."""
    if not is_id(event_id):
        raise NoSuchEvent("There is no such event.")
    return event_id
