"""One method of one path: what serves it, and the types of what crosses it. Routes and API description come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from inferno.server.wire.errors import ErrorEnvelope
from inferno.server.wire.framing import OPENAI_EVENTS, Framing

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """An operation that clients should leave for another. ``since`` is Unix time."""

    since: int
    successor: str
    """The path that takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``body``, ``answer``, ``chunk`` and ``failure`` are the msgspec types that decode and encode: a request's JSON,
    an answer's, one piece's of a stream, a refusal's. ``query`` is a struct whose fields are the parameters behind
    the path. An answer without a type is of media type ``media``."""

    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    tag: str
    """The heading it stands under in the API's description."""
    summary: str
    body: Any = None
    query: Any = None
    answer: Any = None
    other_answer: Any = None
    """What it answers the clients of another API that has the same path."""
    chunk: Any = None
    framing: Framing = OPENAI_EVENTS
    """Of a stream of chunks."""
    failure: Any = ErrorEnvelope
    example: Mapping[str, Any] | None = None
    """A body that any model of the right kind answers."""
    media: str = JSON
    packed: str | None = None
    """Another media type that an answer may have, where the request asks for it."""
    unready: bool = False
    """Its answer comes with 503 while it says no."""
    generates: bool = False
    """It is work for a model: refused while the server is stopping, and waited for."""
    refuses: bool = False
    """It never does what it is called for, and says so."""
    ageing: Ageing | None = None
    open: bool = False
    """It asks for no key, since it tells nothing."""
