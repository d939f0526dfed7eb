"""The photo of a dinner on its pages: what the host sends by a form, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.errors import DinnerkitError, Invalid
from dinnerkit.http.bodies import large_body
from dinnerkit.http.photo_addresses import photo_with_addresses
from dinnerkit.http.problems import status_of
from dinnerkit.http.services import service
from dinnerkit.photos.errors import PhotosUnavailable, PhotoTooLarge
from dinnerkit.photos.rules import FORMATS, LONGEST_ALT, REASONS
from dinnerkit.photos.service import PhotoService
from dinnerkit.texts import has_forbidden, sentence
from dinnerkit.web.events import existing
from dinnerkit.web.forms import show
from dinnerkit.web.hosting import hosts_only
from dinnerkit.web.places import see
from dinnerkit.web.sessions import say, signed_in

blueprint = Blueprint("photos", __name__, url_prefix="/hosting")
blueprint.before_request(hosts_only)


@blueprint.route("/<event_id>/photo")
def manage(event_id: str) -> Response:
    """Show the photo of a dinner, what became of the one that was sent last, and the form for another."""
    return _page(existing(event_id))


@blueprint.route("/<event_id>/photo", methods=["POST"])
@large_body
def send(event_id: str) -> Response:
    """Take a photo from the form."""
    photos = service(PhotoService)
    try:
        content, content_type = _file(photos.most_bytes)
        photos.put(signed_in(), existing(event_id), content, content_type, _alt())
    except (Invalid, PhotoTooLarge, TooManyAttempts, PhotosUnavailable) as error:
        return _page(event_id, error)
    say("photo_sent")
    return see("photos.manage", event_id=event_id)


@blueprint.route("/<event_id>/photo/remove", methods=["POST"])
def remove(event_id: str) -> Response:
    """Take the photo away."""
    service(PhotoService).remove(signed_in(), existing(event_id))
    say("photo_removed")
    return see("photos.manage", event_id=event_id)


def picture(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event's photo with the addresses of its sizes, and words for who can't see it; None where none can be shown."""
    stored = event.get("photo")
    photo = photo_with_addresses(event["id"], stored) if stored else None
    return {**photo, "alt": photo["alt"] or f"A photo for {event['title']}"} if photo else None


def _file(most_bytes: int) -> tuple[bytes, str]:
    """The file that was chosen, read no further than to see that it is too large, and its content type.

    Raises:
        Invalid: none was chosen.
    """
    sent = request.files.get("photo")
    if sent is None or not sent.filename:
        raise Invalid("Choose a file first.")
    return sent.stream.read(most_bytes + 1), sent.mimetype


def _alt() -> str:
    """What is to be seen, in one line of the host's.

    Raises:
        Invalid: it is too long, or has characters that no line has.
    """
    alt = request.form.get("alt", "").strip()
    if len(alt) > LONGEST_ALT or has_forbidden(alt, lines=False):
        raise Invalid(f"What is to be seen has at most {LONGEST_ALT} characters, in one line.")
    return alt


def _page(event_id: str, error: DinnerkitError | None = None) -> Response:
    photos = service(PhotoService)
    event = photos.event(signed_in(), event_id)
    state = photos.state(signed_in(), event_id)
    upload = state.upload
    return show(
        "photo.html",
        status=status_of(error) if error else 200,
        event=event,
        photo=picture({"id": event.id, "title": event.details.title, "photo": state.photo.document() if state.photo else None}),
        upload=upload,
        reason=REASONS.get(upload.code or "", "") if upload else "",
        accepted=",".join(FORMATS),
        longest_alt=LONGEST_ALT,
        alt=request.form.get("alt", "")[:LONGEST_ALT] or (state.photo.alt if state.photo else ""),
        most_megabytes=photos.most_bytes / 1_048_576,
        problem=sentence(error.message) if error else "",
    )
