"""A generation as a stream. Knows no endpoint: what the events say, and how they are framed, is the answer's."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from inferno.errors import InfernoError
from inferno.server.error_handlers import failure_of, log_failure
from inferno.server.generation import Generation
from inferno.server.keep_alive import KeepAlive
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
            await send(_body(tail, more=False))
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
        keep_alive = KeepAlive(send, answer.framing.keep_alive, self._keep_alive_seconds)
        try:
            opening = answer.first_events()
            if opening:
                await send(_body(opening, more=True))
            await while_wanted(self._pump(send, keep_alive), receive, generation.stopped)
            generation.tally.check_complete()
            if generation.keep is not None:
                await generation.keep(generation.tally.usage)
            generation.exchange.finished(generation.tally)
            return answer.last_events(generation.tally.usage)
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

    async def _pump(self, send: Send, keep_alive: KeepAlive) -> None:
        take, events, touch = self._generation.tally.take, self._generation.answer.events, keep_alive.touch
        async for delta in self._generation.stream:
            take(delta)
            data = events(delta)
            if data:
                touch()
                await send(_body(data, more=True))


def _body(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
