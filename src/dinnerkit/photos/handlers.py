"""What is done with photos upon messages."""

from __future__ import annotations

from typing import Any

from dinnerkit.events.photo_messages import PhotoDropped, PhotoUploaded
from dinnerkit.messages import Handler
from dinnerkit.photos.working import PhotoWork


def photo_handlers(work: PhotoWork) -> list[Handler[Any]]:
    """The handlers of photos."""

    def make(message: PhotoUploaded) -> None:
        work.make(message.event_id, message.photo_id)

    def clean(message: PhotoDropped) -> None:
        work.clean(message.event_id, message.photo_id)

    return [
        Handler("photos.make", PhotoUploaded, make, queue="media"),
        Handler("photos.clean", PhotoDropped, clean, queue="media"),
    ]
