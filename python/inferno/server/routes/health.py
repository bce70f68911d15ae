"""``GET /health/live``: the process answers. ``GET /health/ready``: it takes work."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.server.operation import JSON, Operation
from inferno.server.services import services_of

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"


class Health(msgspec.Struct, frozen=True):
    """``ready`` and ``live`` come with 200, the others with 503."""

    status: Literal["live", "ready", "draining", "failed"]


async def live(request: Request) -> Response:
    return _response(Health("live"))


async def ready(request: Request) -> Response:
    services = services_of(request)
    if services.drain.draining:
        return _response(Health("draining"), 503)
    if not services.registry.healthy:
        return _response(Health("failed"), 503)
    return _response(Health("ready"))


def _response(health: Health, status_code: int = 200) -> Response:
    return Response(msgspec.json.encode(health), status_code, media_type=JSON)


OPERATIONS = (
    Operation(
        method="GET",
        path=LIVE_PATH,
        endpoint=live,
        tag="Operation",
        summary="Say that the process answers",
        answer=Health,
        open=True,
    ),
    Operation(
        method="GET",
        path=READY_PATH,
        endpoint=ready,
        tag="Operation",
        summary="Say whether it takes work",
        answer=Health,
        unready=True,
    ),
)
