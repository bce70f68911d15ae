"""Gives every request an id: the client's if it is plain, else a new one. It is in the answer and in every log line."""

from __future__ import annotations

import re

from starlette.types import Scope

from inferno.security.randomness import unguessable
from inferno.server.answer_head import head_of
from inferno.server.request_headers import header

HEADER = b"x-request-id"
ANTHROPIC_HEADER = b"request-id"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,128}")


def give_id(scope: Scope) -> None:
    """Sets ``scope["state"]["request_id"]``."""
    presented = header(scope, HEADER)
    request_id = presented if presented and _PLAIN.fullmatch(presented) else unguessable().hex()
    scope["state"]["request_id"] = request_id
    encoded = request_id.encode("ascii")
    head_of(scope).headers += [(HEADER, encoded), (ANTHROPIC_HEADER, encoded)]
