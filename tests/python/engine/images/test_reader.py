"""Pictures on their way to the encoder: once each, in turn, and given up when nobody waits."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

from engine.images.pictures import BLUE, RED, picture
from inferno.engine.images import reader as module
from inferno.engine.images.image import Image
from inferno.engine.images.reader import MAX_WAITING, ImageReader
from inferno.errors import ImagesUnsupported, InvalidImage, QueueFull, Unsupported


class Rows:
    nbytes = 100


class Model:
    """Counts what it encodes; ``gate`` holds it back."""

    def __init__(self, image_width: int = 4) -> None:
        self.capabilities = {"image_width": image_width}
        self.encoded: list[bytes] = []
        self.gate = threading.Event()
        self.gate.set()

    def encode_image(self, width: int, height: int, rgb: bytes) -> list[Any]:
        self.encoded.append(rgb[:3])
        assert self.gate.wait(30)
        return [[7], Rows()]


def shade(number: int) -> Image:
    return Image(picture((number, 0, 0)))


async def test_the_same_picture_of_a_tenant_is_encoded_once() -> None:
    model = Model()
    reader = ImageReader(model)  # type: ignore[arg-type]
    together = await asyncio.gather(*(reader.pieces(Image(picture(RED)), "one") for _ in range(5)))
    assert len(model.encoded) == 1
    assert all(pieces is together[0] for pieces in together)
    assert await reader.pieces(Image(picture(BLUE)), "one") is not together[0]
    assert await reader.pieces(Image(picture(RED)), "two") is not together[0], "another tenant's"
    assert len(model.encoded) == 3
    reader.close()


async def test_tenants_take_turns() -> None:
    model = Model()
    model.gate.clear()
    reader = ImageReader(model)  # type: ignore[arg-type]
    busy = [asyncio.ensure_future(reader.pieces(shade(number), "busy")) for number in range(1, 6)]
    await asyncio.sleep(0.05)
    other = asyncio.ensure_future(reader.pieces(shade(99), "other"))
    await asyncio.sleep(0.05)
    model.gate.set()
    await asyncio.gather(other, *busy)
    assert [rgb[0] for rgb in model.encoded].index(99) == 1, "behind the one that was running"
    reader.close()


async def test_too_many_that_wait_are_refused_and_others_tenants_are_not() -> None:
    model = Model()
    model.gate.clear()
    reader = ImageReader(model)  # type: ignore[arg-type]
    waiting = [asyncio.ensure_future(reader.pieces(shade(number), "one")) for number in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await reader.pieces(shade(200), "one")
    other = asyncio.ensure_future(reader.pieces(shade(201), "two"))
    model.gate.set()
    await asyncio.gather(other, *waiting)
    await reader.pieces(shade(200), "one")
    reader.close()


async def test_what_nobody_waits_for_any_more_is_not_encoded() -> None:
    model = Model()
    model.gate.clear()
    reader = ImageReader(model)  # type: ignore[arg-type]
    first = asyncio.ensure_future(reader.pieces(shade(1), "one"))
    second = asyncio.ensure_future(reader.pieces(shade(2), "one"))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    model.gate.set()
    await first
    await reader.pieces(shade(3), "one")
    assert [rgb[0] for rgb in model.encoded] == [1, 3]
    reader.close()


async def test_a_picture_that_takes_too_long_to_decode_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(module, "DECODING_SECONDS", 0.01)
    monkeypatch.setattr(module, "decode", lambda _: release.wait(30))
    reader = ImageReader(Model())  # type: ignore[arg-type]
    with pytest.raises(InvalidImage, match="seconds to decode"):
        await reader.pieces(shade(1), "one")
    release.set()
    reader.close()


async def test_what_cannot_be_decoded_leaves_the_line_free() -> None:
    reader = ImageReader(Model())  # type: ignore[arg-type]
    for _ in range(MAX_WAITING + 1):
        with pytest.raises(InvalidImage):
            await reader.pieces(Image(b"nothing"), "one")
    reader.close()


async def test_a_model_of_text_says_so() -> None:
    reader = ImageReader(Model(image_width=0))  # type: ignore[arg-type]
    with pytest.raises(ImagesUnsupported):
        await reader.pieces(shade(1), "one")
    reader.close()


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "PIL" or name.startswith("PIL.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match=r"inferno\[vision\]"):
        ImageReader(Model())  # type: ignore[arg-type]
    ImageReader(Model(image_width=0)).close()  # type: ignore[arg-type]
