"""How Anthropic's API writes a failure, whole and in the middle of a stream. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from inferno.server.wire.errors import Failure

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""By status; what is missing is ``invalid_request_error`` below 500, and ``api_error`` from there on."""


class MessagesErrorBody(msgspec.Struct, frozen=True):
    type: str
    message: str


class MessagesError(msgspec.Struct, frozen=True):
    error: MessagesErrorBody
    request_id: str
    type: Literal["error"] = "error"


def anthropic_error(failure: Failure) -> bytes:
    """The error envelope as JSON."""
    of_class = "invalid_request_error" if failure.status < 500 else "api_error"
    body = MessagesErrorBody(TYPES.get(failure.status, of_class), failure.message)
    return msgspec.json.encode(MessagesError(body, failure.request_id))
