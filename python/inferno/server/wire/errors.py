"""What a failure says to a client, and how the OpenAI API writes it: all four keys, and the code is a string."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal or failure, whichever the API. ``type`` and ``code`` are OpenAI's words, ``param`` the field meant."""

    status: int
    type: str
    code: str
    message: str
    param: str | None
    request_id: str


class ErrorBody(msgspec.Struct, frozen=True):
    message: str
    type: str
    param: str | None
    code: str


class ErrorEnvelope(msgspec.Struct, frozen=True):
    error: ErrorBody


def openai_error(failure: Failure) -> bytes:
    """The error envelope as JSON."""
    body = ErrorBody(message=failure.message, type=failure.type, param=failure.param, code=failure.code)
    return msgspec.json.encode(ErrorEnvelope(body))
