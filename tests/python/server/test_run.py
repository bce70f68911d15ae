"""The server in a process or thread of its own: sockets, signals, and the official client, unchanged."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest

from inferno.errors import ConfigError
from inferno.server.listener import Listener
from inferno.server.run import Server
from server.fake_client import FakeClient, queue_full
from server.harness import Settings, app_of, chat_body

SECONDS = 60
"""What a test waits for before it fails."""
HELLO = [{"role": "user", "content": "abc"}]


@dataclass
class Running:
    fake: FakeClient
    server: Server
    port: int

    def client(self, key: str = "alpha-key") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=key, max_retries=0)


@pytest.fixture
def running() -> Iterator[Running]:
    fake, settings, listening = FakeClient(), Settings(api_keys=("alpha-key",)), threading.Event()
    listener = Listener("127.0.0.1", 0)
    server = Server(app_of(fake, settings=settings), settings, listening.set)
    thread = threading.Thread(target=server.run, args=([listener.open()],))
    thread.start()
    assert listening.wait(SECONDS)
    try:
        yield Running(fake, server, listener.port)
    finally:
        server.handle_exit(signal.SIGTERM, None)
        thread.join(SECONDS)
        assert not thread.is_alive()
        assert fake.closed


def test_the_official_client_chats(running: Running) -> None:
    with running.client() as client:
        answer = client.chat.completions.create(
            model="fake-model", messages=HELLO, n=2, seed=1, logprobs=True, top_logprobs=2, stop=["zz"]
        )
        assert [choice.message.content for choice in answer.choices] == ["cba", "cba!"]
        assert answer.choices[0].logprobs.content[0].top_logprobs[1].logprob == -1.5
        assert answer.usage.total_tokens == 3 + 3 + 4
        assert answer.usage.prompt_tokens_details.cached_tokens == 2
        again = client.chat.completions.create(
            model="fake-model", messages=[*HELLO, answer.choices[0].message, HELLO[0]], stop="c"
        )
        assert again.choices[0].message.content == ""
        raw = client.chat.completions.with_raw_response.create(model="fake-model", messages=HELLO)
        assert raw.headers["x-request-id"] == raw.parse()._request_id


def test_the_official_client_streams(running: Running) -> None:
    with running.client() as client:
        chunks = list(
            client.chat.completions.create(
                model="fake-model", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
        )
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "cba"
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-1].usage.completion_tokens == 3
        with client.chat.completions.stream(model="fake-model", messages=HELLO) as stream:
            assert stream.get_final_completion().choices[0].message.content == "cba"


def test_the_official_client_completes_and_lists(running: Running) -> None:
    with running.client() as client:
        answer = client.completions.create(model="fake-model", prompt=["ab", "cd"], logprobs=1, max_tokens=1)
        assert [(one.text, one.finish_reason) for one in answer.choices] == [("b", "length"), ("d", "length")]
        assert answer.choices[0].logprobs.text_offset == [0]
        texts = [
            chunk.choices[0].text for chunk in client.completions.create(model="fake-model", prompt="ab", stream=True)
        ]
        assert "".join(texts) == "ba"
        assert [model.id for model in client.models.list()] == ["fake-model"]
        assert client.models.retrieve("fake-model").owned_by == "inferno"


def test_the_official_client_sees_its_own_errors(running: Running) -> None:
    with running.client() as client, running.client("wrong") as stranger:

        def ask(who: openai.OpenAI = client, model: str = "fake-model", **fields: object) -> None:
            who.chat.completions.create(model=model, messages=HELLO, **fields)  # type: ignore[call-overload]

        with pytest.raises(openai.BadRequestError) as bad:
            ask(temperature=3)
        assert (bad.value.param, bad.value.code) == ("temperature", "invalid_value")
        with pytest.raises(openai.BadRequestError) as bad:
            ask(extra_body={"wat": 1})
        assert (bad.value.param, bad.value.code) == ("wat", "unknown_parameter")
        with pytest.raises(openai.BadRequestError) as bad:
            ask(verbosity="low")
        assert bad.value.code == "unsupported_parameter"
        with pytest.raises(openai.NotFoundError, match="not served here"):
            ask(model="other")
        with pytest.raises(openai.AuthenticationError):
            ask(stranger)
        running.fake.refusal = queue_full(0.5)
        with pytest.raises(openai.RateLimitError) as full:
            ask()
        assert full.value.response.headers["retry-after-ms"] == "500"
        running.fake.refusal = None
        running.fake.failure, running.fake.fail_after = RuntimeError("secret"), 1
        with pytest.raises(openai.InternalServerError):
            ask()
        with pytest.raises(openai.APIError, match="request id"):
            list(client.chat.completions.create(model="fake-model", messages=HELLO, stream=True))


def test_closing_the_official_clients_stream_cancels(running: Running) -> None:
    running.fake.gate.clear()
    with running.client() as client:
        stream = client.chat.completions.create(model="fake-model", messages=HELLO, stream=True)
        assert not running.fake.streams[0].closed.is_set()
        stream.close()
        closed = threading.Event()
        loop = running.server.loop
        assert loop is not None

        async def wait() -> None:
            await running.fake.streams[0].closed.wait()
            closed.set()

        import asyncio

        asyncio.run_coroutine_threadsafe(wait(), loop).result(SECONDS)
        assert closed.is_set()


def test_a_port_in_use_is_refused_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}: address already in use; choose another"):
            Listener("127.0.0.1", port)


def test_whoever_opens_a_port_first_has_it_and_before_that_nobody_is_kept_waiting() -> None:
    with Listener("127.0.0.1", 0) as slow, Listener("127.0.0.1", slow.port) as quick:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", slow.port))
        quick.open()
        with pytest.raises(ConfigError, match=f"port {slow.port}: address already in use"):
            slow.open()


SERVER = textwrap.dedent(
    """
    import sys
    from server.fake_client import FakeClient
    from server.harness import Settings, app_of
    from inferno.server.listener import Listener
    from inferno.server.run import serve

    fake = FakeClient()
    if sys.argv[1] == "blocked":
        fake.gate.clear()
    settings = Settings(grace_seconds=float(sys.argv[2]))
    listener = Listener(settings.host, 0)
    code = serve(app_of(fake), settings, listener, on_listening=lambda: print(listener.port, flush=True))
    print("closed" if fake.closed else "left open", flush=True)
    sys.exit(code)
    """
)


@dataclass
class Process:
    process: subprocess.Popen[str]
    url: str

    def end(self) -> str:
        """What it printed last. What was logged must be about the stop: no failure, no traceback."""
        out, log = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0
        assert all(line.startswith("stopping: ") for line in log.splitlines()), log
        return out


def start(gate: str, grace_seconds: float) -> Process:
    environment = {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-W", "error", "-c", SERVER, gate, str(grace_seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    return Process(process, f"http://127.0.0.1:{int(process.stdout.readline())}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_at_a_signal_and_closes_its_engine(number: signal.Signals) -> None:
    server = start("open", 3600)
    assert httpx.get(server.url + "/health/ready", timeout=SECONDS).status_code == 200
    server.process.send_signal(number)
    assert server.end() == "closed\n"


def test_running_streams_get_their_grace_and_readiness_ends_meanwhile() -> None:
    server = start("blocked", 3600)
    with (
        httpx.Client(timeout=SECONDS) as client,
        client.stream("POST", server.url + "/v1/chat/completions", json=chat_body(stream=True)) as response,
    ):
        assert response.status_code == 200
        server.process.send_signal(signal.SIGTERM)
        while client.get(server.url + "/health/ready").status_code != 503:
            pass
        refused = client.post(server.url + "/v1/chat/completions", json=chat_body())
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert b"unavailable" in b"".join(response.iter_raw())
    assert server.end() == "closed\n"


def test_after_the_grace_running_streams_end_with_an_error() -> None:
    server = start("blocked", 0.05)
    with (
        httpx.Client(timeout=SECONDS) as client,
        client.stream("POST", server.url + "/v1/chat/completions", json=chat_body(stream=True)) as response,
    ):
        server.process.send_signal(signal.SIGTERM)
        body = b"".join(response.iter_raw())
    assert b'"code":"unavailable"' in body
    assert b"[DONE]" not in body
    assert server.end() == "closed\n"
