"""How Ollama's API writes a failure, whole and as the last line of a stream. Pure."""

from __future__ import annotations

import msgspec

from inferno.server.wire.errors import Failure


class OllamaError(msgspec.Struct, frozen=True):
    error: str


def ollama_error(failure: Failure) -> bytes:
    return msgspec.json.encode(OllamaError(failure.message))
