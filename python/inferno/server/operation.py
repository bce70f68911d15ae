"""One method of one path: what serves it, and the types of what crosses it. Routes and API description come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``body``, ``answer`` and ``chunk`` are the msgspec types that decode and encode: a request's JSON, an answer's,
    and one server-sent event's. An answer without a type is of media type ``media``."""

    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    tag: str
    """The heading it stands under in the API's description."""
    summary: str
    body: Any = None
    answer: Any = None
    chunk: Any = None
    media: str = JSON
    generates: bool = False
    """It is work for a model: refused while the server is stopping, and waited for."""
