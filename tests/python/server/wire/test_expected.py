"""What a wrong value should have been, as its sender reads it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest

from inferno.errors import InvalidArgument
from inferno.server.wire.decode import decode


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1
    stop: str | list[str] | None = None
    name: Annotated[str, msgspec.Meta(min_length=2)] = "ab"
    count: int = 1


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"share": 1.5}, "'share' is 1.5: expected a number of at most 1.0"),
        ({"share": -1}, "'share' is -1: expected a number of at least 0.0"),
        ({"share": "x"}, "'share' is \"x\": expected a number, got a string"),
        ({"stop": 2.5}, "'stop' is 2.5: expected a string or a list or null, got a number"),
        ({"stop": [1]}, "'stop[0]' is 1: expected a string, got an integer"),
        ({"name": ""}, "'name' is \"\": expected a string of length at least 2"),
        ({"count": True}, "'count' is true: expected an integer, got a boolean"),
        ([], "the request body: expected an object, got a list"),
    ],
)
def test_kinds_and_bounds_are_named_in_words(sent: Any, told: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode(msgspec.json.encode(sent), msgspec.json.Decoder(Ask))
    assert caught.value.message == told
