"""Which models are served: name to engine. Knows neither HTTP nor how an engine came to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inferno.engine.adapted import AdaptedClient
from inferno.engine.client import EngineClient
from inferno.errors import ConfigError, NotFound

LONGEST_NAME_SHOWN = 100


class ModelNotFound(NotFound):
    """The request names a model that is not served."""

    code = "model_not_found"


class ModelRegistry:
    """A fixed set of engines by served name, which it owns: :meth:`aclose` stops them."""

    def __init__(self, clients: Mapping[str, EngineClient], *, default: str) -> None:
        """``default`` serves requests that name no model. Raises ConfigError if it is not among ``clients``."""
        if default not in clients:
            raise ConfigError(f"the default model {default!r} is not among the served ones: {', '.join(clients)}")
        self._clients = dict(clients)
        self._default = default

    @property
    def default(self) -> str:
        return self._default

    def names(self) -> tuple[str, ...]:
        """Served names, in the order given; behind each model, ``MODEL:ADAPTER`` for each of its adapters."""
        return tuple(
            name for model, client in self._clients.items() for name in (model, *_with_adapters(model, client))
        )

    def get(self, name: str) -> EngineClient:
        """The engine of a served name, seen through the adapter that is named. Raises ModelNotFound, which lists the
        served names."""
        client = self._clients.get(name)
        if client is not None:
            return client
        for model, with_adapters in self._clients.items():
            if name in _with_adapters(model, with_adapters):
                return AdaptedClient(with_adapters, name.removeprefix(f"{model}:"), name)
        raise ModelNotFound(
            f"the model {name[:LONGEST_NAME_SHOWN]!r} is not served here; served: {', '.join(self.names())}",
            param="model",
        )

    @property
    def healthy(self) -> bool:
        """Whether every engine is."""
        return all(client.healthy for client in self._clients.values())

    def stats(self) -> dict[str, Mapping[str, Any]]:
        """The counters of every engine, by served name."""
        return {name: client.stats() for name, client in self._clients.items()}

    async def aclose(self) -> None:
        """Stop every engine, whatever becomes of the others; then raise the first failure, if any. Idempotent."""
        failures: list[Exception] = []
        for client in self._clients.values():
            try:
                await client.aclose()
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]


def _with_adapters(model: str, client: EngineClient) -> list[str]:
    return [f"{model}:{adapter}" for adapter in client.adapters]
