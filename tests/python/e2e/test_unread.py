"""Clients that ask and do not read: what stands there for them is bounded in size and in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from e2e.process import Server, eventually, running
from e2e.raw import opened, request, rest

pytestmark = pytest.mark.e2e

PATH = "/v1/completions"
PATIENCE = 1.0
LONG = {
    "prompt": "x",
    "max_tokens": 15_000,
    "n": 4,
    "logprobs": 3,
    "temperature": 0,
    "ignore_eos": True,
    "stream": True,
    "stream_options": {"include_usage": True},
}
"""More than the buffers between here and there hold."""
DOCUMENT = b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("fake:", "--context", "20000", "--kv-tokens", "200000", "--send-timeout", str(PATIENCE)) as server:
        yield server
        assert server.stop() == 0


def cancelled(server: Server) -> float:
    """Requests that ended so. There is no such line before the first."""
    try:
        return server.metric("inferno_requests_total", 'outcome="cancelled"')
    except LookupError:
        return 0


def is_cut_off(client: socket.socket) -> bool:
    """Nothing was read: the end can be told by sending alone."""
    try:
        client.send(b"\r\n")
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def test_who_never_reads_is_disconnected_and_counted_and_others_go_on(server: Server) -> None:
    before = cancelled(server)
    with opened(server.url, receive_buffer=4096) as client:
        client.sendall(request(PATH, LONG))
        eventually(lambda: cancelled(server) == before + 1)
        with server.client() as http:
            assert http.post(PATH, json={"prompt": "x", "max_tokens": 2}).status_code == 200
        assert is_cut_off(client)
    eventually(lambda: server.metric("inferno_kv_cache_leases") == 0)


def test_who_only_asks_is_disconnected_too(server: Server) -> None:
    """Each answer ends, as far as the server is concerned, and each request would begin its time anew."""
    with opened(server.url, receive_buffer=4096) as client, pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(100):
            client.sendall(DOCUMENT * 20)
            time.sleep(PATIENCE / 2)


def test_who_reads_slowly_gets_all_of_it(server: Server) -> None:
    """No pause is as long as it may be, and all of them are several times as long."""
    with opened(server.url, receive_buffer=4096) as client:
        client.sendall(request(PATH, LONG, connection="close"))
        found = b""
        for _ in range(12):
            time.sleep(PATIENCE / 4)
            found += client.recv(500_000)
        found += rest(client)
    assert b"data: [DONE]" in found
    assert b'"completion_tokens":60000' in found
