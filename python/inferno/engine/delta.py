"""Delta: what an answer has new; and the streams that bring deltas, one request's each.

What is made for every token is a msgspec struct, which takes a tenth of a frozen dataclass to make.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from inferno.engine.text_frame import TextFrame

FinishReason = Literal["stop", "length", "cancelled"]


class TokenLogprob(msgspec.Struct, frozen=True):
    """A token with ln p of the model's own distribution; ``token`` is its bytes (perhaps half a character)."""

    token_id: int
    token: bytes
    logprob: float
    top: tuple[tuple[int, bytes, float], ...] = ()


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    drafted_tokens: int = 0
    """Guessed and computed ahead of their turn, and of them those that came true."""
    accepted_tokens: int = 0


class Timings(msgspec.Struct, frozen=True):
    """Seconds since the request arrived at the engine."""

    scheduled: float = 0.0
    first_token: float = 0.0
    finished: float = 0.0


class Delta(msgspec.Struct, frozen=True):
    """What one choice has new. Exactly one delta of each choice has a ``finish_reason``, and it is its last."""

    index: int
    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason | None = None
    matched_stop: str | None = None
    usage: Usage = Usage()
    """Of this choice; in its last delta."""
    timings: Timings = Timings()
    """In the last delta."""
    prompt_logprobs: tuple[TokenLogprob, ...] = ()
    """Of the prompt's next tokens, from its second on; they come before any text."""


class DeltaSink(Protocol):
    """What a stream is poured into. Called on the loop that the stream belongs to, not always in a task."""

    def take(self, delta: Delta) -> bool:
        """Must not block: all other streams wait for it. False: the next one after :meth:`ready` only."""
        ...

    async def ready(self) -> None:
        """Returns when there is room again."""
        ...


class TokenStream(Protocol):
    """The deltas of one request, all choices interleaved, until every choice has finished.

    Reading raises the :class:`~inferno.errors.InfernoError` of a choice that failed. Deltas of a reader that lags are
    merged, per choice. Belongs to one asyncio task. Closing early cancels the request at the engine's next step.
    """

    async def pour(self, sink: DeltaSink) -> None:
        """All deltas into ``sink``, each as it comes. Raises what the sink raises, too. Cancelling loses none."""
        ...

    def frame(self, index: int, frame: TextFrame, write: Callable[[bytes], bool]) -> None:
        """For a sink, while it takes a delta: what this choice says next that is text and nothing else may go to
        ``write``, as events, until the sink is full. What ``write`` returns and raises counts as the sink's; of other
        choices an event may still come after it said that it is full."""
        ...

    async def aclose(self) -> None: ...


class RequestStream(TokenStream, Protocol):
    """That of one request to the engine, which can be reached while it runs. Iteration gives the deltas one by one: it
    wakes a task for each, which :meth:`pour` does not."""

    def __aiter__(self) -> AsyncIterator[Delta]: ...

    def end_thought(self) -> bool:
        """Have every choice end its thought at the engine's next step, and think no more; the answer goes on. False:
        it has ended already. Raises Unsupported for a request without a ``thought``."""
        ...
