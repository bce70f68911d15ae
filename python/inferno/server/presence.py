"""Work that is done only while somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

from inferno.server.refusals import ClientLeft, Draining

T = TypeVar("T")


async def while_wanted(work: Coroutine[Any, Any, T], receive: Receive, stopped: asyncio.Future[None]) -> T:
    """The result of ``work``, which is cancelled, and has ended when this returns, if nobody wants it any more.

    ``receive`` must have given the whole request body already. Raises ClientLeft when the client closed the
    connection, Draining when ``stopped`` was set, and whatever ``work`` raises.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    ends: set[asyncio.Future[Any]] = {task, gone, stopped}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if stopped.done():
            raise Draining("the server stopped before the answer was complete")
        raise ClientLeft("the client closed the connection")
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
