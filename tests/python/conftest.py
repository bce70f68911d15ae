"""Whatever an application answers in a test of this process is as its description says, or the test fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import inferno.server.app
from described.middleware import reading_along

_found: list[str] = []
# Before any test imports the function.
inferno.server.app.build_app = reading_along(inferno.server.app.build_app, _found.append)


@pytest.fixture(autouse=True)
def _answers_are_as_described() -> Iterator[None]:
    _found.clear()
    yield
    assert not _found, "\n".join(_found)
