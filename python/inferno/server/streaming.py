"""A generation as a stream. Knows no endpoint: what the events say, and how they are framed, is the answer's."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from inferno.engine.delta import Delta
from inferno.errors import InfernoError
from inferno.server.error_handlers import failure_of, log_failure
from inferno.server.generation import Generation
from inferno.server.keep_alive import KeepAlive
from inferno.server.outlet import Outlet, body, outlet_of
from inferno.server.presence import while_wanted
from inferno.server.refusals import ClientLeft

HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}

logger = logging.getLogger(__name__)


class EventStream(Response):
    """Sends events as deltas come, then the answer's last ones, or those of a failure in the middle.

    A client that leaves closes the stream at once, which cancels the generation.
    """

    def __init__(self, generation: Generation, *, keep_alive_seconds: float, headers: Mapping[str, str]) -> None:
        # Not Response's own constructor: that one sets a content-length.
        self.status_code = 200
        self.media_type = generation.answer.framing.media_type
        self.background = None
        self.init_headers({**HEADERS, **headers})
        self._generation = generation
        self._keep_alive_seconds = keep_alive_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        generation = self._generation
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            tail = await self._serve(scope, receive, send)
            await send(body(tail, more=False))
        except (ClientLeft, OSError):
            generation.exchange.failed(ClientLeft("the client closed the connection"))
        except BaseException as error:
            generation.exchange.failed(error)
            raise
        finally:
            await generation.stream.aclose()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> bytes:
        """Send all deltas; returns the events that end the stream. Raises ClientLeft."""
        generation = self._generation
        answer = generation.answer
        outlet = outlet_of(scope, send)
        keep_alive = KeepAlive(outlet, answer.framing.keep_alive, self._keep_alive_seconds)
        try:
            opening = answer.first_events()
            if opening:
                await send(body(opening, more=True))
            writer = _Writer(generation, outlet)
            await while_wanted(generation.stream.pour(writer), receive, generation.stopped)
            generation.tally.check_complete()
            if generation.keep is not None:
                if last := writer.take_last():
                    await send(body(last, more=True))
                await generation.keep(generation.tally.usage)
            generation.exchange.finished(generation.tally)
            return writer.take_last() + answer.last_events(generation.tally.usage)
        except (ClientLeft, OSError):
            raise
        except Exception as error:
            request_id: str = scope["state"]["request_id"]
            if not isinstance(error, InfernoError):
                log_failure(logger, error, request_id)
            generation.exchange.failed(error)
            return answer.failure_events(failure_of(error, request_id))
        finally:
            await keep_alive.stop()


class _Writer:
    """A :class:`~inferno.engine.delta.DeltaSink`: each delta's events, as it comes, into the outlet. Those of the last
    one wait for what ends the stream, to be one write with it. Once a choice says nothing but text, its events come as
    they are."""

    def __init__(self, generation: Generation, outlet: Outlet) -> None:
        self._stream = generation.stream
        self._tally = generation.tally
        self._events = generation.answer.events
        self._frame = generation.answer.frame
        self._write = outlet.write
        self._framed = outlet.framed
        self._last = b""
        self.ready = outlet.drained

    def take(self, delta: Delta) -> bool:
        tally = self._tally
        tally.take(delta)
        data = self._events(delta)
        if tally.complete:
            self._last = data
            return True
        if not data:
            return True
        more = self._write(data)
        if more and (frame := self._frame(delta.index)) is not None:
            self._stream.frame(delta.index, *self._framed(frame))
        return more

    def take_last(self) -> bytes:
        """What is still to be sent of the last delta, once."""
        data, self._last = self._last, b""
        return data
