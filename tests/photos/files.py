"""Files that somebody might send as a photo: good ones, and such as were made to do harm."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 160, 60), (20, 40, 200), (255, 255, 255)

SECRET = "48.1374 N 11.5755 E, taken by Ada"


def corners(width: int = 800, height: int = 600, mode: str = "RGB") -> Image.Image:
    """A picture whose corners tell which is which: red, green; blue, white."""
    image = Image.new("RGB", (width, height), WHITE)
    for colour, place in ((RED, (0, 0)), (GREEN, (width // 2, 0)), (BLUE, (0, height // 2))):
        image.paste(colour, (*place, place[0] + width // 2, place[1] + height // 2))
    return image.convert(mode)


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(width: int = 800, height: int = 600, **options: Any) -> bytes:
    return saved(corners(width, height), "JPEG", quality=90, **options)


def with_gps(orientation: int = 1) -> bytes:
    """A JPEG that tells where it was taken, in EXIF, XMP and a comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 14.0)
    xmp = f"<x:xmpmeta><dc:creator>{SECRET}</dc:creator></x:xmpmeta>".encode()
    return jpeg(exif=exif.tobytes(), comment=SECRET.encode(), xmp=xmp)


def turned(orientation: int) -> bytes:
    """A JPEG whose pixels lie as the camera was held, and whose EXIF says how that was."""
    back = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }[orientation]
    image = corners()
    for step in back:
        image = image.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, "JPEG", quality=90, exif=exif.tobytes())


def png_of(width: int, height: int, *, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    """A PNG that says that it is that large, however little is in it."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def text_bomb() -> bytes:
    """A PNG with a compressed text of 100 MB."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * 100_000_000, zip=True)
    return saved(corners(), "PNG", pnginfo=info)


def moving(kind: str) -> bytes:
    frames = [Image.new("RGB", (200, 200), (shade, 0, 0)) for shade in (0, 120, 240)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("payload.txt", SECRET)
    return file.getvalue()


HTML = b"<!doctype html><script>alert(document.cookie)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><script>alert(1)</script></svg>'


def wide_profile() -> bytes:
    """A profile whose colours are other than sRGB's: CIE Lab, as Pillow can make one."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
