"""Pictures and sounds on their way to the encoder: once each, in turn, and given up when nobody waits."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

from engine.media.pictures import BLUE, RED, picture
from engine.media.recordings import tone
from inferno.engine.media import reader as module
from inferno.engine.media.medium import Image, Sound
from inferno.engine.media.reader import MAX_WAITING, MediaReader
from inferno.errors import AudioUnsupported, ImagesUnsupported, InvalidImage, QueueFull, Unsupported
from server.harness import until


class Rows:
    nbytes = 100


class Model:
    """Counts what it encodes; ``gate`` holds it back."""

    def __init__(self) -> None:
        self.encoded: list[bytes] = []
        self.gate = threading.Event()
        self.gate.set()

    def encode_picture(self, width: int, height: int, rgb: bytes) -> list[Any]:
        self.encoded.append(rgb[:3])
        assert self.gate.wait(30)
        return [[7], Rows()]

    def encode_sound(self, rate: int, channels: int, bits: int, floating: bool, samples: bytes) -> list[Any]:
        self.encoded.append(samples)
        return [Rows()]


def reader_of(model: Model, *abilities: str) -> MediaReader:
    return MediaReader(model, abilities or ("vision", "audio"))  # type: ignore[arg-type]


def shade(number: int) -> Image:
    return Image(picture((number, 0, 0)))


async def test_the_same_picture_of_a_tenant_is_encoded_once() -> None:
    model = Model()
    reader = reader_of(model)
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
    reader = reader_of(model)
    busy = [asyncio.ensure_future(reader.pieces(shade(number), "busy")) for number in range(1, 6)]
    await until(lambda: model.encoded)
    other = asyncio.ensure_future(reader.pieces(shade(99), "other"))
    await asyncio.sleep(0)  # it stands in line
    model.gate.set()
    await asyncio.gather(other, *busy)
    assert [rgb[0] for rgb in model.encoded].index(99) == 1, "behind the one that was running"
    reader.close()


async def test_too_many_that_wait_are_refused_and_others_tenants_are_not() -> None:
    model = Model()
    model.gate.clear()
    reader = reader_of(model)
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
    reader = reader_of(model)
    first = asyncio.ensure_future(reader.pieces(shade(1), "one"))
    second = asyncio.ensure_future(reader.pieces(shade(2), "one"))
    await until(lambda: model.encoded)
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
    monkeypatch.setattr(module, "pixels_of", lambda _: release.wait(30))
    reader = reader_of(Model())
    with pytest.raises(InvalidImage, match="seconds to decode"):
        await reader.pieces(shade(1), "one")
    release.set()
    reader.close()


async def test_what_cannot_be_decoded_leaves_the_line_free() -> None:
    reader = reader_of(Model())
    for _ in range(MAX_WAITING + 1):
        with pytest.raises(InvalidImage):
            await reader.pieces(Image(b"nothing"), "one")
    reader.close()


async def test_a_model_of_text_says_so() -> None:
    reader = reader_of(Model(), "complete")
    with pytest.raises(ImagesUnsupported, match="takes text alone"):
        await reader.pieces(shade(1), "one")
    with pytest.raises(AudioUnsupported, match="takes text alone"):
        await reader.pieces(Sound(tone()), "one")
    reader.close()


async def test_a_model_of_the_other_medium_says_which_it_takes() -> None:
    hears, sees = reader_of(Model(), "audio"), reader_of(Model(), "vision")
    with pytest.raises(ImagesUnsupported, match="takes text and sounds"):
        await hears.pieces(shade(1), "one")
    with pytest.raises(AudioUnsupported, match="takes text and pictures"):
        await sees.pieces(Sound(tone()), "one")
    hears.close()
    sees.close()


async def test_the_same_sound_of_a_tenant_is_encoded_once() -> None:
    model = Model()
    reader = reader_of(model)
    first = await reader.pieces(Sound(tone()), "one")
    assert await reader.pieces(Sound(tone()), "one") is first
    assert await reader.pieces(Sound(tone(300)), "one") is not first
    assert await reader.pieces(Sound(tone()), "two") is not first, "another tenant's"
    assert len(model.encoded) == 3
    with pytest.raises(InvalidImage):
        await reader.pieces(Image(tone()), "one")  # the bytes are known, but not as a picture
    reader.close()


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "PIL" or name.startswith("PIL.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match=r"inferno\[vision\]"):
        reader_of(Model())
    reader_of(Model(), "audio").close()
