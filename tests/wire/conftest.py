"""Clients that people use, unchanged but for the URL, against one server process with the built-in model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.process import Server, running

ONE_THREAD = ("--threads", "1")
"""Enough for so small a model; two wait for each other on a machine that does other things, too."""


@pytest.fixture(scope="session")
def ember() -> Iterator[Server]:
    with running(*ONE_THREAD) as server:
        yield server
        assert server.stop() == 0


@pytest.fixture(scope="session")
def embedder() -> Iterator[Server]:
    """A model that embeds: the same text, the same vector."""
    with running("fake:embed=8", "--model-name", "fake") as server:
        yield server
        assert server.stop() == 0


@pytest.fixture(scope="session")
def crowded() -> Iterator[Server]:
    """One request runs, one waits, the others are turned away."""
    with running(*ONE_THREAD, "--max-running", "1", "--max-waiting", "1") as server:
        yield server
        assert server.stop() == 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/wire" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
