"""Work that is done only while somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from starlette.types import Receive

from inferno.server.refusals import ClientLeft, Draining, GivenUp

T = TypeVar("T")


async def while_wanted(work: Coroutine[Any, Any, T], receive: Receive, stopped: asyncio.Future[None]) -> T:
    """The result of ``work``, which is cancelled, and has ended when this returns, if nobody wants it any more.

    ``receive`` must have given the whole request body already. Raises ClientLeft when the client closed the
    connection, Draining when ``stopped`` was set, and whatever ``work`` raises.
    """
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        return await until(work, {stopped: _stopping, gone: _left})
    finally:
        gone.cancel()  # it ends with the loop's next turn


async def while_not(work: Coroutine[Any, Any, T], given_up: asyncio.Future[None], stopped: asyncio.Future[None]) -> T:
    """As :func:`while_wanted`, for work that nobody is connected to. Raises GivenUp when ``given_up`` was set."""
    return await until(work, {given_up: _given_up, stopped: _stopping})


async def until(work: Coroutine[Any, Any, T], ends: Mapping[asyncio.Future[None], Callable[[], Exception]]) -> T:
    """The result of ``work``, unless one of ``ends`` is done first: then it is cancelled, has ended when this returns,
    and the error of that end is raised."""
    task = asyncio.ensure_future(work)
    reasons: list[Exception] = []

    def give_up(end: asyncio.Future[None]) -> None:
        if not task.done():
            reasons.append(ends[end]())
            task.cancel()

    for end in ends:
        end.add_done_callback(give_up)
    try:
        return await task
    except BaseException:
        if reasons:
            raise reasons[0] from None
        raise
    finally:
        for end in ends:
            end.remove_done_callback(give_up)


def _stopping() -> Draining:
    return Draining("the server stopped before the answer was complete")


def _left() -> ClientLeft:
    return ClientLeft("the client closed the connection")


def _given_up() -> GivenUp:
    return GivenUp("the response was cancelled")


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
