"""Sockets of which one half is closed."""

from __future__ import annotations

import socket

import pytest

from e2e.endless import ENDLESS, PATH, cancelled, serving
from e2e.process import Server, eventually
from e2e.raw import opened, request, rest

pytestmark = pytest.mark.e2e

server = pytest.fixture(scope="module")(serving)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_who_closes_its_sending_half_has_left(server: Server, stream: bool) -> None:
    before = cancelled(server)
    with opened(server.url) as client:
        client.sendall(request(PATH, {**ENDLESS, "stream": stream}))
        eventually(lambda: server.metric("inferno_requests_running") == 1)
        client.shutdown(socket.SHUT_WR)
        eventually(lambda: cancelled(server) == before + 1)
        assert b"[DONE]" not in rest(client), "and the server closes the other half"
    eventually(lambda: server.metric("inferno_kv_cache_leases") == 0)


@pytest.mark.parametrize("sent", [0, 30, -5])
def test_half_a_request_and_no_more_is_nothing(server: Server, sent: int) -> None:
    before = cancelled(server)
    with opened(server.url) as client:
        client.sendall(request(PATH, ENDLESS)[:sent])
        client.shutdown(socket.SHUT_WR)
        assert rest(client) == b""
    with server.client() as http:
        assert http.post(PATH, json={"prompt": "x", "max_tokens": 2}).status_code == 200
    assert (server.metric("inferno_requests_running"), cancelled(server)) == (0, before)


def test_who_closes_its_receiving_half_holds_up_nobody(server: Server) -> None:
    """The server cannot see it. Its answer is made until the client is gone."""
    before = cancelled(server)
    with opened(server.url) as client:
        client.sendall(request(PATH, {**ENDLESS, "stream": True}))
        assert client.recv(1)
        client.shutdown(socket.SHUT_RD)
        with server.client() as http:
            assert http.post(PATH, json={"prompt": "x", "max_tokens": 2}).status_code == 200
        assert server.metric("inferno_requests_running") == 1
    eventually(lambda: cancelled(server) == before + 1)
    eventually(lambda: server.metric("inferno_kv_cache_leases") == 0)
