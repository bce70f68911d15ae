"""A request as the routes have it: its body is read no further than this server takes it."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from inferno.server.connection import OVERDUE
from inferno.server.refusals import BodyTooLarge, RequestTimeout
from inferno.server.services import services_of


class Incoming(Request):
    async def body(self) -> bytes:
        """The whole of it, once. How long it may take, the connection knows, which wakes who waits for it then.

        Raises BodyTooLarge, RequestTimeout and ClientDisconnect.
        """
        most = services_of(self).settings.body_limit_bytes
        pieces: list[bytes] = []
        received = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece: bytes = message.get("body", b"")
            received += len(piece)
            if received > most:
                raise body_too_large(f"is longer than {most} bytes", most)
            pieces.append(piece)
            if not message.get("more_body"):
                return b"".join(pieces)
            if (seconds := self.scope["state"].get(OVERDUE)) is not None:
                raise RequestTimeout(f"the request did not come within {seconds:g} seconds")


def body_too_large(what: str, most: int) -> BodyTooLarge:
    return BodyTooLarge(f"the request body {what}; this server takes at most {most}")
