"""Where a field takes one of some words, a refusal names them."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from inferno.errors import InvalidArgument
from inferno.server.operations import OPERATIONS
from inferno.server.wire.decode import decode

CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/chat/completions", {**CHAT, "service_tier": "x"}, "'service_tier' is \"x\": it must be one of auto, "),
        (
            "/v1/chat/completions",
            {**CHAT, "response_format": {"type": "xml"}},
            "'response_format.type' is \"xml\": it must be one of text, json_object, json_schema",
        ),
        (
            "/v1/chat/completions",
            {**CHAT, "tools": [{"type": "web"}]},
            "'tools[0].type' is \"web\": it must be one of function",
        ),
        ("/v1/responses", {"input": "hi", "truncation": "x"}, "'truncation' is \"x\": it must be one of auto, "),
        (
            "/v1/messages",
            {"model": "m", "max_tokens": 1, "messages": [{"role": "x", "content": ""}]},
            "'messages[0].role' is \"x\": it must be one of assistant, system, user",
        ),
    ],
)
def test_they_are_those_of_the_type_that_decodes(path: str, body: dict[str, Any], said: str) -> None:
    wanted = next(one.body for one in OPERATIONS if (one.method, one.path) == ("POST", path))
    with pytest.raises(InvalidArgument, match=re.escape(said)):
        decode(json.dumps(body).encode(), msgspec.json.Decoder(wanted))
