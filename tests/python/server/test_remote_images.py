"""Pictures by URL: from allowed hosts alone, at the address that was looked at, within bounds. Hosts are stubs here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.media.pictures import picture
from inferno.engine.client import ModelCard
from inferno.engine.conversation import Conversation
from inferno.engine.media.medium import MAX_IMAGE_BYTES, Image
from inferno.errors import ConfigError, ImagesUnsupported, InvalidImage
from inferno.server import remote_images as module
from inferno.server.refusals import ImageUrlNotAllowed
from inferno.server.remote_images import RemoteImages
from inferno.server.wire.images import RemoteImage
from inferno.server.wire.media import media_in
from server.fake_client import FakeClient

FILE = picture()


@dataclass
class Host:
    """Answers every request with ``answer``, and notes what was asked."""

    answer: bytes
    port: int = 0
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answer)
        try:
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


def ok(body: bytes = FILE, *, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{headers}\r\n".encode() + body


@asynccontextmanager
async def host(answer: bytes) -> AsyncIterator[Host]:
    stub = Host(answer)
    async with await asyncio.start_server(stub.serve, "127.0.0.1", 0) as server:
        stub.port = server.sockets[0].getsockname()[1]
        yield stub


def about(*urls: str) -> Conversation:
    parts = [{"type": "media", "media": RemoteImage(url, f"images[{i}]")} for i, url in enumerate(urls)]
    return Conversation([{"role": "user", "content": [{"type": "text", "text": "see "}, *parts]}])


def card(*, takes_pictures: bool = True) -> ModelCard:
    from dataclasses import replace

    return replace(FakeClient().card, abilities=("complete", "vision") if takes_pictures else ("complete",))


async def fetched(images: RemoteImages, *urls: str) -> list[Any]:
    return list(media_in((await images.fetched(about(*urls), card())).messages))


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """``resolving(name=addresses)``: what names stand for; returns the list of names that are asked for."""

    def install(**known: list[str]) -> list[str]:
        asked: list[str] = []
        real = asyncio.BaseEventLoop.getaddrinfo

        async def getaddrinfo(self: Any, name: str, port: int, **options: Any) -> list[Any]:
            if name.replace(".", "_") not in known:
                return await real(self, name, port, **options)
            asked.append(name)
            addresses = known[name.replace(".", "_")]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        return asked

    return install


async def test_off_by_default_and_nobody_is_asked() -> None:
    async with host(ok()) as stub:
        with pytest.raises(ImageUrlNotAllowed, match="data URLs"):
            await fetched(RemoteImages(()), f"http://127.0.0.1:{stub.port}/a.png")
        assert stub.asked == []


async def test_from_an_allowed_host_it_comes() -> None:
    async with host(ok()) as stub:
        images = RemoteImages((f"127.0.0.1:{stub.port}",))
        [found] = await fetched(images, f"http://127.0.0.1:{stub.port}/a/b.png?c=d#e")
        assert found == Image(FILE, "images[0]")
        [request] = stub.asked
        assert request.startswith("GET /a/b.png?c=d HTTP/1.1\r\n")
        assert f"host: 127.0.0.1:{stub.port}\r\n" in request.lower()
        assert "cookie" not in request.lower()
        assert "authorization" not in request.lower()


async def test_the_address_that_was_looked_at_is_the_one_that_is_asked(
    resolving: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name whose second answer would be another address is not asked a second time."""
    asked = resolving(pictures_test=["127.0.0.1"])
    monkeypatch.setattr(module, "_is_public", lambda _: True)
    async with host(ok()) as stub:
        images = RemoteImages((f"pictures.test:{stub.port}",))
        [found] = await fetched(images, f"http://Pictures.test:{stub.port}/a.png")
        assert found.data == FILE
        assert asked == ["pictures.test"]
        assert f"host: pictures.test:{stub.port}\r\n" in stub.asked[0].lower()


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["192.168.3.4"],
        ["172.16.0.1"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["224.0.0.1"],
        ["::1"],
        ["fc00::1"],
        ["fe80::1%eth0"],
        ["::ffff:10.0.0.1"],
        ["93.184.215.14", "10.0.0.1"],
    ],
)
async def test_names_of_private_addresses_are_refused(
    resolving: Callable[..., list[str]], addresses: list[str]
) -> None:
    resolving(inner_test=addresses)
    async with host(ok()) as stub:
        images = RemoteImages((f"inner.test:{stub.port}",))
        with pytest.raises(ImageUrlNotAllowed, match="private network"):
            await fetched(images, f"http://inner.test:{stub.port}/a.png")
        assert stub.asked == []


async def test_other_hosts_and_ports_are_refused_before_any_is_asked() -> None:
    async with host(ok()) as stub:
        images = RemoteImages((f"127.0.0.1:{stub.port}", "pictures.test"))
        good = f"http://127.0.0.1:{stub.port}/a.png"
        for bad in (
            "http://elsewhere.test/a.png",
            "http://pictures.test:8080/a.png",
            "http://sub.pictures.test/a.png",
            "http://pictures.test.evil.test/a.png",
            f"http://localhost:{stub.port}/a.png",
            f"http://127.1:{stub.port}/a.png",
            "http://[::1]/a.png",
            "http://",
        ):
            with pytest.raises(ImageUrlNotAllowed):
                await fetched(images, good, bad)
        for bad in (
            f"http://user:word@127.0.0.1:{stub.port}/a.png",
            f"http://127.0.0.1:{stub.port}@evil.test/a.png",
            "http://pictures.test:99999/a.png",
            "http://[::1/a.png",
        ):
            with pytest.raises((InvalidImage, ImageUrlNotAllowed)):
                await fetched(images, good, bad)
        assert stub.asked == []


async def test_redirects_are_not_followed() -> None:
    async with host(ok()) as target:
        moved = ok(b"", status="302 Found", headers=f"location: http://127.0.0.1:{target.port}/\r\n")
        async with host(moved) as stub:
            images = RemoteImages((f"127.0.0.1:{stub.port}", f"127.0.0.1:{target.port}"))
            with pytest.raises(InvalidImage, match="302"):
                await fetched(images, f"http://127.0.0.1:{stub.port}/a.png")
            assert target.asked == []


@pytest.mark.parametrize("answer", [ok(status="404 Not Found"), b"nonsense\r\n\r\n", b""])
async def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    async with host(answer) as stub:
        with pytest.raises(InvalidImage) as caught:
            await fetched(RemoteImages((f"127.0.0.1:{stub.port}",)), f"http://127.0.0.1:{stub.port}/a.png")
        assert caught.value.param == "images[0]"


async def test_what_never_ends_is_cut_off() -> None:
    endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + bytes(MAX_IMAGE_BYTES + 1)
    async with host(endless) as stub:
        with pytest.raises(InvalidImage, match=str(MAX_IMAGE_BYTES)):
            await fetched(RemoteImages((f"127.0.0.1:{stub.port}",)), f"http://127.0.0.1:{stub.port}/a.png")


async def test_of_all_together_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FETCHED_BYTES", 2 * len(FILE) + 1)
    async with host(ok()) as stub:
        url = f"http://127.0.0.1:{stub.port}/a.png"
        images = RemoteImages((f"127.0.0.1:{stub.port}",))
        assert len(await fetched(images, f"{url}?1", f"{url}?2")) == 2
        with pytest.raises(InvalidImage):
            await fetched(images, f"{url}?1", f"{url}?2", f"{url}?3")


async def test_what_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.05)
    async with host(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n") as stub:
        quiet = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            quiet.set()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(InvalidImage):
                await fetched(RemoteImages((f"127.0.0.1:{port}",)), f"http://127.0.0.1:{port}/a.png")
            await asyncio.wait_for(quiet.wait(), 30)  # the connection is closed, too
        assert stub.asked == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with host(ok(b"proxied")) as proxy, host(ok()) as stub:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        images = RemoteImages((f"127.0.0.1:{stub.port}",))
        [found] = await fetched(images, f"http://127.0.0.1:{stub.port}/a.png")
        assert found.data == FILE
        assert proxy.asked == []


async def test_for_a_model_of_text_nobody_is_asked() -> None:
    async with host(ok()) as stub:
        images = RemoteImages((f"127.0.0.1:{stub.port}",))
        with pytest.raises(ImagesUnsupported):
            await images.fetched(about(f"http://127.0.0.1:{stub.port}/a.png"), card(takes_pictures=False))
        assert stub.asked == []


async def test_a_conversation_without_addresses_stays_as_it_is() -> None:
    asked = Conversation([{"role": "user", "content": "hi"}])
    assert await RemoteImages(()).fetched(asked, card(takes_pictures=False)) is asked


@pytest.mark.parametrize(
    "entry", ["", "*", "*.example.com", "http://example.com", "example.com/a", "a@b", "a:b", "a:99999"]
)
def test_entries_that_are_no_hosts_are_refused(entry: str) -> None:
    with pytest.raises(ConfigError):
        RemoteImages((entry,))


def test_without_httpx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    RemoteImages(())
    with pytest.raises(ConfigError, match=r"inferno\[vision\]"):
        RemoteImages(("example.com",))
