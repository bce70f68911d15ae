"""HTTP/1.1 responses and server-sent events, without I/O: bytes in any portions go in, event payloads come out."""

from __future__ import annotations


class ProtocolError(Exception):
    """The server's bytes are not an HTTP/1.1 response."""


class EventParser:
    """Splits a ``text/event-stream`` into the payloads of its ``data`` lines. Comments and other fields are dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that ``data`` completes."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]


class ResponseParser:
    """One response. ``feed`` returns the body bytes it completes; ``done`` says that the body has ended."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.done = False
        self._buffer = b""
        self._left: int | None = None
        """Body bytes to come: of this chunk when chunked, else of all; None: until the connection ends."""
        self._chunked = False
        self._in_trailer = False

    def feed(self, data: bytes) -> bytes:
        """Raises ProtocolError for bytes that no HTTP/1.1 server sends."""
        self._buffer += data
        if self.status is None and not self._take_head():
            return b""
        return self._take_chunks() if self._chunked else self._take_plain()

    def end(self) -> None:
        """The connection has ended. Raises ProtocolError when that cuts the response off."""
        if self.status is not None and not self._chunked and self._left is None:
            self.done = True
        if not self.done:
            raise ProtocolError("the connection ended before the response did")

    def _take_head(self) -> bool:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        parts = first.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
            raise ProtocolError("the first line is not an HTTP/1.1 status line")
        self.status = int(parts[1])
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self._chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        length = self.headers.get("content-length", "")
        self._left = int(length) if length.isdigit() and not self._chunked else None
        self._buffer = rest
        return True

    def _take_plain(self) -> bytes:
        body, self._buffer = self._buffer, b""
        if self._left is not None:
            body = body[: self._left]
            self._left -= len(body)
            self.done = self._left == 0
        return body

    def _take_chunks(self) -> bytes:
        body = []
        while not self.done:
            if self._left is None and not self._take_chunk_size():
                break
            if self._left is None:
                continue
            if len(self._buffer) < self._left + 2:  # the chunk's own line end
                break
            body.append(self._buffer[: self._left])
            if self._buffer[self._left : self._left + 2] != b"\r\n":
                raise ProtocolError("a chunk is longer than it says")
            self._buffer = self._buffer[self._left + 2 :]
            self._left = None
        return b"".join(body)

    def _take_chunk_size(self) -> bool:
        """False when the line is not there yet. The chunk of size 0 begins the trailer, which an empty line ends."""
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        if self._in_trailer:
            self.done = line == b""
            return True
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise ProtocolError("a chunk's size is not a hexadecimal number") from None
        self._in_trailer = size == 0
        self._left = None if size == 0 else size
        return True
