"""Sounds as they come in a request."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from engine.media.pictures import image_part, picture, text_part
from engine.media.recordings import audio_part, tone
from inferno.engine.conversation import Conversation
from inferno.engine.media.medium import MAX_SOUND_BYTES, Sound
from inferno.errors import InvalidArgument, InvalidAudio
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire import chat
from inferno.server.wire.decode import decode
from inferno.server.wire.media import MAX_MEDIA, media_in
from inferno.server.wire.responses.input import read_input
from inferno.server.wire.responses.items import ITEM_DECODER, InputSound, InputText, MessageItem
from inferno.server.wire.responses.prompt import messages_of
from inferno.server.wire.sounds import InputAudio, sound_of

WHERE = "messages[0].content[0].input_audio"


def conversation(*parts: dict[str, Any], role: str = "user") -> Conversation:
    body = msgspec.json.encode({"messages": [{"role": role, "content": list(parts)}]})
    return chat.conversation(decode(body, chat.DECODER), tenant="t")


def test_pictures_and_sounds_stand_where_their_parts_do() -> None:
    asked = conversation(text_part("a"), audio_part(tone()), text_part("b"), image_part(picture()))
    assert [part["type"] for part in asked.messages[0]["content"]] == ["text", "media", "text", "media"]
    assert next(iter(media_in(asked.messages))) == Sound(tone(), "messages[0].content[1].input_audio.data")


@pytest.mark.parametrize(
    ("data", "kind", "param", "said"),
    [
        ("", "mp3", f"{WHERE}.format", "'mp3'; this server takes wav"),
        ("", "WAV", f"{WHERE}.format", "'WAV'"),
        ("?", "wav", f"{WHERE}.data", "no base64"),
        ("A" * (MAX_SOUND_BYTES * 4 // 3 + 8), "wav", f"{WHERE}.data", "larger than the limit"),
    ],
)
def test_what_is_no_wav_is_refused(data: str, kind: str, param: str, said: str) -> None:
    with pytest.raises(InvalidAudio, match=said) as caught:
        sound_of(InputAudio(data=data, format=kind), WHERE)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("parts", "role"),
    [
        ([audio_part(tone())], "system"),
        ([audio_part(tone())], "assistant"),
        ([{"type": "input_audio"}], "user"),
        ([{"type": "input_audio", "input_audio": {"data": ""}}], "user"),
        ([{"type": "input_audio", "input_audio": {"data": "", "format": "wav", "loud": 1}}], "user"),
        ([audio_part(b"")] * (MAX_MEDIA + 1), "user"),
    ],
)
def test_senseless_parts_are_refused(parts: list[dict[str, Any]], role: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        conversation(*parts, role=role)
    assert str(caught.value.param).startswith("messages")


def test_items_with_sounds_are_kept_and_read_again() -> None:
    part = audio_part(tone())
    given = read_input([{"role": "user", "content": [{"type": "input_text", "text": "hear"}, part]}])
    [item] = given.items
    assert isinstance(item, MessageItem)
    stored = ITEM_DECODER.decode(msgspec.json.encode(item))
    assert stored.content == [InputText("hear"), InputSound(input_audio=InputAudio(**part["input_audio"]))]
    [message] = messages_of([stored], None)
    assert list(media_in([message])) == [Sound(base64.b64decode(part["input_audio"]["data"]), "input.data")]


@pytest.mark.parametrize(
    ("item", "refusal"),
    [
        ({"role": "user", "content": [{"type": "input_audio"}]}, InvalidArgument),
        ({"role": "user", "content": [audio_part(b"", "mp3")]}, InvalidAudio),
        ({"role": "system", "content": [audio_part(b"")]}, UnsupportedParameter),
    ],
)
def test_senseless_items_are_refused(item: dict[str, Any], refusal: type[InvalidArgument]) -> None:
    with pytest.raises(refusal) as caught:
        read_input([item])
    assert str(caught.value.param).startswith("input[0].content[0]")
