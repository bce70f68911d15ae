"""A restart with a prefix store: the same long prompt is not computed again, and nobody else's key opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2e.process import Server, running

pytestmark = pytest.mark.e2e

SHARED = "The museum opens at nine and closes at five, and the garden behind it is open all night. " * 10


def ask(server: Server, key: str = "first") -> dict[str, Any]:
    body = {"model": server.model, "prompt": SHARED, "max_tokens": 12, "temperature": 0}
    with server.client() as http:
        answer = http.post("/v1/completions", json=body, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def cached(answer: dict[str, Any]) -> int:
    return int(answer["usage"]["prompt_tokens_details"]["cached_tokens"])


def test_a_restart_goes_on_from_disk(tmp_path: Path) -> None:
    flags = ["--api-key", "first", "--api-key", "second", "--prefix-store", str(tmp_path / "store")]
    with running(*flags) as server:
        first = ask(server)
        assert cached(first) == 0
        assert server.stop() == 0
    (file,) = (tmp_path / "store").glob("*/*.prefix")
    with running(*flags) as server:
        again = ask(server)
        assert cached(again) > 0.9 * first["usage"]["prompt_tokens"] - 16
        assert again["choices"][0]["text"] == first["choices"][0]["text"]
        assert server.metric("inferno_prefix_tokens_from_store_total", key="first") == cached(again)
        assert server.metric("inferno_prefix_store_bytes", key="first") == file.stat().st_size
        other = ask(server, key="second")
        assert cached(other) == 0
        assert other["choices"][0]["text"] == first["choices"][0]["text"]
        assert server.stop() == 0
    file.write_bytes(file.read_bytes()[:-1] + b"\x55")
    with running(*flags) as server:
        wrong = ask(server)
        assert cached(wrong) == 0
        assert wrong["choices"][0]["text"] == first["choices"][0]["text"]
        assert server.metric("inferno_prefix_store_rejected_total", key="first") == 1
        assert server.stop() == 0


def test_the_size_may_have_a_unit_and_the_folder_must_be_closed(tmp_path: Path) -> None:
    with running("fake:", "--prefix-store", str(tmp_path / "store"), "--prefix-store-size", "5MiB") as server:
        assert server.metric("inferno_prefix_store_limit_bytes") == 5 * 1024 * 1024
        assert server.stop() == 0
    (tmp_path / "store").chmod(0o755)
    with pytest.raises(AssertionError, match="chmod 700"), running("fake:", "--prefix-store", str(tmp_path / "store")):
        pass
