"""WAV files: what is in them, and what no server should believe."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media.recordings import chunk, samples, tone, wav
from inferno.engine.media.medium import MAX_SOUND_BYTES, Sound
from inferno.engine.media.samples import MAX_SECONDS, Samples, decode
from inferno.errors import InvalidAudio

SECOND = samples(200, 1)


def read(file: bytes) -> Samples:
    return decode(Sound(file, "here"))


@pytest.mark.parametrize(
    ("bits", "floating", "extensible"),
    [*((bits, False, False) for bits in (16, 24, 32)), (24, False, True), (32, True, False), (32, True, True)],
)
def test_every_form_of_sample_is_told(bits: int, floating: bool, extensible: bool) -> None:
    data = samples(200, 0.5, rate=48_000, bits=bits, floating=floating)
    found = read(wav(data, rate=48_000, bits=bits, floating=floating, extensible=extensible))
    assert found == Samples(48_000, 1, bits, floating, data)


def test_other_chunks_are_passed_over() -> None:
    file = wav(SECOND, before=chunk(b"LIST", b"odd") + chunk(b"junk", bytes(40)))
    assert read(file + chunk(b"LIST", b"behind")).data == SECOND


def test_samples_of_unknown_length_go_to_the_end() -> None:
    assert read(wav(SECOND, claimed=0xFFFFFFFF)).data == SECOND


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "no WAV file"),
        (b"ID3\x04" + bytes(100), "no WAV file"),
        (b"RIFF\0\0\0\0WAVE", "no samples"),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"data", SECOND), "no samples"),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", bytes(8)) + chunk(b"data", SECOND), "header has 8 bytes"),
        (b"RIFF\0\0\0\0WAVE" + struct.pack("<4sI", b"fmt ", 1 << 31), "cut off"),
        (tone()[:-100], "cut off: 31900 bytes are left where it has 32000"),
        (wav(SECOND, claimed=0xFFFFFFFE), "cut off"),
        (wav(SECOND, bits=8), "0x0001 with 8 bits"),
        (wav(samples(200, 1), bits=64, floating=True), "0x0003 with 64 bits"),
        (wav(bytes(6000), channels=3), "3 channels"),
        (wav(bytes(6000), channels=0), "0 channels"),
        (wav(SECOND, rate=1), "1 samples in a second"),
        (wav(SECOND, rate=0xFFFF_FFF0 // 2), "samples in a second"),
        (wav(SECOND[:-1]), "not whole samples"),
        (wav(SECOND[:3000]), "lasts 0.0938 seconds"),
        (wav(b""), "lasts 0 seconds"),
        (wav(bytes(2 * 4000 * MAX_SECONDS + 2), rate=4000), "lasts 300 seconds"),
        (bytes(MAX_SOUND_BYTES + 1), "the limit is"),
        (wav(SECOND, before=chunk(b"junk", b"") * 200), "no samples"),
    ],
)
def test_what_is_no_sound_is_refused(file: bytes, said: str) -> None:
    with pytest.raises(InvalidAudio, match=said) as caught:
        read(file)
    assert caught.value.param == "here"


@given(st.binary(max_size=200), st.integers(0, 60))
def test_damage_is_refused_or_read_and_nothing_else(noise: bytes, place: int) -> None:
    file = bytearray(wav(samples(200, 0.2)))
    file[place : place + len(noise)] = noise
    try:
        found = read(bytes(file))
    except InvalidAudio:
        return
    assert found.channels in (1, 2)
    assert len(found.data) % (found.channels * found.bits // 8) == 0
