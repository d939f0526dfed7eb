"""From a file that somebody sent to pictures that may be shown: decoded, turned upright, in sRGB, without metadata, smaller, as WebP.

Only pixels come through. What is written is encoded from them anew, so that nothing of the file is in it: no place where it was taken, no
script, no second format hidden behind the first.

It is run as a program, ``python -m dinnerkit.photos.decoding TYPE``, with the file on its standard input and limits that it sets on itself:
whatever a hostile file makes of the decoder happens there, and ends there.
"""

from __future__ import annotations

import io
import sys
import warnings
from contextlib import suppress
from typing import BinaryIO

from PIL import Image, ImageCms, ImageFile, ImageOps

from dinnerkit.photos.pictures import Picture, RefusedPicture, refused, written
from dinnerkit.photos.rules import FORMATS, MOST_PIXELS, QUALITY, WIDTHS, refused_for, sizes_of

MOST_MEMORY = 1_073_741_824
"""Bytes of addresses: the largest photo twice, with all that Python and Pillow take."""

MOST_CPU_SECONDS = 20

_SIXTEEN_BITS = 256
_WHITE = (255, 255, 255)


def pictures_of(content: bytes, content_type: str) -> list[Picture]:
    """What is shown of a file, the narrowest first.

    Raises:
        RefusedPicture: nothing is.
    """
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which goes anyway; and of sizes that we look at ourselves
        with _opened(content, content_type) as image:
            picture = _upright_and_small(image)
        return [_encoded(picture, *size) for size in sizes_of(*picture.size)]


def _opened(content: bytes, content_type: str) -> Image.Image:
    """The picture, not decoded yet, whose sizes and kind are fine."""
    known = [name for names in FORMATS.values() for name in names]
    try:
        image = Image.open(io.BytesIO(content), formats=[name for name in known if name != "MPO"])
    except MemoryError:
        raise
    except Image.DecompressionBombError:
        raise RefusedPicture("too_many_pixels") from None
    except Exception as error:  # every decoder has errors of its own
        raise RefusedPicture("not_an_image") from error
    try:
        _look_at(image, content_type)
    except BaseException:
        image.close()
        raise
    return image


def _look_at(image: Image.Image, content_type: str) -> None:
    if image.format not in FORMATS.get(content_type, ()):
        raise RefusedPicture("wrong_type")
    if code := refused_for(*image.size):
        raise RefusedPicture(code)
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise RefusedPicture("animated")


def _upright_and_small(image: Image.Image) -> Image.Image:
    """The decoded picture, no wider than the widest that is made, the right way up, in sRGB and without transparency."""
    profile = image.info.get("icc_profile")
    try:
        image.draft("RGB", (2 * WIDTHS[-1], 2 * WIDTHS[-1]))  # a JPEG is decoded no larger than is needed
        image.load()
    except MemoryError:
        raise
    except Image.DecompressionBombError:
        raise RefusedPicture("too_many_pixels") from None
    except Exception as error:  # as above
        raise RefusedPicture("damaged") from error
    turned = image
    with suppress(Exception):  # EXIF that makes no sense says nothing
        turned = _turned(image)
    return _in_srgb(_shrunk(turned), profile)


def _turned(image: Image.Image) -> Image.Image:
    """As the camera was held. The size comes first where it can, so that the large picture is not copied."""
    small = _shrunk(image)
    small.info["exif"] = image.info.get("exif", b"")
    return ImageOps.exif_transpose(small)


def _shrunk(image: Image.Image) -> Image.Image:
    """The picture in one of the modes that can be resized smoothly, with no side more than twice the widest width."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / _SIXTEEN_BITS)).convert("L")
    elif image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode in {"1", "F"}:
        image = image.convert("L")
    longest = 2 * WIDTHS[-1]
    scale = min(1.0, longest / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"}:
        image = image.convert("RGBA")
        ground = Image.new("RGB", image.size, _WHITE)
        ground.paste(image, mask=image.getchannel("A"))
        image = ground
    if profile:
        with suppress(Exception):  # a profile that makes no sense is none
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            image = converted or image
    return image.convert("RGB")


def _encoded(image: Image.Image, width: int, height: int) -> Picture:
    """The picture of that size: pixels of a new image, which never had any metadata."""
    made = Image.new("RGB", (width, height))
    made.paste(image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0))
    written = io.BytesIO()
    made.save(written, "WEBP", quality=QUALITY, method=4, exif=b"", icc_profile=b"", xmp=b"")
    return Picture(width, height, written.getvalue())


def limit_this_process() -> None:
    """Never more memory and time than a photo takes, and behind all others; where the system knows no such limits, without."""
    with suppress(ImportError, OSError, ValueError):
        import os  # noqa: PLC0415
        import resource  # noqa: PLC0415 - there is none on Windows

        os.nice(10)
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def main(content_type: str, given: BinaryIO, answer: BinaryIO) -> None:
    """Answer for one file."""
    limit_this_process()
    try:
        told = written(pictures_of(given.read(), content_type))
    except RefusedPicture as error:
        told = refused(error.code)
    except MemoryError:
        told = refused("too_hard")
    answer.write(told)
    answer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
