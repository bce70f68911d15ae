"""Runs the application in uvicorn: the signals, and the way down."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from inferno.server.connection import connection_of
from inferno.server.drain import Drain
from inferno.server.listener import BACKLOG, Listener
from inferno.server.settings import ListenSettings

OBJECTS_BETWEEN_COLLECTIONS = 10_000

CLOSING_SECONDS = 2
"""What connections get to say goodbye and close once the server stops."""

logger = logging.getLogger(__name__)


def serve(app: Starlette, settings: ListenSettings, listener: Listener, *, on_listening: Callable[[], None]) -> int:
    """Serve until SIGTERM or SIGINT; returns 0.

    The first signal ends readiness at once and lets running generations finish within the grace time; a second one
    stops now. Raises ConfigError when the address cannot be listened on.
    """
    _spare_the_collector()
    Server(app, settings, on_listening).run(sockets=[listener.open()])
    return 0


def _spare_the_collector() -> None:
    """What is loaded by now lives as long as the server: Python's collector of cycles need not look at it again and
    again. It is also to look less often: a busy server has thousands of objects that end in order, without cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


class Server(uvicorn.Server):
    """Uvicorn with our way down. ``loop`` is the one it runs on, once it does."""

    def __init__(self, app: Starlette, settings: ListenSettings, on_started: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http=connection_of(settings.receive_seconds, settings.send_seconds),
            access_log=False,
            log_config=None,
            log_level="warning",
            ws="none",
            lifespan="on",
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
        super().__init__(config)
        self._drain: Drain = app.state.services.drain
        self._grace_seconds = settings.grace_seconds
        self._on_started = on_started
        self.loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._on_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Runs in a signal handler. Not uvicorn's, which would raise the signal again when all is done."""
        if self.loop is None or self._drain.draining:
            self.force_exit = self.should_exit = True
            self._drain.begin()
            return
        self._drain.begin()
        self.loop.call_soon_threadsafe(self._start_draining)

    def _start_draining(self) -> None:
        self._draining = asyncio.ensure_future(self._finish())

    async def _finish(self) -> None:
        """Give the running generations their grace."""
        if self._drain.running:
            logger.warning(
                "stopping: %d running get up to %g s (--grace); the same signal again stops now",
                self._drain.running,
                self._grace_seconds,
            )
        await self._drain.wait_idle(self._grace_seconds)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Generations that still run tell their clients why they end.
        self._drain.expire()
        await super().shutdown(sockets)
        if self.force_exit:
            # Uvicorn would leave the application's end to the cancelling of its task, and log that as a failure.
            await self.lifespan.shutdown()
