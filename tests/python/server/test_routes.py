"""Models, tokens, health, metrics, and what holds for all routes."""

from __future__ import annotations

import logging
from pathlib import Path

import httpx
import pytest
from starlette.routing import Match, Route

from server.fake_client import FakeClient, queue_full
from server.harness import Call, Settings, app_of, chat_body, soon

KEYS = Settings(api_keys=("alpha-key", "beta-key"))


def client_of(fake: FakeClient, settings: Settings | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app_of(fake, settings=settings)), base_url="http://test")


async def test_models_are_listed_and_found(http: httpx.AsyncClient) -> None:
    body = (await http.get("/v1/models")).json()
    assert body["object"] == "list"
    [model] = body["data"]
    assert (model["id"], model["object"], model["owned_by"]) == ("fake-model", "model", "inferno")
    assert (model["created"], model["max_model_len"]) == (1_700_000_000, 400)
    assert (await http.get("/v1/models/fake-model")).json() == model
    missing = await http.get("/v1/models/org/other")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


def test_a_path_without_parameters_is_nothing_that_an_earlier_route_takes(fake: FakeClient) -> None:
    routes = [route for route in app_of(fake).routes if isinstance(route, Route)]
    for route in routes:
        for method in route.methods or ():
            if not route.param_convertors:
                scope = {"type": "http", "method": method, "path": route.path}
                assert next(one for one in routes if one.matches(scope)[0] is Match.FULL) is route


async def test_tokens_and_back(http: httpx.AsyncClient) -> None:
    body = (await http.post("/tokenize", json={"prompt": "bos"})).json()
    assert body == {"count": 4, "max_model_len": 400, "tokens": [1, 98, 111, 115]}
    body = (await http.post("/tokenize", json={"prompt": "bos", "add_special_tokens": False})).json()
    assert body["tokens"] == [98, 111, 115]
    messages = [{"role": "user", "content": "ab"}]
    assert (await http.post("/tokenize", json={"messages": messages})).json()["tokens"] == [97, 98]
    assert (await http.post("/detokenize", json={"tokens": [97, 98]})).json() == {"prompt": "ab"}
    assert (await http.post("/tokenize", json={"prompt": ""})).json()["count"] == 0


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": "a", "messages": []}, "prompt"),
        ("/tokenize", {"messages": [], "add_special_tokens": True}, "add_special_tokens"),
        ("/tokenize", {"prompt": "a", "extra": 1}, "extra"),
        ("/detokenize", {"tokens": [-1]}, "tokens[0]"),
        ("/detokenize", {"tokens": [0x110000]}, "tokens"),
    ],
)
async def test_tokens_that_cannot_be(http: httpx.AsyncClient, path: str, body: object, param: str) -> None:
    response = await http.post(path, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


async def test_health_tells_alive_ready_and_failed(fake: FakeClient) -> None:
    async with client_of(fake) as http:
        assert (await http.get("/health/live")).status_code == 200
        assert (await http.get("/health/ready")).json() == {"status": "ready"}
        fake.healthy = False
        response = await http.get("/health/ready")
        assert (response.status_code, response.json()) == (503, {"status": "failed"})
        assert (await http.get("/health/live")).status_code == 200


async def test_unknown_paths_and_methods_come_in_the_envelope(http: httpx.AsyncClient) -> None:
    missing = await http.get("/v1/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = await http.get("/v1/chat/completions")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json()["error"] == {
        "message": "GET /v1/chat/completions: method not allowed; it takes POST",
        "type": "invalid_request_error",
        "param": None,
        "code": "method_not_allowed",
    }
    assert (await http.get("/v1/models/")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "advice"),
    [
        ("POST", "/chat/completions", "did you mean /v1/chat/completions?"),
        ("GET", "/health", "did you mean /health/live or /health/ready?"),
        ("POST", "/v1/chat/completions/", "did you mean /v1/chat/completions?"),
        ("POST", "/v1/moderations", "/docs shows what there is"),
        ("GET", "/nothing", "/docs shows what there is"),
        ("GET", "/" + "x" * 5000, "/docs shows what there is"),
    ],
)
async def test_of_a_missing_path_it_is_said_what_was_meant(
    http: httpx.AsyncClient, method: str, path: str, advice: str
) -> None:
    said = (await http.request(method, path)).json()["error"]["message"]
    assert said == f"{method} {path[:100]}: not found; {advice}"


async def test_every_route_but_liveness_asks_for_a_key(fake: FakeClient) -> None:
    app = app_of(fake, settings=KEYS)
    guarded = 0
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        for route in app.routes:
            assert isinstance(route, Route)
            for method in route.methods or ():
                path = route.path.replace("{id:path}", "fake-model")
                response = await http.request(method, path)
                if path in ("/health/live", "/v2/health/live", "/docs", "/"):
                    assert response.status_code == 200
                    continue
                guarded += 1
                assert response.status_code == 401, path
                assert response.headers["www-authenticate"] == "Bearer"
                if method != "HEAD":
                    # Each API has its own envelope.
                    assert "no API key was sent" in response.text
        assert guarded >= 8
        for path in ("/nowhere", "//health/live", "/health/live/", "/docs/", "/openapi.json"):
            assert (await http.get(path)).status_code == 401, path
    assert not fake.requests


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic alpha-key"},
        {"authorization": "alpha-key"},
        {"x-api-key": "alpha-ke"},
        {"authorization": "Bearer wrong", "x-api-key": "alpha-key"},
    ],
)
async def test_wrong_keys_open_nothing(fake: FakeClient, headers: dict[str, str]) -> None:
    async with client_of(fake, KEYS) as http:
        response = await http.post("/v1/chat/completions", json=chat_body(), headers=headers)
        assert response.status_code == 401
        assert "alpha-key" not in response.text


async def test_each_key_is_a_tenant_by_either_header(fake: FakeClient) -> None:
    async with client_of(fake, KEYS) as http:
        for headers in (
            {"authorization": "Bearer alpha-key"},
            {"authorization": "bearer  alpha-key"},
            {"x-api-key": "alpha-key"},
            {"x-api-key": "beta-key"},
        ):
            response = await http.post("/v1/chat/completions", json=chat_body(), headers=headers)
            assert response.status_code == 200
    tenants = [request.tenant for request in fake.requests]
    assert tenants[0] == tenants[1] == tenants[2] != tenants[3]
    assert "anonymous" not in tenants


async def test_a_body_over_the_limit_is_refused_by_its_announced_length(fake: FakeClient) -> None:
    async with client_of(fake, Settings(body_limit_bytes=1000)) as http:
        assert (await http.post("/v1/chat/completions", json=chat_body("x" * 100))).status_code == 200
        response = await http.post("/v1/chat/completions", json=chat_body("x" * 1000))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"
    assert "1000" in response.json()["error"]["message"]


async def test_a_body_over_the_limit_is_refused_by_what_comes(fake: FakeClient) -> None:
    app = app_of(fake, settings=Settings(body_limit_bytes=1000))
    call = Call(app, chunks=(b"x" * 600, b"x" * 600, b"x" * 600))
    task = call.start()
    assert await soon(call.status()) == 413
    assert b"body_too_large" in await soon(call.rest())
    await soon(task)


@pytest.mark.parametrize("given", ["abc-1.2_Z", "x" * 128])
async def test_a_plain_request_id_comes_back(http: httpx.AsyncClient, given: str) -> None:
    response = await http.get("/health/live", headers={"x-request-id": given})
    assert response.headers.get_list("x-request-id") == [given]
    assert int(response.headers["openai-processing-ms"]) >= 0


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a/b", "é", "a\tb"])
async def test_any_other_request_id_is_replaced(http: httpx.AsyncClient, given: str) -> None:
    headers = httpx.Headers([("x-request-id", given)], encoding="utf-8")
    ids = {(await http.get("/health/live", headers=headers)).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert given not in ids


async def test_the_log_has_one_plain_line_a_request(fake: FakeClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="inferno.access")
    headers = {"x-request-id": "r1", "authorization": "Bearer alpha-key"}
    async with client_of(fake, KEYS) as http:
        await http.post("/v1/chat/completions?q=query", json=chat_body("secret"), headers=headers)
        await http.get("/v1/models/fake-model", headers=headers)
        await http.get("/secret", headers=headers)
    lines = [record.getMessage() for record in caplog.records if record.name == "inferno.access"]
    assert len(lines) == 3
    assert lines[0].startswith("POST /v1/chat/completions 200 ")
    assert lines[0].endswith(" ms r1")
    assert lines[1].startswith("GET /v1/models/{id")
    assert lines[2].startswith("GET (unmatched) 404 ")
    assert not any(word in caplog.text for word in ("secret", "alpha-key", "query"))


async def test_metrics_move_with_requests(fake: FakeClient) -> None:
    async with client_of(fake) as http:

        async def sample(line: str) -> float:
            text = (await http.get("/metrics")).text
            return float(next((one.split()[-1] for one in text.splitlines() if one.startswith(line + " ")), "0"))

        where = 'endpoint="/v1/chat/completions",model="fake-model"'
        requests = 'inferno_requests_total{endpoint="/v1/chat/completions",model="%s",outcome="%s"}'
        generated = 'inferno_generated_tokens_total{model="fake-model"}'
        assert await sample(generated) == 0
        await http.post("/v1/chat/completions", json=chat_body("abc"))
        await http.post("/v1/chat/completions", json=chat_body("abcd", stream=True))
        await http.post("/v1/chat/completions", json=chat_body("abcd", n=2, max_tokens=1))
        await http.post("/v1/chat/completions", json=chat_body(temperature=9))
        await http.post("/v1/chat/completions", json=chat_body(model="other"))
        fake.refusal = queue_full(1.0)
        await http.post("/v1/chat/completions", json=chat_body())
        assert await sample(generated) == 3 + 4 + 2
        assert await sample(requests % ("fake-model", "stop")) == 2
        assert await sample(requests % ("fake-model", "length")) == 1
        assert await sample(requests % ("", "invalid_argument")) == 1
        assert await sample(requests % ("", "model_not_found")) == 1
        assert await sample(requests % ("fake-model", "queue_full")) == 1
        for name, seconds in (("time_to_first_token", 0.3), ("request_queue", 0.2), ("request_duration", 3.0)):
            assert await sample(f"inferno_{name}_seconds_count{{{where}}}") == 3
            assert await sample(f"inferno_{name}_seconds_sum{{{where}}}") == pytest.approx(3 * seconds)
        assert await sample('vllm:num_requests_waiting{model_name="fake-model"}') == 3
        assert await sample('inferno_kv_cache_usage_ratio{model="fake-model"}') == 0.25


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the system does not tell")
async def test_metrics_tell_how_long_the_process_waited_for_a_processor(http: httpx.AsyncClient) -> None:
    async def waited() -> float:
        text = (await http.get("/metrics")).text
        (line,) = (line for line in text.splitlines() if line.startswith("inferno_processor_wait_seconds_total "))
        return float(line.split()[-1])

    first = await waited()
    assert 0 <= first <= await waited()


async def test_a_client_that_left_is_counted_as_cancelled(fake: FakeClient) -> None:
    app = app_of(fake)
    for stream in (False, True):
        fake.gate.clear()
        fake.submitted.clear()
        body = httpx.Request("POST", "http://t", json=chat_body(stream=stream)).content
        call = Call(app, body=body)
        task = call.start()
        await soon(fake.submitted.wait())
        call.leave()
        await soon(task)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        text = (await http.get("/metrics")).text
    line = 'inferno_requests_total{endpoint="/v1/chat/completions",model="fake-model",outcome="cancelled"} 2.0'
    assert line in text.splitlines()
