"""Image files made here, for tests."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from typing import Any

import PIL.Image

Color = tuple[int, int, int]
RED: Color = (255, 0, 0)
BLUE: Color = (0, 0, 255)


def picture(color: Color = RED, kind: str = "PNG", size: tuple[int, int] = (24, 24), **options: Any) -> bytes:
    """A file of one colour."""
    return saved(PIL.Image.new("RGB", size, color), kind, **options)


def saved(image: PIL.Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width: int, height: int, rows: int = 1) -> bytes:
    """A PNG of some bytes that claims to be so large, and has the data of ``rows`` rows."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(rows * (1 + 3 * width)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def data_url(file: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def image_part(file: bytes, kind: str = "png", **fields: Any) -> dict[str, Any]:
    """Of a message's content."""
    return {"type": "image_url", "image_url": {"url": data_url(file, kind), **fields}}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
