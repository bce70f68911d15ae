"""``GET /openapi.json``: what this server answers to. ``GET /docs``: a page to read and try it, which fetches nothing
from elsewhere; it is also what stands at ``/``, where browsers go first and clients look whether anybody is there."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.server.near_paths import DOCS_PATH
from inferno.server.operation import JSON, Operation

FRONT_PATH = "/"
OPENAPI_PATH = "/openapi.json"
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


async def openapi(request: Request) -> Response:
    return Response(_document(), media_type=JSON)


async def docs(request: Request) -> Response:
    page, policy = _page()
    return Response(page, headers={"content-security-policy": policy}, media_type="text/html")


async def front(request: Request) -> Response:
    return await docs(request)


@cache
def _document() -> bytes:
    # Here, since the table has these routes too.
    from inferno.server.openapi import describe
    from inferno.server.operations import OPERATIONS

    return msgspec.json.encode(describe(OPERATIONS))


@cache
def _page() -> tuple[str, str]:
    """The page, and the policy by which it runs its own script and talks to its own server, and nothing else."""
    page = (files("inferno.server") / "docs.html").read_text(encoding="utf-8")
    allowed = {kind: _digest(text) for kind, text in _INLINE.findall(page)}
    policy = (
        f"default-src 'none'; script-src {allowed['script']}; style-src {allowed['style']}; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page, policy


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


OPERATIONS = (
    Operation(
        method="GET", path=OPENAPI_PATH, endpoint=openapi, tag="Operation", summary="Describe this API", answer=dict
    ),
    Operation(
        method="GET",
        path=DOCS_PATH,
        endpoint=docs,
        tag="Operation",
        summary="Show the page to read and try this API",
        media="text/html",
        open=True,
    ),
    Operation(
        method="GET",
        path=FRONT_PATH,
        endpoint=front,
        tag="Operation",
        summary="Show that page where a browser looks first",
        media="text/html",
        open=True,
    ),
)
