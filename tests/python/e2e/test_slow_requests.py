"""Requests that come slowly, half, or without an end: each is turned away in time, and holds nothing of the engine."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from select import select

import pytest

from e2e.process import Server, running
from e2e.raw import body, head, one_answer, opened, request, rest, status

pytestmark = pytest.mark.e2e

COMPLETIONS = "/v1/completions"
ASK = {"prompt": "x", "max_tokens": 3, "ignore_eos": True}
DIALECTS = {
    COMPLETIONS: lambda said: said["error"]["code"] == "request_timeout",
    "/v1/messages": lambda said: (said["type"], said["error"]["type"]) == ("error", "timeout_error"),
    "/api/chat": lambda said: isinstance(said["error"], str),
    "/v1/responses": lambda said: said["error"]["type"] == "invalid_request_error",
}
PAUSE = 0.05
"""Seconds between two bytes of a client that wants to be slow."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """It waits for half a second, and takes bodies of 100,000 bytes."""
    with running("fake:", "--receive-timeout", "0.5", "--body-limit", "100000") as server:
        yield server
        assert server.stop() == 0


@pytest.fixture(scope="module")
def patient() -> Iterator[Server]:
    with running("fake:") as server:
        yield server
        assert server.stop() == 0


def dripped(client: socket.socket, data: bytes, *, pause: float = PAUSE, most: int = 10_000) -> bytes:
    """Send the bytes one by one, again and again, until the server has closed; what it said."""
    for _, byte in zip(range(most), cycle(data), strict=False):
        try:
            client.sendall(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            break
        if select([client], [], [], pause)[0]:
            break
    return rest(client)


def nothing_runs(server: Server) -> bool:
    names = ("inferno_requests_running", "inferno_requests_waiting", "inferno_kv_cache_leases")
    return all(server.metric(name) == 0 for name in names)


@pytest.mark.parametrize("begun", [b"", b"POST /v1/comp", b"POST /v1/completions HTTP/1.1\r\nx-a: "])
def test_a_head_that_does_not_come_is_408(server: Server, begun: bytes) -> None:
    with opened(server.url) as client:
        client.sendall(begun)
        answer = dripped(client, b"a") if begun else rest(client)
    assert status(answer) == 408
    assert json.loads(body(answer))["error"]["code"] == "request_timeout"
    assert b"connection: close" in answer


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_a_body_that_does_not_end_is_408_in_the_words_of_its_api(server: Server, path: str, framing: str) -> None:
    framed = {"content-length": "5000"} if framing == "content-length" else {"transfer-encoding": "chunked"}
    with opened(server.url) as client:
        client.sendall(head(path, framed))
        answer = dripped(client, b" " if framing == "content-length" else b"1\r\n \r\n")
    assert status(answer) == 408
    assert b"connection: close" in answer
    assert DIALECTS[path](json.loads(body(answer)))
    assert nothing_runs(server)


def test_a_client_that_stops_in_the_middle_of_its_body_is_turned_away(server: Server) -> None:
    with opened(server.url) as client:
        client.sendall(request(COMPLETIONS, ASK)[:-5])
        assert status(rest(client)) == 408
    assert nothing_runs(server)


def test_many_slow_clients_hold_up_nobody(server: Server) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(opened(server.url)) for _ in range(60)]
        for number, client in enumerate(clients):
            client.sendall(request(COMPLETIONS, ASK)[: 10 + number])
        http = stack.enter_context(server.client())
        assert http.post(COMPLETIONS, json=ASK).status_code == 200
        assert [status(rest(client)) for client in clients] == [408] * len(clients)


def test_who_goes_on_sending_what_was_refused_is_cut_off(server: Server) -> None:
    """The refusal comes at once; the connection ends although the body never does."""
    with opened(server.url) as client:
        client.sendall(head(COMPLETIONS, {"transfer-encoding": "chunked"}))
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                client.sendall(chunk)
    assert nothing_runs(server)


LINE = b"x-header: " + b"a" * 1000 + b"\r\n"
CHUNKED = head(COMPLETIONS, {"transfer-encoding": "chunked"})


@pytest.mark.parametrize(
    ("endless", "expected"),
    [
        ((b"POST /v1/completions HTTP/1.1\r\n", LINE), 431),
        ((b"POST /v1/completions HTTP/1.1\r\nx-header: ", b"a" * 1000), 431),
        ((b"POST /" + b"a" * 1000, b"a" * 1000), 431),
        ((CHUNKED + b"1\r\n \r\n0\r\n", LINE), 400),
        ((CHUNKED + b"1;e=", b"a" * 1000), 400),
    ],
    ids=["headers", "header", "path", "trailers", "extension"],
)
def test_what_is_endless_is_cut_off_before_it_fills_the_memory(
    patient: Server, endless: tuple[bytes, bytes], expected: int
) -> None:
    begin, again = endless
    with opened(patient.url) as client:
        client.sendall(begin)
        try:
            for _ in range(10_000):
                client.sendall(again)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            pytest.fail("ten million bytes were taken")
        answer = rest(client)
    assert answer == b"" or status(answer) == expected, "the answer may be lost where bytes are still under way"


def test_bytes_one_by_one_are_a_request(patient: Server) -> None:
    with opened(patient.url) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(COMPLETIONS, ASK, connection="close"):
            client.sendall(bytes([byte]))
        answer = rest(client)
    assert status(answer) == 200
    assert json.loads(body(answer))["usage"]["completion_tokens"] == 3


def test_requests_one_behind_the_other_are_answered_in_order(patient: Server) -> None:
    with opened(patient.url) as client:
        asks = [request(COMPLETIONS, {"prompt": "x", "max_tokens": tokens, "ignore_eos": True}) for tokens in (3, 40)]
        client.sendall(b"".join(asks) + request(COMPLETIONS, ASK, connection="close"))
        answer = rest(client)
    assert answer.count(b"HTTP/1.1 200") == 3
    counts = [int(part.split(b",")[0]) for part in answer.split(b'"completion_tokens":')[1:]]
    assert (counts[0], counts[2]) == (3, 3)
    assert counts[1] > 3


def test_a_kept_connection_has_its_time_anew(server: Server) -> None:
    with opened(server.url) as client:
        for _ in range(3):
            client.sendall(request(COMPLETIONS, ASK))
            assert status(one_answer(client)) == 200
            time.sleep(0.3)
        client.sendall(request(COMPLETIONS, ASK)[:-5])
        assert status(rest(client)) == 408


def test_a_long_answer_is_not_bounded_by_the_time_for_requests() -> None:
    with running("fake:step_us=20000", "--receive-timeout", "0.5") as paced, opened(paced.url) as client:
        ask = {"prompt": "x", "max_tokens": 40, "ignore_eos": True, "stream": True}
        client.sendall(request(COMPLETIONS, ask, connection="close"))
        answer = rest(client)
        assert b"data: [DONE]" in answer
        assert paced.stop() == 0
