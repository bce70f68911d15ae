"""Pictures that messages name by URL, fetched from the hosts that the operator allows, and from nowhere else.

A name is resolved once, what it stands for is looked at, and the connection goes to that very address: no second answer
of the name's server can lead it elsewhere. Addresses that are not public are refused, unless the operator allowed the
address itself. Redirects are not followed, proxies of the environment are not used, and size and time are bounded.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any
from urllib.parse import SplitResult, urlsplit

from inferno.engine.client import ModelCard
from inferno.engine.conversation import Conversation
from inferno.engine.media.medium import MAX_IMAGE_BYTES, Image, Sound, no_images
from inferno.engine.request import Message
from inferno.errors import ConfigError, InvalidImage
from inferno.server.refusals import ImageUrlNotAllowed
from inferno.server.wire.images import RemoteImage
from inferno.server.wire.media import media_in

FETCH_SECONDS = 15.0
"""For one picture, from the name to the last byte."""
MAX_FETCHED_BYTES = 64 * 1024 * 1024
"""Of one request's pictures together."""

_PORTS = {"http": 80, "https": 443}


class RemoteImages:
    """Safe to use from any task."""

    def __init__(self, hosts: Sequence[str]) -> None:
        """``hosts``: HOST, for the scheme's own port, or HOST:PORT; a name is meant exactly, without its subdomains.

        Raises ConfigError where an entry is neither, and where there is nothing to fetch with.
        """
        self._hosts = frozenset(_entry(host) for host in hosts)
        if hosts and find_spec("httpx") is None:
            raise ConfigError("fetching images needs httpx: pip install 'inferno[vision]'", param="image_hosts")

    async def fetched(self, conversation: Conversation, card: ModelCard) -> Conversation:
        """The conversation with all of its pictures here.

        Raises ImagesUnsupported if there are any and the model takes none, ImageUrlNotAllowed, and InvalidImage for
        what cannot be had.
        """
        pictures = [medium for medium in media_in(conversation.messages) if not isinstance(medium, Sound)]
        if pictures and not card.takes_pictures:
            raise no_images(pictures[0].param, card.abilities)
        remote = [picture for picture in pictures if isinstance(picture, RemoteImage)]
        if not remote:
            return conversation
        places = [self._allowed(picture) for picture in remote]  # all, before the first is asked
        found: dict[RemoteImage, Image] = {}
        left = MAX_FETCHED_BYTES
        for picture, place in zip(remote, places, strict=True):
            data = await _fetch(picture, place, min(left, MAX_IMAGE_BYTES))
            left -= len(data)
            found[picture] = Image(data, picture.param)
        return replace(conversation, messages=[_filled(message, found) for message in conversation.messages])

    def _allowed(self, picture: RemoteImage) -> SplitResult:
        if not self._hosts:
            raise ImageUrlNotAllowed(
                "this server fetches no pictures; send them as data URLs ('data:image/png;base64,...')",
                param=picture.param,
            )
        try:
            url = urlsplit(picture.url)
            port = url.port or _PORTS[url.scheme]
        except ValueError:
            raise InvalidImage(f"'{picture.param}.url' is no URL", param=picture.param) from None
        if url.username is not None or url.password is not None:
            raise InvalidImage(f"'{picture.param}.url' holds a user name; leave it out", param=picture.param)
        host = (url.hostname or "").rstrip(".")
        if (host, port) in self._hosts or ((host, None) in self._hosts and port == _PORTS[url.scheme]):
            return url
        raise ImageUrlNotAllowed(
            f"this server fetches no pictures from {host[:100]!r}, port {port}; send them as data URLs",
            param=picture.param,
        )


def _entry(text: str) -> tuple[str, int | None]:
    try:
        split = urlsplit(f"//{text.strip()}")
        host, port = (split.hostname or "").rstrip("."), split.port
    except ValueError:
        host, port, split = "", None, urlsplit("")
    if not host or split.path or split.query or split.fragment or "@" in text or "*" in text:
        raise ConfigError(f"image_hosts names {text!r}; expected HOST or HOST:PORT", param="image_hosts")
    return host, port


def _filled(message: Message, found: dict[RemoteImage, Image]) -> Message:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_filled_part(part, found) for part in content]}


def _filled_part(part: dict[str, Any], found: dict[RemoteImage, Image]) -> dict[str, Any]:
    picture = part.get("media")
    return {**part, "media": found[picture]} if isinstance(picture, RemoteImage) else part


async def _fetch(picture: RemoteImage, url: SplitResult, limit: int) -> bytes:
    try:
        return await asyncio.wait_for(_get(picture, url, limit), FETCH_SECONDS)
    except asyncio.TimeoutError:
        raise InvalidImage(
            f"'{picture.param}.url' did not give a picture within {FETCH_SECONDS:g} seconds", param=picture.param
        ) from None


async def _get(picture: RemoteImage, url: SplitResult, limit: int) -> bytes:
    import httpx

    host = url.hostname or ""
    address = await _address_of(picture, host, url.port or _PORTS[url.scheme])
    pinned = httpx.URL(picture.url).copy_with(host=address, fragment=None)
    try:
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=FETCH_SECONDS) as client:
            headers = {"host": url.netloc, "accept": "image/*", "accept-encoding": "identity"}
            request = client.build_request("GET", pinned, headers=headers, extensions={"sni_hostname": host})
            answer = await client.send(request, stream=True)
            try:
                return await _body(picture, answer, limit)
            finally:
                await answer.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InvalidImage(
            f"'{picture.param}.url' cannot be fetched ({type(error).__name__})", param=picture.param
        ) from None


async def _body(picture: RemoteImage, answer: Any, limit: int) -> bytes:
    if answer.status_code != 200:
        raise InvalidImage(
            f"'{picture.param}.url' answered with status {answer.status_code}; only 200 gives a picture, and redirects"
            " are not followed",
            param=picture.param,
        )
    data = bytearray()
    async for piece in answer.aiter_raw():  # what a compressed answer would grow to is not found out
        data += piece
        if len(data) > limit:
            raise InvalidImage(f"'{picture.param}.url' gives more than {limit} bytes", param=picture.param)
    return bytes(data)


async def _address_of(picture: RemoteImage, host: str, port: int) -> str:
    """Where to connect to. An address stands for itself: the operator has allowed it by name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise InvalidImage(f"'{picture.param}.url' names a host that is not known", param=picture.param) from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not _is_public(address):
            raise ImageUrlNotAllowed(
                f"'{picture.param}.url' names a host inside of a private network; nothing is fetched from there",
                param=picture.param,
            )
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    inner = mapped or address
    return inner.is_global and not inner.is_multicast
