"""WAV files to samples. They come from clients: what the header claims is looked at before it is believed.

Read here and not with the standard library's ``wave``, which knows neither floating samples nor, before Python 3.12,
the extended header that most programs write for 24 bits.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from inferno.engine.media.medium import MAX_SOUND_BYTES, Sound
from inferno.errors import InvalidAudio

MAX_SECONDS = 300
"""``csrc/backends/media_encoder.h`` has this limit, and the next three, too."""
MIN_SECONDS = 0.1
RATES = (4_000, 192_000)
"""Samples of a channel in a second."""
MAX_CHANNELS = 2

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the format's number in an extended header."""
_FORMS = {(_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32)}
_TO_THE_END = 0xFFFFFFFF
"""What programs write as the size of samples that they did not know yet."""
_MAX_CHUNKS = 100


@dataclass(frozen=True, slots=True)
class Samples:
    rate: int
    channels: int
    bits: int
    floating: bool
    data: bytes
    """As they stand in the file: little-endian, the channels in turn."""


def decode(sound: Sound) -> Samples:
    """Raises InvalidAudio. Thread-safe."""
    try:
        return _samples(sound.data)
    except _Refused as refused:
        raise InvalidAudio(str(refused), param=sound.param) from None


class _Refused(Exception):
    pass


def _samples(file: bytes) -> Samples:
    if len(file) > MAX_SOUND_BYTES:
        raise _Refused(f"the sound's file has {len(file)} bytes; the limit is {MAX_SOUND_BYTES}")
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE":
        raise _Refused("the sound is no WAV file, which is what this server takes")
    header: bytes | None = None
    place = 12
    for _ in range(_MAX_CHUNKS):
        if place + 8 > len(file):
            break
        name, size = struct.unpack_from("<4sI", file, place)
        place += 8
        if name == b"data" and header is not None:
            return _checked(header, _body(file, place, min(size, len(file) - place) if size == _TO_THE_END else size))
        if name == b"fmt ":
            header = _body(file, place, size)
        place += size + size % 2
    raise _Refused("the sound's file has no samples ('fmt ', then 'data')")


def _body(file: bytes, place: int, size: int) -> bytes:
    if place + size > len(file):
        raise _Refused(f"the sound's file is cut off: {len(file) - place} bytes are left where it has {size}")
    return file[place : place + size]


def _checked(header: bytes, data: bytes) -> Samples:
    if len(header) < 16:
        raise _Refused(f"the sound's header has {len(header)} bytes; it must have 16 or more")
    form, channels, rate, _, moment, bits = struct.unpack_from("<HHIIHH", header)
    if form == _EXTENSIBLE and header[26:40] == _SUBFORMAT:
        form = int.from_bytes(header[24:26], "little")
    if (form, bits) not in _FORMS:
        raise _Refused(
            f"the sound's samples are of format {form:#06x} with {bits} bits; this server takes whole numbers (0x0001)"
            " of 16, 24 or 32 bits, and floating ones (0x0003) of 32"
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise _Refused(f"the sound has {channels} channels; it may have 1 to {MAX_CHANNELS}")
    if not RATES[0] <= rate <= RATES[1]:
        raise _Refused(f"the sound has {rate} samples in a second; it may have {RATES[0]} to {RATES[1]}")
    if moment != channels * bits // 8 or len(data) % moment:
        raise _Refused(f"the sound's {len(data)} bytes are not whole samples of {channels} channels with {bits} bits")
    seconds = len(data) / moment / rate
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise _Refused(f"the sound lasts {seconds:.3g} seconds; it may last {MIN_SECONDS} to {MAX_SECONDS}")
    return Samples(rate, channels, bits, form == _FLOAT, data)
