"""An answer without end, for tests of clients that leave it."""

from __future__ import annotations

from collections.abc import Iterator

from e2e.process import Server, running

PATH = "/v1/completions"
ENDLESS = {"prompt": "x", "max_tokens": 20_000, "ignore_eos": True}


def serving() -> Iterator[Server]:
    """A server that would take minutes for it; all of it is over when the test is."""
    with running("fake:step_us=5000", "--context", "50000") as server:
        yield server
        assert server.stop() == 0


def cancelled(server: Server) -> float:
    return server.metric("inferno_cancelled_total")
