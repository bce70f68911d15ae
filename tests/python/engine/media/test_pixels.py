"""Image files of every kind that is taken, and those that are not: bombs, damage, other formats."""

from __future__ import annotations

import random

import PIL.Image
import pytest

from engine.media.pictures import BLUE, RED, bomb, picture, saved
from inferno.engine.media import pixels
from inferno.engine.media.medium import MAX_IMAGE_BYTES, Image
from inferno.engine.media.pixels import FORMATS, MAX_PIXELS, Pixels, decode
from inferno.errors import InvalidImage


def refusal(data: bytes) -> InvalidImage:
    with pytest.raises(InvalidImage) as caught:
        decode(Image(data, "messages[0].content[0].image_url"))
    assert caught.value.param == "messages[0].content[0].image_url"
    return caught.value


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_its_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(Image(picture(RED, kind, (7, 5), **options)))
    assert (pixels.width, pixels.height, len(pixels.rgb)) == (7, 5, 7 * 5 * 3)
    red, green, blue = pixels.rgb[:3]
    assert red > 250
    assert max(green, blue) < 5


def test_of_an_animation_the_first_frame() -> None:
    frames = [PIL.Image.new("RGB", (4, 4), color) for color in (RED, BLUE)]
    animated = saved(frames[0], "GIF", save_all=True, append_media=frames[1:], duration=100)
    assert decode(Image(animated)).rgb[:3] == bytes(RED)


def test_through_transparent_pixels_white_is_seen() -> None:
    clear = PIL.Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    clear.putpixel((1, 0), (0, 0, 255, 255))
    assert decode(Image(saved(clear))).rgb == b"\xff\xff\xff\x00\x00\xff"


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    grey = PIL.Image.new("I;16", (2, 2), 0x8000)
    assert set(decode(Image(saved(grey))).rgb) == {0x80}


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
def test_other_ways_to_write_colours(mode: str) -> None:
    image = PIL.Image.new("RGB", (3, 3), (255, 255, 255)).convert(mode)
    assert decode(Image(saved(image, "JPEG" if mode == "CMYK" else "PNG"))).rgb == b"\xff" * 27


def test_a_photo_stands_upright() -> None:
    lying = PIL.Image.new("RGB", (4, 2), RED)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn right
    turned = decode(Image(saved(lying, "JPEG", exif=exif)))
    assert (turned.width, turned.height) == (2, 4)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (8000, 8000), (100_000, 1), (1, 101)])
def test_what_claims_too_much_is_refused_by_its_header(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(_: object) -> Pixels:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(pixels, "_pixels", decoded)
    assert "pixels" in refusal(bomb(width, height)).message


def test_the_largest_is_taken() -> None:
    assert MAX_PIXELS >= 24_000_000, "a camera's photo"
    assert decode(Image(bomb(100, 1))) == Pixels(100, 1, bytes(300))


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "PDF"])
def test_other_formats_are_refused(kind: str) -> None:
    assert "no PNG, JPEG, WebP or GIF" in refusal(picture(RED, kind)).message


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(100)])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    refusal(data)


def test_a_file_beyond_the_limit_is_refused() -> None:
    assert str(MAX_IMAGE_BYTES) in refusal(bytes(MAX_IMAGE_BYTES + 1)).message


@pytest.mark.parametrize("kind", FORMATS)
def test_damage_is_refused_or_survived(kind: str) -> None:
    """Never anything but InvalidImage, whatever stands in the file."""
    rng = random.Random(7)
    whole = picture(RED, kind, (40, 40))
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        del data[rng.randint(1, len(data)) :]
        try:
            pixels = decode(Image(bytes(data)))
        except InvalidImage:
            continue
        assert len(pixels.rgb) == pixels.width * pixels.height * 3
