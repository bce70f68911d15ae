"""Files in requests, as base64. Pure."""

from __future__ import annotations

import base64
import binascii

from inferno.errors import InvalidArgument


def file_of(payload: str, param: str, *, most: int, refusal: type[InvalidArgument]) -> bytes:
    """Raises ``refusal`` for what is no base64, and for a file of more than ``most`` bytes."""
    if len(payload) > most * 4 // 3 + 4:
        raise refusal(f"'{param}' holds a file larger than the limit of {most} bytes", param=param)
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise refusal(f"'{param}' holds no base64", param=param) from None
