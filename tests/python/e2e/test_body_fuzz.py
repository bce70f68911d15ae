"""Bodies that clients should not send, thousands of them, for every operation that has a body, at real servers.

Each is answered, soon: with what was asked for, or with a refusal in the shape of the API that was asked, which tells
nothing of the machine. Afterwards nothing is left running, and the server answers as before. `make fuzz` tries many and
others each time, `make test` a few, always the same; INFERNO_TEST_FUZZ_CASES says how many of each operation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from described.answers import described
from e2e.bodies import BODIES, bodies_of
from e2e.cases import CASES, THOROUGH
from e2e.kinds import NAME, Servers, kind_of
from e2e.mutations import changed_bodies
from e2e.process import eventually
from inferno.server.operation import Operation
from inferno.server.operations import OPERATIONS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SECONDS = 60
"""A hundred answers to one question, each of all that the context holds, take some of them; most take none."""
WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
DESCRIBED = described(OPERATIONS)
TOLD = re.compile(rb"Traceback|File \\?\"|site-packages|0x[0-9a-f]{6}|<class|object at|\.py\b|\.cpp\b|/(tmp|root|usr)/")
"""What no answer may tell: files, addresses, stacks. Nothing that is sent here has such a thing."""
PROBES = {
    "generate": ("/v1/completions", {"prompt": "Once", "max_tokens": 8, "temperature": 0}),
    "embed": ("/v1/embeddings", {"input": "a"}),
    "classify": ("/v1/classify", {"input": "a"}),
    "rank": ("/v1/rerank", {"query": "a", "documents": ["b", "c"]}),
    "graph": (
        f"/v2/models/{NAME}/infer",
        {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]},
    ),
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack, tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.path)
def test_no_body_makes_the_server_fail(operation: Operation, servers: Servers) -> None:
    kind = kind_of(operation.path)
    server = servers.of(kind)
    good = bodies_of(operation, NAME)
    with httpx.Client(base_url=server.url, timeout=SECONDS) as http:
        path = _filled(operation.path, http)
        before = _probed(http, kind)
        answers = [http.post(path, json=body) for body in good]
        for answer in answers:
            # An example of the description may be of what no model here can do, or name what is not there.
            assert answer.status_code == 200 or (operation.path not in BODIES and answer.status_code < 500), answer.text

        @settings(
            max_examples=CASES,
            derandomize=not THOROUGH,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(body=changed_bodies(good))
        def ask(body: bytes) -> None:
            _check(operation, http.post(path, content=body, headers={"content-type": "application/json"}))

        ask()
        assert _probed(http, kind) == before
    assert server.process.poll() is None
    for name in ("inferno_requests_running", "inferno_requests_waiting", "inferno_kv_cache_leases"):
        if kind in ("generate", "chat"):
            eventually(lambda name=name: server.metric(name) == 0)  # type: ignore[misc]


def _filled(path: str, http: httpx.Client) -> str:
    if "{id}" in path:
        return path.replace("{id}", http.post("/v1/conversations", json={}).json()["id"])
    return path.replace("{name}", NAME)


def _probed(http: httpx.Client, kind: str) -> Any:
    path, body = PROBES["generate" if kind == "chat" else kind]
    answer = http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return {key: value for key, value in answer.json().items() if key not in ("id", "created")}


def _check(operation: Operation, answer: httpx.Response) -> None:
    said = answer.content
    late = answer.status_code == 504 and b"did not finish" in said
    assert answer.status_code == 200 or 400 <= answer.status_code < 499 or late, said
    assert TOLD.search(said) is None, said
    media = answer.headers["content-type"].partition(";")[0]
    if media == "application/json":
        assert list(DESCRIBED[operation.method, operation.path].body_problems(answer.status_code, said)) == []
    else:
        assert b'"server_error"' not in said, said
        assert b'"api_error"' not in said, said


def test_mutations_reach_what_no_json_can_hold() -> None:
    """The strategies are no use if they give harmless bodies only."""
    found: set[str] = set()

    @settings(max_examples=400, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(body=changed_bodies([{"a": [1, {"b": "c"}], "d": None}]))
    def look(body: bytes) -> None:
        found.update(name for name, mark in MARKS.items() if mark in body)
        try:
            json.loads(body)
        except (ValueError, RecursionError) as error:
            found.add(type(error).__name__)

    look()
    assert found == {*MARKS, "ValueError", "JSONDecodeError", "UnicodeDecodeError", "RecursionError"}


MARKS = {
    "not a number": b"NaN",
    "deep": b"[" * 600,
    "half of a pair": b"\\ud800",
    "no UTF-8": b"\xff",
    "long": b"\\u00e9" * 1000,
    "a key twice": b'"d":null,"d":null',
    "huge": b"1" * 5000,
}
