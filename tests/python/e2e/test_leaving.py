"""Clients that leave, read slowly or have no time: each frees what it held, is counted, and costs nobody else."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from e2e.process import SECONDS_TO_START, SECONDS_TO_STOP, Server, eventually, running
from e2e.proxy import nginx, proxied

pytestmark = pytest.mark.e2e

PACED = "fake:step_us=10000"
ROUTE = "/v1/completions"
CONTEXT = 20_000
ENDLESS = 10_000
"""Tokens that nobody waits for: a hundred seconds of the paced model."""
LONG = "long prompt " * 600
"""In prefill for nine seconds, with 8 rows a step, and what nginx holds without writing it to a file."""
STAGES = ("waiting", "prefill", "decode")


def body(prompt: str = "x", *, max_tokens: int = ENDLESS, stream: bool = True, **more: object) -> dict[str, object]:
    return {"prompt": prompt, "stream": stream, "ignore_eos": True, "max_tokens": max_tokens, **more}


@contextmanager
def connection(
    url: str, request: dict[str, object], *, receive_buffer: int | None = None, key: str = "none"
) -> Iterator[socket.socket]:
    """A client at the lowest level: the request is sent; nothing is read until the test does."""
    address = urlsplit(url)
    with socket.socket() as client:
        if receive_buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect((address.hostname, address.port))
        data = json.dumps(request).encode()
        head = f"POST {ROUTE} HTTP/1.1\r\nhost: {address.netloc}\r\nconnection: close\r\n"
        head += f"authorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
        client.sendall(head.encode() + data)
        yield client


def read_until(client: socket.socket, wanted: bytes, *, times: int = 1) -> None:
    """The head of an answer comes before there is anything of it; whose first event is here runs."""
    found = b""
    while found.count(wanted) < times:
        data = client.recv(1 << 16)
        assert data, found
        found += data


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    flags = ("--max-running", "1", "--batch-rows", "8", "--prefill-chunk", "8", "--context", str(CONTEXT))
    with running(PACED, *flags) as server:
        yield server
        assert server.stop() == 0


def in_stage(server: Server, stage: str) -> bool:
    running_now, waiting = server.metric("inferno_requests_running"), server.metric("inferno_requests_waiting")
    if stage == "waiting":
        return (running_now, waiting) == (1, 1)
    return (running_now, waiting) == (1, 0)


@pytest.mark.parametrize("way", [nullcontext, proxied, nginx], ids=["direct", "proxy", "nginx"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("stage", STAGES)
def test_leaving(server: Server, stage: str, stream: bool, way: Callable[[str], AbstractContextManager[str]]) -> None:
    label = f'stage="{stage}"'
    before = server.metric("inferno_cancelled_total", label)
    generated = server.metric("inferno_generated_tokens_total")
    with way(server.url) as url:
        if stage == "waiting":
            with connection(server.url, body()) as ahead:
                read_until(ahead, b"data: ")
                with connection(url, body(stream=stream)):
                    eventually(lambda: in_stage(server, stage))
                eventually(lambda: server.metric("inferno_cancelled_total", label) == before + 1)
                assert in_stage(server, "decode"), "the one ahead goes on"
        else:
            # Another beginning each time: what was computed of the last one is not computed again.
            with connection(url, body(f"{generated} {LONG}" if stage == "prefill" else "x", stream=stream)):
                eventually(lambda: in_stage(server, stage))
                if stage == "decode":
                    eventually(lambda: server.metric("inferno_generated_tokens_total") > generated)
            eventually(lambda: server.metric("inferno_cancelled_total", label) == before + 1)
    eventually(lambda: server.metric("inferno_requests_running") == 0)
    eventually(lambda: server.metric("inferno_kv_cache_leases") == 0)
    with server.client() as client:
        assert client.post(ROUTE, json=body(max_tokens=2, stream=False)).status_code == 200


def test_a_stream_comes_through_nginx_as_it_is_made(server: Server) -> None:
    """With its buffering on, as it is by default: the answer's own head says that it must not."""
    with nginx(server.url) as url:
        with connection(url, body()) as client:
            read_until(client, b"data: ", times=3)
            assert server.metric("inferno_requests_running") == 1, "the rest is still to come"
        with connection(url, body(max_tokens=20)) as client:
            assert b"data: [DONE]" in b"".join(iter(lambda: client.recv(1 << 16), b""))


def test_a_reader_that_does_not_read_holds_up_itself_only() -> None:
    """It asks for more than the buffers between here and there hold. All of it is there when it reads at last."""
    tokens, choices = 3000, 20
    slow = body(max_tokens=tokens, n=choices, logprobs=1, temperature=0, stream_options={"include_usage": True})
    with running("fake:", "--kv-tokens", "200000") as server:
        with connection(server.url, slow, receive_buffer=4096) as client:
            assert client.recv(1)
            eventually(lambda: server.metric("inferno_generated_tokens_total") == tokens * choices)
            with server.client() as other:
                assert other.post(ROUTE, json=body(max_tokens=5, stream=False)).status_code == 200
            assert server.metric("inferno_finished_total") == choices + 1, "its work is done and its cache free"
            assert server.metric("inferno_kv_cache_leases") == 0
            received = b"".join(iter(lambda: client.recv(1 << 20), b""))
        assert b"data: [DONE]" in received
        assert f'"completion_tokens":{tokens * choices}'.encode() in received
        assert server.stop() == 0


def test_what_is_not_done_in_its_time_ends_with_504_or_an_error_event(server: Server) -> None:
    before = server.metric("inferno_expired_total")
    with server.client() as client:
        whole = client.post(ROUTE, json=body(stream=False, timeout=0.2))
        assert (whole.status_code, whole.json()["error"]["code"]) == (504, "deadline_exceeded")
        assert "0.2" in whole.json()["error"]["message"]
        events = client.post(ROUTE, json=body(timeout=1)).text.strip().split("\n\n")
        assert len(events) > 1, "what was generated in time was sent"
        assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "deadline_exceeded"
        assert client.post(ROUTE, json=body(max_tokens=2, stream=False, timeout=30)).status_code == 200
        assert client.post(ROUTE, json=body(timeout=0)).status_code == 400
    assert server.metric("inferno_expired_total") == before + 2
    assert server.metric("inferno_requests_running") == 0


def test_a_request_that_cannot_be_started_in_its_time_is_429_at_once(server: Server) -> None:
    """Three of half a second each are ahead, by what was measured of the ones before them."""
    with server.client() as client:
        for _ in range(3):
            client.post(ROUTE, json=body(max_tokens=50, stream=False))
        with connection(server.url, body()) as ahead, connection(server.url, body()), connection(server.url, body()):
            read_until(ahead, b"data: ")
            eventually(lambda: server.metric("inferno_requests_waiting") == 2)
            prefilled = server.metric("inferno_prefill_tokens_computed_total")
            refused = client.post(ROUTE, json=body("y" * 40, stream=False, timeout=0.01))
            assert (refused.status_code, refused.json()["error"]["param"]) == (429, "timeout")
            assert int(refused.headers["retry-after-ms"]) > 0
            assert server.metric("inferno_prefill_tokens_computed_total") == prefilled
    eventually(lambda: server.metric("inferno_requests_running") == 0)


def test_sigterm_under_load_lets_every_stream_finish() -> None:
    with running("fake:step_us=2000") as server, server.client() as client:
        clients = [connection(server.url, body(max_tokens=150)) for _ in range(16)]
        sockets = [one.__enter__() for one in clients]
        for one in sockets:
            assert one.recv(1)
        assert client.get("/health/live").status_code == 200
        server.process.terminate()
        answers = [b"".join(iter(lambda one=one: one.recv(1 << 16), b"")) for one in sockets]  # type: ignore[misc]
        assert all(b"data: [DONE]" in answer and b'"finish_reason":"length"' in answer for answer in answers)
        assert server.process.wait(SECONDS_TO_STOP) == 0
        for one in clients:
            one.__exit__(None, None, None)


def test_kept_tokens_bounds_what_is_kept_of_finished_prompts() -> None:
    for kept in (64, 512):
        with running("fake:", "--kept-tokens", str(kept)) as server, server.client() as client:
            for number in range(12):
                answer = client.post(ROUTE, json=body(f"{number} " * 60, max_tokens=4, stream=False))
                assert answer.status_code == 200
            used = server.metric("inferno_kv_cache_tokens", 'state="used"')
            assert kept - 160 < used <= kept


def test_a_queue_that_one_key_has_filled_keeps_no_other_out() -> None:
    flags = ("--api-key", "alice k1", "--api-key", "bob k2", "--max-running", "1", "--max-waiting", "2")
    with running(PACED, *flags, "--context", str(CONTEXT)) as server, server.client() as client:

        def ask(key: str, *, max_tokens: int) -> httpx.Response:
            request = body(max_tokens=max_tokens, stream=False)
            return client.post(ROUTE, json=request, headers={"authorization": f"Bearer {key}"})

        def stand(running: int, waiting: int) -> bool:
            names = ("inferno_requests_running", "inferno_requests_waiting")
            return tuple(server.metric(name, key="k1") for name in names) == (running, waiting)

        with ThreadPoolExecutor() as pool:
            # The others wait until it is left. They come when it runs: of three at once the last would be refused.
            with connection(server.url, body(), key="k1"):
                eventually(lambda: stand(1, 0))
                flood = [pool.submit(ask, "k1", max_tokens=2) for _ in range(2)]
                eventually(lambda: stand(1, 2))
                refused = ask("k1", max_tokens=2)
                assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
                assert int(refused.headers["retry-after-ms"]) > 0
                other = pool.submit(ask, "k2", max_tokens=2)
                eventually(lambda: other.done() or stand(1, 3))
            assert [one.result().status_code for one in (other, *flood)] == [200] * 3


@pytest.mark.parametrize(
    ("flag", "beside"), [(("--tenant-weight", "alice=3"), 25), (("--tenant-class", "alice=-1"), 10)]
)
async def test_what_is_said_of_a_key_decides_how_much_it_is_served(
    tmp_path: Path, flag: tuple[str, str], beside: int
) -> None:
    """A third of 40 at weight three, in a higher class what goes by age, when all of alice's are done."""
    keys = tmp_path / "keys.txt"
    keys.write_text("alice k1\nbob k2\n")
    served: list[str] = []
    # Two steps each: the forty come far faster than they are served, whatever else the machine does.
    with running("fake:step_us=20000", "--api-key-file", str(keys), *flag, "--max-running", "4") as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=SECONDS_TO_START, verify=False) as client:

            async def ask(name: str, key: str) -> None:
                request = body(max_tokens=2, stream=False)
                answer = await client.post(ROUTE, json=request, headers={"authorization": f"Bearer {key}"})
                assert answer.status_code == 200
                served.append(name)

            await asyncio.gather(*(ask(*who) for _ in range(40) for who in (("alice", "k1"), ("bob", "k2"))))
    last_of_alice = len(served) - served[::-1].index("alice")
    assert served[:last_of_alice].count("bob") < beside
