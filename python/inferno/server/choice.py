"""One complete choice of an answer, gathered from its deltas."""

from __future__ import annotations

from dataclasses import dataclass, field

from inferno.engine.delta import Delta, Timings, TokenLogprob, TokenStream
from inferno.server.readers import Readers
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
    matched_stop: str | None = None
    """The stop string that ended it."""
    timings: Timings = field(default_factory=Timings)
    prompt_logprobs: tuple[TokenLogprob, ...] = ()
    """Of its prompt's tokens from the second on, where they were asked for."""


@dataclass(slots=True)
class _Draft:
    texts: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    prompt_logprobs: list[TokenLogprob] = field(default_factory=list)
    last: Delta | None = None

    def take(self, delta: Delta) -> None:
        self.texts.append(delta.text)
        self.logprobs.extend(delta.logprobs)
        self.prompt_logprobs.extend(delta.prompt_logprobs)
        self.last = delta

    def choice(self, with_logprobs: bool, reply: Reply | None) -> Choice:
        logprobs = tuple(self.logprobs) if with_logprobs else None
        last = self.last
        assert last is not None
        return Choice(
            last.index,
            "".join(self.texts),
            logprobs,
            last.finish_reason or "",
            reply,
            matched_stop=last.matched_stop,
            timings=last.timings,
            prompt_logprobs=tuple(self.prompt_logprobs),
        )


async def gather_choices(
    stream: TokenStream, tally: Tally, *, with_logprobs: bool, replies: Replies | None = None
) -> list[Choice]:
    """All choices, by index. Raises what the stream raises, and Internal if a choice never finished."""
    drafts: dict[int, _Draft] = {}

    def draft(delta: Delta) -> None:
        drafts.setdefault(delta.index, _Draft()).take(delta)

    readers = (tally.take, draft) if replies is None else (tally.take, draft, replies.read)
    await stream.pour(Readers(*readers))
    tally.check_complete()
    return [
        drafts[index].choice(with_logprobs, None if replies is None else replies.reply(index))
        for index in sorted(drafts)
    ]
