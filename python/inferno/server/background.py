"""Responses that are made while nobody is connected: bounded, cancelled on demand, waited for when the server stops."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from dataclasses import dataclass, field

from inferno.engine.delta import Delta, RequestStream, TokenStream
from inferno.errors import InfernoError, QueueFull
from inferno.server.drain import Drain
from inferno.server.error_handlers import failure_of, log_failure
from inferno.server.event_log import EventLog
from inferno.server.exchange import Exchange
from inferno.server.keeping import Keeping
from inferno.server.making import Making
from inferno.server.presence import while_not
from inferno.server.readers import Readers
from inferno.server.refusals import GivenUp
from inferno.server.running import Running
from inferno.server.wire.responses.body import ResponseBody
from inferno.server.wire.responses.draft import Events
from inferno.server.wire.responses.events import framed

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Run:
    """One of them. ``log`` is there where its stream was asked for; ``stream`` is None while the engine is full."""

    making: Making
    keeping: Keeping
    exchange: Exchange
    request_id: str
    log: EventLog | None
    stream: TokenStream | None = None
    given_up: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    task: asyncio.Task[None] | None = None

    @property
    def body(self) -> ResponseBody:
        """The response as it stands."""
        return self.making.answer.body

    @property
    def tenant(self) -> str:
        return self.keeping.tenant

    def take(self, delta: Delta) -> None:
        answer = self.making.answer
        self.tell(answer.started())
        self.making.tally.take(delta)
        self.tell(answer.told(delta))

    def tell(self, events: Events) -> None:
        if self.log is not None:
            self.log.add([framed(event) for event in events])

    async def cancelled(self) -> None:
        """Give it up, which frees what it holds at the engine's next step, and wait until that is written down."""
        if not self.given_up.done():
            self.given_up.set_result(None)
        if self.task is not None:
            await asyncio.wait({self.task})


class Background:
    """Belongs to one loop. ``most`` may run or wait at once."""

    def __init__(self, drain: Drain, running: Running, *, most: int) -> None:
        self._drain = drain
        self._running = running
        self._most = most
        self._runs: dict[str, Run] = {}

    def find(self, tenant: str, id_: str) -> Run | None:
        """One that is not at its end."""
        run = self._runs.get(id_)
        return run if run is not None and run.tenant == tenant else None

    async def start(self, run: Run) -> None:
        """Keep and begin it. Raises QueueFull, or what the engine or the store refuses it with; then nothing of it is
        left."""
        if len(self._runs) >= self._most:
            raise QueueFull(f"{self._most} responses are made in the background, which is the limit")
        self._runs[run.body.id] = run
        try:
            run.stream = await self._submitted_or_not(run)
            run.tell(run.making.answer.opening())
            await run.keeping.begin(run.body)
        except BaseException:
            del self._runs[run.body.id]
            if run.stream is not None:
                await run.stream.aclose()
            raise
        run.task = asyncio.create_task(self._make(run))

    async def aclose(self) -> None:
        """Wait for those that run; they must have been told to stop, by the drain."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def _submitted_or_not(self, run: Run) -> RequestStream | None:
        try:
            return await self._submitted(run)
        except QueueFull:
            return None

    async def _submitted(self, run: Run) -> RequestStream:
        stream = await run.making.submit()
        self._running.add(run.tenant, run.body.id, stream)
        return stream

    async def _read(self, run: Run) -> None:
        while run.stream is None:
            try:
                run.stream = await self._submitted(run)
            except QueueFull as full:
                await asyncio.sleep(full.retry_after)
        await run.stream.pour(Readers(run.take))

    async def _make(self, run: Run) -> None:
        with ExitStack() as stack:
            try:
                stopped = stack.enter_context(self._drain.admit())
                await while_not(self._read(run), run.given_up, stopped)
                body = _complete(run)
            except Exception as error:
                body = _ended_by(run, error)
            finally:
                if run.stream is not None:
                    await run.stream.aclose()
            try:
                await run.keeping.finish(body, None if run.log is None else run.log.packed())
            except InfernoError as error:
                log_failure(logger, error, run.request_id)
            finally:
                del self._runs[body.id]
                if run.log is not None:
                    run.log.end()


def _complete(run: Run) -> ResponseBody:
    tally, answer = run.making.tally, run.making.answer
    tally.check_complete()
    body = answer.ended(tally.usage)
    run.tell(answer.ending(tally.usage))
    run.exchange.finished(tally)
    return body


def _ended_by(run: Run, error: Exception) -> ResponseBody:
    answer = run.making.answer
    run.exchange.failed(error)
    failure = failure_of(error, run.request_id)
    if isinstance(error, GivenUp):
        # The stream has no event of its own for this.
        run.tell([answer.error(failure)])
        return answer.cancelled()
    if not isinstance(error, InfernoError):
        log_failure(logger, error, run.request_id)
    run.tell(answer.failing(failure))
    return answer.failed(failure)
