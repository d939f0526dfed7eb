"""What counts as a photo, how large it is made, and where its files lie."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UPLOADS, PHOTOS = "uploads/", "photos/"
"""What the keys begin with of files as they came, which nobody is ever shown, and of those that we made."""

FORMATS: Mapping[str, tuple[str, ...]] = MappingProxyType({"image/jpeg": ("JPEG", "MPO"), "image/png": ("PNG",), "image/webp": ("WEBP",)})
"""The content types that are taken, and what Pillow calls them. An MPO is a JPEG with more pictures behind it, as some phones make them."""

MADE = "image/webp"
"""What is shown."""

WIDTHS = (320, 640, 1280)
"""In pixels: what is made, where the photo is that wide; of a narrower one its own width."""

QUALITY = 80
"""Of the WebP, from 0 to 100; what libwebp's manual calls typical is 75."""

MOST_PIXELS = 50_000_000
"""Of the largest photo: what phones make at their best."""

LONGEST_SIDE = 16_383
"""In pixels: what WebP can hold."""

SHORTEST_SIDE = 160
MOST_STRETCHED = 4
"""How many times as long one side may be as the other."""

LONGEST_ALT = 200

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "not_an_image": "It is no JPEG, PNG or WebP picture, or none that can be read.",
        "wrong_type": "It is another kind of picture than was said.",
        "damaged": "The file is damaged, or its end is missing.",
        "animated": "It moves. A photo is one picture.",
        "too_many_pixels": f"It has more than {MOST_PIXELS // 1_000_000} megapixels, or a side of more than {LONGEST_SIDE} pixels.",
        "too_small": f"Both sides need at least {SHORTEST_SIDE} pixels.",
        "too_narrow": f"One side is more than {MOST_STRETCHED} times as long as the other.",
        "too_hard": "It takes too much time or memory to read.",
        "too_large": "The file is too large.",
        "missing": "The file did not arrive. Send it again.",
    }
)
"""Why a file is refused, by the code that a program sees, in words for the host."""


def refused_for(width: int, height: int) -> str | None:
    """The code of what is wrong with a picture of that many pixels, known before it is decoded; None where nothing is."""
    shorter, longer = sorted((width, height))
    if longer > LONGEST_SIDE or width * height > MOST_PIXELS:
        return "too_many_pixels"
    if shorter < SHORTEST_SIDE:
        return "too_small"
    return "too_narrow" if longer > MOST_STRETCHED * shorter else None


def sizes_of(width: int, height: int) -> list[tuple[int, int]]:
    """The widths and heights that are made of a picture; never larger than it is."""
    widths = [made for made in WIDTHS if made <= width] or [width]
    return [(made, max(1, round(height * made / width))) for made in widths]


def upload_key(event_id: str, photo_id: str) -> str:
    """Where a file lies as it came."""
    return f"{UPLOADS}{event_id}/{photo_id}"


def photo_folder(event_id: str, photo_id: str) -> str:
    """What the keys of all that was made of a file begin with."""
    return f"{PHOTOS}{event_id}/{photo_id}/"


def photo_key(event_id: str, photo_id: str, width: int) -> str:
    """Where the photo of that width lies."""
    return f"{photo_folder(event_id, photo_id)}{width}.webp"


def ids_of(key: str) -> tuple[str, str] | None:
    """The event and the photo that a key is about; None where it is none of ours."""
    parts = key.split("/")
    return (parts[1], parts[2]) if len(parts) in {3, 4} and f"{parts[0]}/" in {UPLOADS, PHOTOS} else None
