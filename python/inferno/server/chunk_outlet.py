"""The short way of a body to its client: what uvicorn's ``send`` would write, without a message and a task for each."""

from __future__ import annotations

from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from inferno.engine.text_frame import TextFrame


class ChunkOutlet:
    """An :class:`~inferno.server.outlet.Outlet`. Each piece is a chunk of HTTP's, and one write."""

    __slots__ = ("_cycle", "_flow", "_write", "silent")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        assert cycle.chunked_encoding or cycle.disconnected
        self._cycle = cycle
        self._flow = cycle.flow
        self._write = cycle.transport.write
        self.silent = False

    def write(self, data: bytes) -> bool:
        return self._write_chunk(b"%x\r\n%b\r\n" % (len(data), data))

    def _write_chunk(self, chunk: bytes) -> bool:
        self.silent = False
        # A client that has left is told of by receive(); until then nothing is written, as in uvicorn's send().
        if not self._cycle.disconnected:
            self._write(chunk)
        return not self._flow.write_paused

    async def drained(self) -> None:
        await self._flow.drain()
        if self._cycle.disconnected:
            raise ConnectionResetError

    def framed(self, frame: TextFrame) -> tuple[TextFrame, Callable[[bytes], bool]]:
        return frame.chunked(), self._write_chunk
