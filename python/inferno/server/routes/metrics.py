"""``GET /metrics``, for Prometheus."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from inferno.server.operation import Operation
from inferno.server.services import services_of

PATH = "/metrics"


async def metrics(request: Request) -> Response:
    return Response(generate_latest(services_of(request).metrics), headers={"content-type": CONTENT_TYPE_LATEST})


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        endpoint=metrics,
        tag="Operation",
        summary="Tell Prometheus what was counted",
        media=CONTENT_TYPE_LATEST,
    ),
)
