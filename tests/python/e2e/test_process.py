"""The process: ports, signals, refusals at start, overload and clients that leave. On the test model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from e2e.process import SECONDS_TO_START, SECONDS_TO_STOP, Server, command, environment, eventually, running

pytestmark = pytest.mark.e2e

PACED = "fake:step_us=3000"


def endless(**more: object) -> dict[str, object]:
    return {"prompt": "x", "stream": True, "ignore_eos": True, "max_tokens": 3000, **more}


def events(response: httpx.Response) -> Iterator[dict[str, object]]:
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


def ended_at_once(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=SECONDS_TO_START, env=environment(), check=False
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file or folder"), (b"just text\n", "GGUF"), (b"GGUF" + b"\0" * 64, "")],
    ids=["missing", "text", "broken"],
)
def test_a_model_that_cannot_be_served(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "llama.gguf"
    if content is not None:
        path.write_bytes(content)
    ended = ended_at_once(str(path), "--port", "0")
    assert ended.returncode == 2
    assert message in ended.stderr
    assert ended.stdout == ""
    reasons = [line for line in ended.stderr.splitlines() if line.startswith("inferno: ")]
    assert len(reasons) == 1
    assert "Traceback" not in ended.stderr


def test_sigterm_lets_a_running_stream_finish() -> None:
    with running(PACED) as server, server.client() as client:
        with client.stream("POST", "/v1/completions", json=endless(max_tokens=200)) as response:
            stream = events(response)
            next(stream)
            server.process.terminate()
            eventually(lambda: _readiness(server) in (503, None))
            refused = _try_completion(server)
            rest = list(stream)
        reasons = [choice["finish_reason"] for event in rest for choice in event["choices"]]  # type: ignore[attr-defined]
        assert reasons[-1] == "length"
        assert refused in (503, None)
        assert server.process.wait(SECONDS_TO_STOP) == 0


def test_a_stream_beyond_the_grace_time_is_ended() -> None:
    with running(PACED, "--grace", "0.2") as server, server.client() as client:
        with client.stream("POST", "/v1/completions", json=endless()) as response:
            stream = events(response)
            next(stream)
            server.process.terminate()
            rest = list(stream)
        assert len(rest) < 3000
        assert server.process.wait(SECONDS_TO_STOP) == 0


def test_a_client_that_leaves_frees_its_place() -> None:
    with running(PACED) as server, server.client() as client:
        with client.stream("POST", "/v1/completions", json=endless()) as response:
            stream = events(response)
            next(stream)
            eventually(lambda: server.metric("inferno_requests_running") == 1)
        eventually(lambda: server.metric("inferno_requests_running") == 0)
        assert server.stop() == 0


def test_a_full_queue_is_429_and_the_others_go_on() -> None:
    with running(PACED, "--max-running", "1", "--max-waiting", "1") as server, server.client() as client:
        short = {"prompt": "x", "max_tokens": 2}
        with ThreadPoolExecutor() as pool, client.stream("POST", "/v1/completions", json=endless()) as ahead:
            told = events(ahead)
            next(told)
            waiting = pool.submit(client.post, "/v1/completions", json=short)
            eventually(lambda: server.metric("inferno_requests_waiting") == 1)
            refused = [client.post("/v1/completions", json=short) for _ in range(4)]
            assert [answer.status_code for answer in refused] == [429] * 4
            assert all(int(answer.headers["retry-after-ms"]) > 0 for answer in refused)
            next(told)
            ahead.close()
            assert waiting.result().status_code == 200
        assert server.stop() == 0


def test_a_prompt_beyond_the_context_is_400_with_both_numbers() -> None:
    with running("fake:", "--context", "100", "--model-name", "mine") as server, server.client() as client:
        assert server.model == "mine"
        answer = client.post("/v1/completions", json={"prompt": "x" * 300})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "context_length_exceeded")
        assert "301" in error["message"]
        assert "99" in error["message"] or "100" in error["message"]


def test_keys_guard_all_but_liveness(tmp_path: Path) -> None:
    (tmp_path / "inferno.toml").write_text('[server]\napi_keys = ["s3cret"]\n')
    with running("fake:", cwd=tmp_path) as server, server.client() as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/v1/models").status_code == 401
        assert client.get("/v1/models", headers={"authorization": "Bearer s3cret"}).status_code == 200


def test_a_taken_port_exits_2() -> None:
    with running("fake:") as server:
        port = server.url.rpartition(":")[2]
        ended = ended_at_once("fake:", "--port", port)
    assert ended.returncode == 2
    assert "cannot listen" in ended.stderr


def _readiness(server: Server) -> int | None:
    """None when nobody listens any more."""
    try:
        with server.client() as client:
            return client.get("/health/ready").status_code
    except httpx.TransportError:
        return None


def _try_completion(server: Server) -> int | None:
    try:
        with server.client() as client:
            return client.post("/v1/completions", json={"prompt": "x", "max_tokens": 1}).status_code
    except httpx.TransportError:
        return None
