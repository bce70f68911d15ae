"""Clients at the lowest level: bytes over a socket, as they come, for what no HTTP library would do."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

SECONDS = 60
"""What a test waits for before it fails."""


@contextmanager
def opened(url: str, *, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """A connection on which nothing has been said yet."""
    address = urlsplit(url)
    with socket.socket() as client:
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(SECONDS)
        client.connect((address.hostname, address.port))
        yield client


def head(path: str, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n".encode()


def request(path: str, body: Mapping[str, Any], **headers: str) -> bytes:
    data = json.dumps(body).encode()
    return head(path, {"content-length": str(len(data)), **headers}) + data


def rest(client: socket.socket) -> bytes:
    """All that comes until the server closes. A connection that is reset is closed, too."""
    found = b""
    try:
        while data := client.recv(65536):
            found += data
    except ConnectionResetError:
        pass
    return found


def one_answer(client: socket.socket) -> bytes:
    """One answer with a content-length, of a connection that stays open."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += client.recv(65536)
    length = int(found.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body(found)) < length:
        found += client.recv(65536)
    return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body(answer: bytes) -> bytes:
    """Of an answer that was not sent in chunks."""
    return answer.partition(b"\r\n\r\n")[2]


def unchunked(answer: bytes) -> bytes:
    """The body of an answer in chunks, as far as it came."""
    left, found = answer.partition(b"\r\n\r\n")[2], b""
    while left:
        size, _, left = left.partition(b"\r\n")
        if not size or not left:
            break
        found += left[: int(size, 16)]
        left = left[int(size, 16) + 2 :]
    return found
