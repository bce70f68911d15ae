"""How much of a long conversation goes to the model where a request allows to drop its oldest items. Tried, not
estimated: only the rendered prompt says how long it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from inferno.engine.conversation import Turn
from inferno.errors import ContextLengthExceeded
from inferno.server.wire.responses.items import CallItem, CallOutputItem, Item, MessageItem

Open = Callable[[Sequence[Item]], Awaitable[Turn]]


async def fitted(items: Sequence[Item], opened: Open, most: int) -> tuple[Turn, int]:
    """The turn of the newest items whose prompt has at most ``most`` tokens, and how many items were dropped for it.

    Instructions are kept, and so is the last item, whatever its length: the engine then says what is too long. No
    output of a call stays without the call. Raises what ``opened`` raises of what is left.
    """
    whole = await _fitting(items, opened, most)
    if whole is not None:
        return whole, 0
    cuts = _cuts(items)
    found: dict[int, Turn] = {}
    low, high = 0, len(cuts) - 1
    while low < high:
        middle = (low + high) // 2
        turn = await _fitting(_rest(items, cuts[middle]), opened, most)
        if turn is None:
            low = middle + 1
        else:
            found[middle], high = turn, middle
    kept = _rest(items, cuts[low]) if cuts else list(items)
    turn = found.get(low) or await opened(kept)
    return turn, len(items) - len(kept)


async def _fitting(items: Sequence[Item], opened: Open, most: int) -> Turn | None:
    try:
        turn = await opened(items)
    except ContextLengthExceeded:
        return None
    return turn if len(turn.prompt) <= most else None


def _cuts(items: Sequence[Item]) -> list[int]:
    """Where what is kept may begin, the longest first: with a user's message, as templates want it, and behind the last
    of those with any item."""
    asked = [index for index, item in enumerate(items) if isinstance(item, MessageItem) and item.role == "user"]
    last = asked[-1] if asked else 0
    return [*(index for index in asked if index > 0), *range(last + 1, len(items))]


def _rest(items: Sequence[Item], begin: int) -> list[Item]:
    calls = {item.call_id for item in items[begin:] if isinstance(item, CallItem)}
    return [
        item
        for index, item in enumerate(items)
        if _instructs(item) or (index >= begin and not (isinstance(item, CallOutputItem) and item.call_id not in calls))
    ]


def _instructs(item: Item) -> bool:
    return isinstance(item, MessageItem) and item.role in ("system", "developer")
