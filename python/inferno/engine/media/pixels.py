"""Image files to pixels. They come from clients and are not trusted: what they claim is looked at before it is done."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from inferno.engine.media.medium import MAX_IMAGE_BYTES, Image
from inferno.errors import InvalidImage, Unsupported

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""Nothing else is tried, whatever Pillow could open."""
MAX_PIXELS = 32_000_000
"""Decoded, a picture takes three bytes for each, and up to four times that while it is decoded."""
MAX_ASPECT = 100
"""How many times as long as the other a side may be; ``csrc/backends/media_encoder.h`` has the same limit."""

_BACKGROUND = (255, 255, 255)
"""What is seen through transparent pixels."""


@dataclass(frozen=True, slots=True)
class Pixels:
    width: int
    height: int
    rgb: bytes
    """Row by row from the top, three bytes each."""


def require_pillow() -> None:
    """Raises Unsupported where images cannot be decoded, with what to install."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise Unsupported(
            "pictures need Pillow: pip install 'inferno[vision]'; or serve the model without them: --mmproj none",
            param="mmproj",
        ) from None


def decode(image: Image) -> Pixels:
    """The picture upright; of an animation the first frame. Raises InvalidImage. Thread-safe."""
    if len(image.data) > MAX_IMAGE_BYTES:
        raise InvalidImage(
            f"the picture's file has {len(image.data)} bytes; the limit is {MAX_IMAGE_BYTES}", param=image.param
        )
    import PIL.Image

    bombs = (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning)
    try:
        with PIL.Image.open(io.BytesIO(image.data), formats=FORMATS) as opened:
            _check_size(opened.width, opened.height, image.param)  # by the header: nothing is decoded yet
            return _pixels(opened)
    except bombs:
        raise InvalidImage(f"the picture has more than {MAX_PIXELS} pixels", param=image.param) from None
    except PIL.UnidentifiedImageError:
        raise InvalidImage("the picture is no PNG, JPEG, WebP or GIF file", param=image.param) from None
    except InvalidImage:
        raise
    except Exception as error:  # a decoder on hostile bytes: whatever it fails with is about what it was given
        raise InvalidImage(f"the picture cannot be decoded ({type(error).__name__})", param=image.param) from None


def _check_size(width: int, height: int, param: str) -> None:
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise InvalidImage(f"the picture has {width} x {height} pixels; the limit is {MAX_PIXELS}", param=param)
    if max(width, height) // min(width, height) > MAX_ASPECT:
        raise InvalidImage(
            f"the picture has {width} x {height} pixels; one side may be at most {MAX_ASPECT} times as long as the"
            " other",
            param=param,
        )


def _pixels(opened: Any) -> Pixels:
    import PIL.Image
    import PIL.ImageOps

    picture = PIL.ImageOps.exif_transpose(opened)
    if picture.mode.startswith("I"):  # 16 bits of grey; converting would cut them off at 255
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        solid = PIL.Image.new("RGB", picture.size, _BACKGROUND)
        transparent = picture.convert("RGBA")
        solid.paste(transparent, mask=transparent)
        picture = solid
    rgb = picture.convert("RGB")
    return Pixels(rgb.width, rgb.height, rgb.tobytes())
