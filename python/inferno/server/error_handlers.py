"""The one table from errors to HTTP. Nothing else in Inferno knows a status code of a failure."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from inferno import errors
from inferno.models.registry import ModelNotFound
from inferno.server import refusals
from inferno.server.error_shapes import shape_of
from inferno.server.near_paths import advice
from inferno.server.versions import missing_version
from inferno.server.wire.errors import Failure

LONGEST_PATH_SHOWN = 100


@dataclass(frozen=True, slots=True)
class HttpError:
    """``shown`` is False where the message of the error is for the log and not for the client."""

    status: int
    type: str
    code: str
    shown: bool = True


TABLE: dict[type[BaseException], HttpError] = {
    errors.InvalidArgument: HttpError(400, "invalid_request_error", "invalid_value"),
    errors.ContextLengthExceeded: HttpError(400, "invalid_request_error", "context_length_exceeded"),
    errors.InvalidImage: HttpError(400, "invalid_request_error", "invalid_image"),
    errors.ImagesUnsupported: HttpError(400, "invalid_request_error", "model_does_not_support_images"),
    errors.InvalidAudio: HttpError(400, "invalid_request_error", "invalid_audio"),
    errors.AudioUnsupported: HttpError(400, "invalid_request_error", "model_does_not_support_audio"),
    refusals.ImageUrlNotAllowed: HttpError(400, "invalid_request_error", "image_url_not_allowed"),
    errors.Unsupported: HttpError(400, "invalid_request_error", "unsupported_parameter"),
    refusals.UnsupportedParameter: HttpError(400, "invalid_request_error", "unsupported_parameter"),
    refusals.UnknownParameter: HttpError(400, "invalid_request_error", "unknown_parameter"),
    refusals.InvalidKey: HttpError(401, "authentication_error", "invalid_api_key"),
    refusals.ForeignPage: HttpError(403, "permission_error", "host_not_allowed"),
    refusals.SwitchedOff: HttpError(403, "permission_error", "not_allowed"),
    refusals.NotOffered: HttpError(403, "permission_error", "not_offered"),
    errors.NotFound: HttpError(404, "not_found_error", "not_found"),
    ModelNotFound: HttpError(404, "not_found_error", "model_not_found"),
    refusals.RequestTimeout: HttpError(408, "invalid_request_error", "request_timeout"),
    refusals.BodyTooLarge: HttpError(413, "invalid_request_error", "body_too_large"),
    errors.QueueFull: HttpError(429, "rate_limit_error", "queue_full"),
    refusals.ClientLeft: HttpError(499, "server_error", "cancelled"),
    ClientDisconnect: HttpError(499, "server_error", "cancelled"),
    errors.DeadlineExceeded: HttpError(504, "timeout_error", "deadline_exceeded"),
    errors.Cancelled: HttpError(503, "server_error", "cancelled"),
    errors.Unavailable: HttpError(503, "server_error", "unavailable"),
    errors.OutOfMemory: HttpError(503, "server_error", "out_of_memory"),
    errors.InfernoError: HttpError(500, "server_error", "internal", shown=False),
    Exception: HttpError(500, "server_error", "internal", shown=False),
}

METHOD_NOT_ALLOWED = 405
HTTP_EXCEPTIONS = {
    404: HttpError(404, "not_found_error", "not_found"),
    METHOD_NOT_ALLOWED: HttpError(METHOD_NOT_ALLOWED, "invalid_request_error", "method_not_allowed"),
}

logger = logging.getLogger(__name__)


def http_error(error: Exception) -> HttpError:
    """The row of the nearest class of the error."""
    return next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)


def failure_of(error: Exception, request_id: str) -> Failure:
    """What the client is told. What is not meant for clients is replaced by the request id to ask for."""
    row = http_error(error)
    message = str(error) if row.shown else f"the server failed; its log has the reason under request id {request_id}"
    param = error.param if isinstance(error, errors.InfernoError) and row.shown else None
    return Failure(row.status, row.type, row.code, message, param, request_id)


def answer_to(error: Exception, scope: Scope) -> Response:
    """The whole HTTP answer to an error, in the envelope of the API that was asked. Logs what is not for clients."""
    request_id: str = scope["state"]["request_id"]
    if isinstance(error, HTTPException):
        return _response(_failure_of_routing(error, scope, request_id), scope, error.headers)
    if not http_error(error).shown:
        log_failure(logger, error, request_id)
    return _response(failure_of(error, request_id), scope, _headers(error))


def log_failure(log: logging.Logger, error: BaseException, request_id: str) -> None:
    """Log where an error came from. Without the message of a foreign exception, which may hold prompt text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    reason = str(error) if isinstance(error, errors.InfernoError) else "message withheld"
    log.error("request %s failed: %s (%s)\n%s", request_id, type(error).__name__, reason, frames)


def _failure_of_routing(error: HTTPException, scope: Scope, request_id: str) -> Failure:
    """Starlette's: no such path, or not with this method."""
    row = HTTP_EXCEPTIONS.get(error.status_code) or HttpError(error.status_code, "server_error", "internal")
    path: str = scope["path"][:LONGEST_PATH_SHOWN]
    shown = f"{scope['method']} {path}: {error.detail.lower()}; {_advice(error, path, scope)}"
    return Failure(row.status, row.type, row.code, missing_version(path) or shown, None, request_id)


def _advice(error: HTTPException, path: str, scope: Scope) -> str:
    if error.status_code == METHOD_NOT_ALLOWED and error.headers:
        return f"it takes {error.headers['Allow']}"
    return advice(path, sorted({route.path for route in scope["app"].routes if isinstance(route, Route)}))


def _response(failure: Failure, scope: Scope, headers: Mapping[str, str] | None) -> Response:
    body = shape_of(scope["path"])(failure)
    return Response(body, failure.status, headers, media_type="application/json")


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, errors.QueueFull):
        return {
            "retry-after": str(max(1, math.ceil(error.retry_after))),
            "retry-after-ms": str(math.ceil(error.retry_after * 1000)),
        }
    if isinstance(error, refusals.Draining | refusals.RequestTimeout):
        return {"connection": "close"}
    if isinstance(error, refusals.InvalidKey):
        return {"www-authenticate": "Bearer"}
    return {}
