"""A server process that answers otherwise than its description says fails the test that started it."""

from __future__ import annotations

import pytest

from e2e.process import running

pytestmark = pytest.mark.e2e


def test_a_wrong_answer_fails_when_the_server_ends() -> None:
    problem = 'POST /v1/tokenize answers 200 what is not described: count: "3"'
    wrong = running("fake:", module="described.wrongly")
    with pytest.raises(AssertionError, match=problem), wrong as server, server.client() as client:
        assert client.post("/v1/tokenize", json={"prompt": "ab"}).json()["count"] == "3"
        assert server.stop() == 0
