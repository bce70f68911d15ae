"""Whatever an application answers in a test of this process is as its description says, or the test fails."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

import inferno.server.app
from described.middleware import reading_along

_found: list[str] = []
# Before any test imports the function.
inferno.server.app.build_app = reading_along(inferno.server.app.build_app, _found.append)


# The same examples each time, however long one takes: a failure is the code's, and not the day's.
hypothesis.settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _answers_are_as_described() -> Iterator[None]:
    _found.clear()
    yield
    assert not _found, "\n".join(_found)
