"""One complete choice of an answer, gathered from its deltas."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass, field

from inferno.engine.client import Delta, TokenLogprob
from inferno.server.replies import Replies, Reply
from inferno.server.tally import Tally


@dataclass(frozen=True, slots=True)
class Choice:
    """``logprobs`` is None when they were not asked for, ``reply`` what a chat's ``text`` says."""

    index: int
    text: str
    logprobs: tuple[TokenLogprob, ...] | None
    finish_reason: str
    reply: Reply | None = None


@dataclass(slots=True)
class _Draft:
    texts: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish_reason: str = ""

    def take(self, delta: Delta) -> None:
        self.texts.append(delta.text)
        self.logprobs.extend(delta.logprobs)
        self.finish_reason = delta.finish_reason or ""

    def choice(self, index: int, with_logprobs: bool, reply: Reply | None) -> Choice:
        logprobs = tuple(self.logprobs) if with_logprobs else None
        return Choice(index, "".join(self.texts), logprobs, self.finish_reason, reply)


async def gather_choices(
    deltas: AsyncIterable[Delta], tally: Tally, *, with_logprobs: bool, replies: Replies | None = None
) -> list[Choice]:
    """All choices, by index. Raises what the stream raises, and Internal if a choice never finished."""
    drafts: dict[int, _Draft] = {}
    async for delta in deltas:
        tally.take(delta)
        drafts.setdefault(delta.index, _Draft()).take(delta)
        if replies is not None:
            replies.read(delta)
    tally.check_complete()
    return [
        drafts[index].choice(index, with_logprobs, None if replies is None else replies.reply(index))
        for index in sorted(drafts)
    ]
