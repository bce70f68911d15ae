"""What is said of a body that is not what was asked for."""

from __future__ import annotations

import msgspec
import pytest

from inferno.errors import InvalidArgument
from inferno.server.wire.decode import convert, decode, decode_query


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    parts: list[Inner] = []


OUTER = msgspec.json.Decoder(Outer)


@pytest.mark.parametrize(
    ("body", "param"), [(b"{}", "name"), (b'{"name": "a", "parts": [{"size": 1}, {}]}', "parts[1].size")]
)
def test_a_missing_field_is_named_with_its_place(body: bytes, param: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode(body, OUTER)
    assert (caught.value.message, caught.value.param) == (f"'{param}' is missing", param)


def test_a_missing_field_of_a_part_is_named_with_the_part() -> None:
    with pytest.raises(InvalidArgument, match=r"'tools\[0\].size' is missing"):
        convert({}, Inner, "tools[0]")
    with pytest.raises(InvalidArgument, match="'size' is missing"):
        decode_query({}, Inner)


def test_an_empty_body_is_told_from_a_broken_one() -> None:
    with pytest.raises(InvalidArgument, match="the request has no body: it must be a JSON object"):
        decode(b"", OUTER)
    with pytest.raises(InvalidArgument, match="the request body is not valid JSON"):
        decode(b'{"name": "a"', OUTER)
