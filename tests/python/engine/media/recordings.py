"""WAV files made here, for tests."""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np

RATE = 16_000


def tone(hertz: float = 200, seconds: float = 1, *, rate: int = RATE, bits: int = 16, floating: bool = False) -> bytes:
    """A file of one channel with a tone."""
    data = samples(hertz, seconds, rate=rate, bits=bits, floating=floating)
    return wav(data, rate=rate, bits=bits, floating=floating)


def samples(hertz: float, seconds: float, *, rate: int = RATE, bits: int = 16, floating: bool = False) -> bytes:
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    if floating:
        return wave.astype("<f4").tobytes()
    whole = np.round(wave * 2 ** (bits - 1)).astype("<i4").tobytes()
    return b"".join(whole[place : place + bits // 8] for place in range(0, len(whole), 4))


def wav(
    data: bytes,
    *,
    rate: int = RATE,
    channels: int = 1,
    bits: int = 16,
    floating: bool = False,
    extensible: bool = False,
    claimed: int | None = None,
    before: bytes = b"",
) -> bytes:
    """A file with these samples; its header says ``claimed`` for their bytes. ``before`` stands before the header."""
    form = 3 if floating else 1
    moment = channels * bits // 8
    header = struct.pack("<HHIIHH", 0xFFFE if extensible else form, channels, rate, rate * moment, moment, bits)
    if extensible:
        header += struct.pack("<HHIH", 22, bits, 0, form) + bytes.fromhex("000000001000800000aa00389b71")
    size = len(data) if claimed is None else claimed
    body = before + chunk(b"fmt ", header) + struct.pack("<4sI", b"data", size) + data
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", name, len(data)) + data + bytes(len(data) % 2)


def audio_part(file: bytes, kind: str = "wav") -> dict[str, Any]:
    """Of a message's content."""
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(file).decode(), "format": kind}}
