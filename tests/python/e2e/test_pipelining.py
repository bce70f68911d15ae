"""Requests sent one behind the other on one connection, by clients that then leave, or never stop sending."""

from __future__ import annotations

from contextlib import suppress

import pytest

from e2e.endless import ENDLESS, PATH, cancelled, serving
from e2e.process import Server, eventually
from e2e.raw import opened, request, rest

pytestmark = pytest.mark.e2e

NEXT = {
    "a request": request(PATH, {"prompt": "y", "max_tokens": 3}),
    "several": request(PATH, {"prompt": "y", "max_tokens": 3}) * 20,
    "a large one": request(PATH, {"prompt": "y" * 200_000}),
    "half of one": request(PATH, ENDLESS)[:-9],
    "no request": b"no request at all\r\n\r\n",
}


server = pytest.fixture(scope="module")(serving)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("behind", NEXT)
def test_who_leaves_frees_what_is_being_answered(server: Server, behind: str, stream: bool) -> None:
    before = cancelled(server)
    with opened(server.url) as client:
        client.sendall(request(PATH, {**ENDLESS, "stream": stream}))
        eventually(lambda: server.metric("inferno_requests_running") == 1)
        client.sendall(NEXT[behind])
    eventually(lambda: cancelled(server) == before + 1)
    eventually(lambda: server.metric("inferno_requests_running") == 0)
    assert server.metric("inferno_kv_cache_leases") == 0


def test_requests_without_end_behind_one_that_is_answered_are_cut_off(server: Server) -> None:
    before = cancelled(server)
    with opened(server.url) as client:
        client.sendall(request(PATH, ENDLESS))
        eventually(lambda: server.metric("inferno_requests_running") == 1)
        with suppress(BrokenPipeError, ConnectionResetError):  # it may be cut off before all of it is sent
            client.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n" * 1000)
        assert rest(client) == b"", "and not an answer in the middle of another's"
    eventually(lambda: cancelled(server) == before + 1)


def test_as_many_as_are_allowed_are_answered(server: Server) -> None:
    with opened(server.url) as client:
        client.sendall(request(PATH, {"prompt": "x", "max_tokens": 3}) * 64 + request(PATH, {}, connection="close"))
        assert rest(client).count(b"HTTP/1.1 ") == 65
