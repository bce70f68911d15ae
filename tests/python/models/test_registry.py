from __future__ import annotations

import pytest

from inferno.errors import ConfigError, NotFound
from inferno.models.registry import ModelRegistry
from server.fake_client import FakeClient


class Stubborn(FakeClient):
    async def aclose(self) -> None:
        raise RuntimeError("will not")


async def test_names_lead_to_engines_and_unknown_ones_to_the_list() -> None:
    a, b = FakeClient("a"), FakeClient("b")
    registry = ModelRegistry({"a": a, "b": b}, default="b")
    assert registry.names() == ("a", "b")
    assert registry.get("a") is a
    assert registry.get(registry.default) is b
    with pytest.raises(NotFound, match=r"'c' is not served here; served: a, b") as caught:
        registry.get("c")
    assert caught.value.param == "model"


async def test_the_default_must_be_served() -> None:
    with pytest.raises(ConfigError, match="'x'"):
        ModelRegistry({"a": FakeClient("a")}, default="x")


async def test_one_failed_engine_makes_the_whole_unhealthy() -> None:
    a, b = FakeClient("a"), FakeClient("b")
    registry = ModelRegistry({"a": a, "b": b}, default="a")
    assert registry.healthy
    b.healthy = False
    assert not registry.healthy


async def test_closing_stops_all_engines_even_if_one_fails() -> None:
    a, b = Stubborn("a"), FakeClient("b")
    with pytest.raises(RuntimeError, match="will not"):
        await ModelRegistry({"a": a, "b": b}, default="a").aclose()
    assert b.closed
