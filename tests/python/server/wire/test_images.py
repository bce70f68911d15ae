"""Pictures as they come in a request."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from engine.media.pictures import data_url, image_part, picture, text_part
from inferno.engine.media.medium import MAX_IMAGE_BYTES, Image
from inferno.errors import InvalidArgument, InvalidImage
from inferno.server.wire import chat
from inferno.server.wire.decode import decode
from inferno.server.wire.images import ImageUrl, RemoteImage, image_of
from inferno.server.wire.media import MAX_MEDIA, media_in

WHERE = "messages[0].content[0].image_url"


def conversation(*parts: dict[str, Any], role: str = "user") -> Any:
    import msgspec

    body = msgspec.json.encode({"messages": [{"role": role, "content": list(parts)}]})
    ask = decode(body, chat.DECODER)
    return ask, chat.conversation(ask, tenant="t")


@pytest.mark.parametrize("kind", ["png", "jpeg", "jpg", "webp", "gif", "PNG"])
def test_a_data_url_is_its_bytes(kind: str) -> None:
    file = picture()
    assert image_of(ImageUrl(url=data_url(file, kind)), WHERE) == Image(file, WHERE)


def test_parts_keep_their_order() -> None:
    file = picture()
    _, asked = conversation(text_part("a"), image_part(file), text_part("b"))
    content = asked.messages[0]["content"]
    assert [part["type"] for part in content] == ["text", "media", "text"]
    assert [image.param for image in media_in(asked.messages)] == ["messages[0].content[1].image_url"]
    assert asked.tenant == "t"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data:",
        "data:image/png,xx",
        "data:image/png;base64",
        "data:image/svg+xml;base64,AAAA",
        "data:text/html;base64,AAAA",
        "data:image/png;charset=x;base64,AAAA",
        "data:image/png;base64,###",
        "data:image/png;base64,AAA",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "javascript:alert(1)",
        "/a.png",
        "http" + "s" * 5 + "://example.com/a.png",
        "https://example.com/" + "a" * 3000,
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidImage) as caught:
        image_of(ImageUrl(url=url), WHERE)
    assert caught.value.param == WHERE
    assert len(caught.value.message) < 400


def test_a_file_beyond_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InvalidImage, match=str(MAX_IMAGE_BYTES)):
        image_of(ImageUrl(url="data:image/png;base64," + "#" * (MAX_IMAGE_BYTES * 4 // 3 + 5)), WHERE)
    whole = base64.b64encode(bytes(MAX_IMAGE_BYTES)).decode()
    assert isinstance(image_of(ImageUrl(url=f"data:image/png;base64,{whole}"), WHERE), Image)


def test_addresses_wait_to_be_fetched() -> None:
    assert image_of(ImageUrl(url="https://example.com/a.png"), WHERE) == RemoteImage("https://example.com/a.png", WHERE)


def test_too_many_are_refused() -> None:
    parts = [image_part(picture())] * MAX_MEDIA
    conversation(*parts)
    with pytest.raises(InvalidArgument, match=f"at most {MAX_MEDIA}"):
        conversation(*parts, image_part(picture()))


@pytest.mark.parametrize("role", ["system", "developer", "assistant"])
def test_only_users_show_pictures(role: str) -> None:
    with pytest.raises(InvalidArgument, match="role user"):
        conversation(image_part(picture()), role=role)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url"},
        {"type": "image_url", "image_url": "https://example.com/a.png"},
        {"type": "image_url", "image_url": {}},
        {"type": "image_url", "image_url": {"url": 3}},
        {"type": "image_url", "image_url": {"url": "data:,", "detail": "most"}},
        {"type": "image_url", "image_url": {"url": "data:,", "size": 3}},
    ],
)
def test_parts_that_are_no_pictures_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        conversation(part)


def test_detail_is_accepted_and_said_to_have_no_effect() -> None:
    for detail, unused in (("auto", ()), ("high", ("messages.image_url.detail",)), (None, ())):
        ask, _ = conversation(image_part(picture(), detail=detail))
        assert ask.unused == unused
