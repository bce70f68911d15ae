"""A bell is heard on its loop, and is taken down when nobody is left to ring it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os

import pytest

from inferno.engine.bell import Bell


async def soon(count: int, heard: list[None]) -> None:
    while len(heard) < count:
        await asyncio.sleep(0)


async def test_it_is_heard_once_for_all_that_rang_meanwhile() -> None:
    heard: list[None] = []
    bell = Bell(lambda: heard.append(None))
    rope = bell.give_rope()
    os.write(rope, b"!")
    bell.hang(asyncio.get_running_loop())
    bell.hang(asyncio.get_running_loop())
    await soon(1, heard)
    os.write(rope, b"!")
    os.write(rope, b"!")
    await soon(2, heard)
    await asyncio.sleep(0)
    os.close(rope)
    await soon(3, heard)  # the last word, after which the loop looks no more
    assert not asyncio.get_running_loop().remove_reader(bell._ear)


def descriptors() -> set[str]:
    """What this process holds open: each pipe and socket has a name of its own."""
    folder, found = "/proc/self/fd", set()
    for entry in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            found.add(os.readlink(f"{folder}/{entry}"))
    return found


def test_it_leaves_no_descriptor_behind() -> None:
    for given in (False, True):
        before = descriptors()
        bell = Bell(lambda: None)
        own = descriptors() - before
        assert own
        if given:
            os.close(bell.give_rope())
        del bell
        gc.collect()
        assert not own & descriptors()


def test_the_rope_is_given_once() -> None:
    bell = Bell(lambda: None)
    os.close(bell.give_rope())
    with pytest.raises(AssertionError):
        bell.give_rope()
