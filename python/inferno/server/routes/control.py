"""``POST /v1/chat/completions/control``: what can be done to an answer that is being made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from inferno.server.operation import JSON, Operation
from inferno.server.services import services_of
from inferno.server.wire.decode import decode

PATH = "/v1/chat/completions/control"


class ControlRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``id`` is that of a chat completion, a message or a response, as its first event has it. ``reasoning_end``: the
    model stops thinking, and answers."""

    id: Annotated[str, Meta(min_length=1, max_length=256)]
    action: Literal["reasoning_end"]


class Controlled(msgspec.Struct, frozen=True, kw_only=True):
    """It was told; it takes effect at the engine's next step, and changes nothing where no thought runs any more."""

    id: str
    object: Literal["chat.completion.control"] = "chat.completion.control"
    action: Literal["reasoning_end"]


DECODER = msgspec.json.Decoder(ControlRequest)


async def control_completion(request: Request) -> Response:
    ask = decode(await request.body(), DECODER)
    services_of(request).running.end_thought(request.state.tenant, ask.id)
    return Response(msgspec.json.encode(Controlled(id=ask.id, action=ask.action)), media_type=JSON)


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=control_completion,
        tag="Chat",
        summary="End the thought of an answer that is being made",
        body=ControlRequest,
        answer=Controlled,
        example={"id": "chatcmpl-0", "action": "reasoning_end"},
    ),
)
