"""What the routes work with, put together once by ``app.py``."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from starlette.requests import Request

from inferno.metrics.recorder import Recorder
from inferno.models.adapters import AdapterShelf
from inferno.models.registry import ModelRegistry
from inferno.server.answer_head import head_of
from inferno.server.background import Background
from inferno.server.drain import Drain
from inferno.server.exchange import Exchange
from inferno.server.remote_images import RemoteImages
from inferno.server.running import Running
from inferno.server.settings import ServerSettings
from inferno.storing.store import RecordStore


@dataclass(frozen=True, slots=True)
class Services:
    registry: ModelRegistry
    settings: ServerSettings
    drain: Drain
    recorder: Recorder
    metrics: CollectorRegistry
    images: RemoteImages
    adapters: AdapterShelf | None
    """What may be loaded while the server runs; None: nothing."""
    responses: RecordStore | None
    """None: nothing outlives its request."""
    background: Background
    running: Running


def services_of(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


def exchange_of(request: Request, endpoint: str) -> Exchange:
    """A new one, of this request."""
    return Exchange(services_of(request).recorder, endpoint, head_of(request.scope))
