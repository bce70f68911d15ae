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
def paced() -> Iterator[Server]:
    """The test model under the name ``paced``, with twenty tokens a second: what is asked of it for long is not made
    before somebody has looked, whatever else the machine does. Its text is nonsense, the same for the same question."""
    with running("fake:step_us=50000", "--model-name", "paced", "--context", "100000") as server:
        yield server
        assert server.stop() == 0


@pytest.fixture(scope="session")
def crowded() -> Iterator[Server]:
    """The same, where one request runs, one waits, and the others are turned away."""
    places = ("--max-running", "1", "--max-waiting", "1")
    with running("fake:step_us=50000", "--model-name", "paced", "--context", "100000", *places) as server:
        yield server
        assert server.stop() == 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/wire" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
