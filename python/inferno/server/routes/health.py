"""``GET /health/live``: the process answers. ``GET /health/ready``: it takes work."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inferno.server.services import services_of

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"


async def live(request: Request) -> Response:
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    services = services_of(request)
    if services.drain.draining:
        return JSONResponse({"status": "draining"}, status_code=503)
    if not services.registry.healthy:
        return JSONResponse({"status": "failed"}, status_code=503)
    return JSONResponse({"status": "ready"})
