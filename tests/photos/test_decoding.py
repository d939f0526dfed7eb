"""Only pixels come through: upright, in sRGB, small; and what is no photo is refused by the right name."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from dinnerkit.photos.decoding import pictures_of
from dinnerkit.photos.pictures import Picture, RefusedPicture, read, refused, written
from dinnerkit.photos.rules import LONGEST_SIDE, MOST_PIXELS, REASONS, WIDTHS, refused_for, sizes_of
from tests.photos import files
from tests.photos.files import BLUE, GREEN, RED, SECRET, WHITE


def opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.content))
    assert (image.format, image.size, image.mode) == ("WEBP", (picture.width, picture.height), "RGB")
    return image


def corner_colours(image: Image.Image) -> list[tuple[int, ...]]:
    width, height = image.size
    return [image.getpixel((x, y)) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]


def alike(found: list[tuple[int, ...]], wanted: list[tuple[int, ...]], by: int = 12) -> bool:
    return all(abs(one - other) <= by for left, right in zip(found, wanted, strict=True) for one, other in zip(left, right, strict=True))


def refusal(content: bytes, content_type: str = "image/jpeg") -> str:
    with pytest.raises(RefusedPicture) as caught:
        pictures_of(content, content_type)
    assert caught.value.code in REASONS
    return caught.value.code


@pytest.mark.parametrize(("kind", "content_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_each_kind_becomes_webp_in_all_widths_that_it_has(kind: str, content_type: str):
    made = pictures_of(files.saved(files.corners(1600, 1200), kind), content_type)
    assert [(each.width, each.height) for each in made] == [(320, 240), (640, 480), (1280, 960)]
    for each in made:
        assert alike(corner_colours(opened(each)), [RED, GREEN, BLUE, WHITE])


def test_a_small_photo_is_made_no_larger():
    assert [(each.width, each.height) for each in pictures_of(files.jpeg(200, 180), "image/jpeg")] == [(200, 180)]
    assert [each.width for each in pictures_of(files.jpeg(700, 180), "image/jpeg")] == [320, 640]


def test_nothing_but_the_pixels_is_left():
    content = files.with_gps()
    assert content.count(SECRET.encode()) == 3
    for each in pictures_of(content, "image/jpeg"):
        image = opened(each)
        assert not image.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()
        assert SECRET.encode() not in each.content
        assert not any(name in each.content for name in (b"EXIF", b"XMP ", b"ICCP"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_shown_as_the_camera_was_held(orientation: int):
    (made, *_) = pictures_of(files.turned(orientation), "image/jpeg")
    assert (made.width, made.height) == (320, 240)
    assert alike(corner_colours(opened(made)), [RED, GREEN, BLUE, WHITE])


def test_metadata_that_makes_no_sense_is_no_reason_to_refuse():
    content = files.jpeg(exif=b"Exif\0\0MM\0*\0\0\xff\xff" + bytes(20), icc_profile=b"no profile at all")
    assert alike(corner_colours(opened(pictures_of(content, "image/jpeg")[0])), [RED, GREEN, BLUE, WHITE])


def test_colours_are_those_that_its_profile_says():
    lab = ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    assert to_lab  # Pillow was built with LittleCMS
    swapped = files.corners()
    red, green, blue = swapped.split()
    profile = _profile_with_red_and_blue_swapped()
    content = files.saved(Image.merge("RGB", (blue, green, red)), "PNG", icc_profile=profile)
    assert alike(corner_colours(opened(pictures_of(content, "image/png")[0])), [RED, GREEN, BLUE, WHITE], by=25)


def _profile_with_red_and_blue_swapped() -> bytes:
    """sRGB whose tags of the red and the blue primary have each other's names."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


MODES = [(mode, "PNG") for mode in ("L", "LA", "RGBA", "P", "1", "I;16")] + [("CMYK", "JPEG"), ("L", "JPEG")]


@pytest.mark.parametrize(("mode", "kind"), MODES)
def test_every_mode_becomes_plain_colours(mode: str, kind: str):
    source = files.corners()
    image = source.convert("L").convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else source.convert(mode)
    (made, *_) = pictures_of(files.saved(image, kind), "image/png" if kind == "PNG" else "image/jpeg")
    grey = mode in {"L", "LA", "1", "I;16"}
    wanted = [tuple(source.convert("L").convert("RGB").getpixel((x, y))) for y in (150, 450) for x in (200, 600)]
    found = corner_colours(opened(made))
    assert found[3] == pytest.approx(WHITE, abs=3)
    if mode != "1":
        assert alike(found, wanted if grey else [RED, GREEN, BLUE, WHITE], by=20)


def test_what_can_be_seen_through_is_seen_on_white():
    image = files.corners(mode="RGBA")
    image.putalpha(0)
    assert alike(corner_colours(opened(pictures_of(files.saved(image, "PNG"), "image/png")[0])), [WHITE] * 4, by=3)
    indexed = Image.new("P", (300, 300), 0)
    indexed.putpalette([0, 0, 0] * 256)
    content = files.saved(indexed, "PNG", transparency=0)
    assert alike(corner_colours(opened(pictures_of(content, "image/png")[0])), [WHITE] * 4, by=3)


def test_a_phone_s_jpeg_with_a_second_picture_behind_it_is_a_photo():
    frames = [files.corners(), Image.new("RGB", (200, 200))]
    content = files.saved(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(content)).format == "MPO"
    assert alike(corner_colours(opened(pictures_of(content, "image/jpeg")[0])), [RED, GREEN, BLUE, WHITE])


LIARS = {
    "html": (lambda: files.HTML, "image/jpeg", "not_an_image"),
    "svg": (lambda: files.SVG, "image/png", "not_an_image"),
    "an archive": (files.archive, "image/webp", "not_an_image"),
    "a gif": (lambda: files.saved(files.corners(), "GIF"), "image/png", "not_an_image"),
    "a tiff": (lambda: files.saved(files.corners(), "TIFF"), "image/jpeg", "not_an_image"),
    "nothing": (lambda: b"", "image/png", "not_an_image"),
    "a beginning": (lambda: b"\xff\xd8\xff", "image/jpeg", "not_an_image"),
    "png said to be jpeg": (lambda: files.saved(files.corners(), "PNG"), "image/jpeg", "wrong_type"),
    "jpeg said to be webp": (files.jpeg, "image/webp", "wrong_type"),
    "moving png": (lambda: files.moving("PNG"), "image/png", "animated"),
    "moving webp": (lambda: files.moving("WEBP"), "image/webp", "animated"),
    "tiny": (lambda: files.jpeg(159, 400), "image/jpeg", "too_small"),
    "a strip": (lambda: files.jpeg(1000, 200), "image/jpeg", "too_narrow"),
    "half a jpeg": (lambda: files.jpeg()[:-3000], "image/jpeg", "damaged"),
    "half a png": (lambda: files.saved(files.corners(), "PNG")[:-700], "image/png", "damaged"),
    "a png of no pixels": (lambda: files.png_of(400, 400), "image/png", "damaged"),
    "a bomb of a square": (lambda: files.png_of(16_000, 16_000, data=bytes(100)), "image/png", "too_many_pixels"),
    "a bomb of a line": (lambda: files.png_of(2_000_000, 200), "image/png", "too_many_pixels"),
    "a bomb of sizes that overflow": (lambda: files.png_of(2**31 - 1, 2**31 - 1), "image/png", "too_many_pixels"),
    "a text that unpacks to more than there is memory": (files.text_bomb, "image/png", "damaged"),
}


@pytest.mark.parametrize("what", LIARS)
def test_what_is_no_photo_is_refused_by_name(what: str):
    made, content_type, code = LIARS[what]
    found = refusal(made(), content_type)
    assert found == code or (what.startswith("a text") and found == "not_an_image")


@pytest.mark.parametrize("hidden", [files.HTML, files.archive(), files.SVG], ids=["html", "zip", "svg"])
def test_what_is_hidden_behind_a_photo_or_in_it_stays_behind(hidden: bytes):
    for content in (files.jpeg() + hidden, files.jpeg(comment=hidden)):
        for each in pictures_of(content, "image/jpeg"):
            assert hidden not in each.content
            assert SECRET.encode() not in each.content
            opened(each)


@given(st.integers(1, 40_000), st.integers(1, 40_000))
@settings(max_examples=200, deadline=None)
def test_what_is_made_has_the_shape_of_what_came(width: int, height: int):
    if refused_for(width, height):
        return
    assert width * height <= MOST_PIXELS
    assert max(width, height) <= LONGEST_SIDE
    made = sizes_of(width, height)
    assert made == sorted(set(made))
    for each in made:
        assert each[0] <= max(WIDTHS[0], min(width, WIDTHS[-1]))
        assert abs(each[1] - each[0] * height / width) <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_with_any_byte_wrong_is_refused_or_is_a_picture(kind: str):
    """Whatever a decoder says of it, it is one of the reasons, and no error that nobody expects."""
    chance = random.Random(1)
    content = files.saved(files.corners(320, 240), kind)
    for _ in range(60):
        broken = bytearray(content)
        for _ in range(chance.choice((1, 3, 30))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        outcome = tried(bytes(broken), f"image/{kind.lower()}")
        assert outcome in REASONS if isinstance(outcome, str) else all(opened(each) for each in outcome)


def tried(content: bytes, content_type: str) -> str | list[Picture]:
    try:
        return pictures_of(content, content_type)
    except RefusedPicture as error:
        return error.code


def test_answers_are_read_as_they_were_written():
    made = [Picture(320, 200, b"abc"), Picture(640, 400, b"defg")]
    assert read(written(made)) == made
    with pytest.raises(RefusedPicture, match="animated"):
        read(refused("animated"))
    for half in (b"", written(made)[:-1], written(made) + b"x", written([])):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
            read(half)
