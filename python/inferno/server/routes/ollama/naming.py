"""Which model an Ollama client means."""

from __future__ import annotations

from starlette.requests import Request

from inferno.engine.client import EngineClient
from inferno.server.services import services_of
from inferno.server.wire.ollama.models import LATEST


def named(request: Request, model: str) -> tuple[str, EngineClient]:
    """The served name and its engine: ``ember:latest`` is ``ember``. Raises ModelNotFound."""
    registry = services_of(request).registry
    name = model if model in registry.names() else model.removesuffix(LATEST)
    return name, registry.get(name)
