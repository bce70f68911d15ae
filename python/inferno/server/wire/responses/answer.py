"""A response, whole or as events. Pure: deltas in, events and bodies out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from inferno.engine.delta import Delta, Usage
from inferno.engine.dialects.events import CallArguments, CallBegun, CallEnded, Content, Event, Reasoning
from inferno.engine.text_frame import TextFrame
from inferno.server.choice import Choice
from inferno.server.replies import Replies
from inferno.server.wire.errors import Failure
from inferno.server.wire.framing import OPENAI_EVENTS
from inferno.server.wire.logprobs import ContentLogprob, chat_logprobs
from inferno.server.wire.responses.body import IncompleteDetails, ResponseBody, error_of, usage_of
from inferno.server.wire.responses.draft import CallDraft, Draft, Events, MessageDraft, ReasoningDraft
from inferno.server.wire.responses.events import (
    Completed,
    Created,
    ErrorEvent,
    Failed,
    Incomplete,
    InProgress,
    Queued,
    framed,
)
from inferno.server.wire.responses.items import OutputItem, Status

_ENCODER = msgspec.json.Encoder()


class ResponseAnswer:
    """Writes one response. It has read every delta, in order, exactly once, by :meth:`told` or :meth:`events`."""

    framing = OPENAI_EVENTS

    def __init__(self, body: ResponseBody, replies: Replies) -> None:
        """``body`` is the response as it was asked for, queued or in progress."""
        self._body = body
        self._replies = replies
        self._number = 0
        self._done: list[OutputItem] = []
        self._draft: Draft | None = None
        self._unplaced: list[ContentLogprob] = []
        self._finish_reason = ""
        self._end: ResponseBody | None = None

    @property
    def body(self) -> ResponseBody:
        """The response as it stands."""
        return self._with()

    def opening(self) -> Events:
        """What a stream begins with."""
        found: Events = [Created(sequence_number=self._next(), response=self.body)]
        if self._body.status == "queued":
            return [*found, Queued(sequence_number=self._next(), response=self.body)]
        return [*found, self._in_progress()]

    def started(self) -> Events:
        """A queued response is queued no more."""
        if self._body.status != "queued":
            return []
        self._body = self._with(status="in_progress")
        return [self._in_progress()]

    def told(self, delta: Delta) -> Events:
        """What one delta says. The last one ends the item that is open."""
        if delta.logprobs:
            self._unplaced.extend(chat_logprobs(delta.logprobs).content)
        told = self._replies.read(delta)
        found: Events = []
        for one in told:
            found += self._one(one)
        if told and not any(isinstance(one, Content) for one in told):
            self._unplaced = []
        if delta.finish_reason is not None:
            self._finish_reason = delta.finish_reason
            if self._draft is None and not self._done:
                # A model that says nothing has said an empty text.
                found += self._open(MessageDraft)
            found += self._close("incomplete" if delta.finish_reason == "length" else "completed")
        return found

    def ended(self, usage: Usage) -> ResponseBody:
        """The response as it ends, all deltas told: the same whenever it is asked for."""
        if self._end is None:
            used = usage_of(usage, self._replies.reasoning_tokens)
            if self._finish_reason == "length":
                self._end = self._with(status="incomplete", incomplete_details=IncompleteDetails(), usage=used)
            else:
                self._end = self._with(status="completed", completed_at=int(time.time()), usage=used)
        return self._end

    def failed(self, failure: Failure) -> ResponseBody:
        """The response as it ends if something failed."""
        return self._with(status="failed", error=error_of(failure))

    def cancelled(self) -> ResponseBody:
        return self._with(status="cancelled")

    def ending(self, usage: Usage) -> Events:
        """The stream's last event."""
        body = self.ended(usage)
        kind: Callable[..., Any] = Incomplete if body.status == "incomplete" else Completed
        return [kind(sequence_number=self._next(), response=body)]

    def failing(self, failure: Failure) -> Events:
        """The stream's last events if something failed: the error, and what there is of the response."""
        return [self.error(failure), Failed(sequence_number=self._next(), response=self.failed(failure))]

    def error(self, failure: Failure) -> ErrorEvent:
        return ErrorEvent(sequence_number=self._next(), code=failure.code, message=failure.message, param=failure.param)

    # As an Answer.

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """The choices have been told."""
        return _ENCODER.encode(self.ended(usage))

    def first_events(self) -> bytes:
        return _joined(self.opening())

    def events(self, delta: Delta) -> bytes:
        return _joined(self.told(delta))

    def frame(self, index: int) -> TextFrame | None:
        """None: its events are numbered."""
        return None

    def last_events(self, usage: Usage) -> bytes:
        return _joined(self.ending(usage))

    def failure_events(self, failure: Failure) -> bytes:
        return _joined(self.failing(failure))

    def _one(self, told: Event) -> Events:
        if isinstance(told, Content):
            logprobs, self._unplaced = self._unplaced, []
            opened = [] if isinstance(self._draft, MessageDraft) else self._open(MessageDraft)
            return [*opened, *self._add(told.text, logprobs)]
        if isinstance(told, Reasoning):
            opened = [] if isinstance(self._draft, ReasoningDraft) else self._open(ReasoningDraft)
            return [*opened, *self._add(told.text)]
        if isinstance(told, CallBegun):
            return self._open(lambda place: CallDraft(place, told.id, told.name))
        if isinstance(told, CallArguments):
            return self._add(told.text)
        if isinstance(told, CallEnded):
            return self._close("completed")
        raise TypeError(f"no event {type(told).__name__}")

    def _open(self, draft: Callable[[int], Draft]) -> Events:
        closed = self._close("completed")
        self._draft = draft(len(self._done))
        return [*closed, *self._counted(self._draft.begun(self._number))]

    def _add(self, text: str, logprobs: Sequence[ContentLogprob] = ()) -> Events:
        assert self._draft is not None
        return self._counted(self._draft.added(self._number, text, logprobs))

    def _close(self, status: Status) -> Events:
        draft, self._draft = self._draft, None
        if draft is None:
            return []
        ended = self._counted(draft.ended(self._number, status))
        self._done.append(draft.item(status))
        return ended

    def _counted(self, found: Events) -> Events:
        self._number += len(found)
        return found

    def _next(self) -> int:
        self._number += 1
        return self._number - 1

    def _in_progress(self) -> InProgress:
        return InProgress(sequence_number=self._next(), response=self.body)

    def _with(self, **changes: Any) -> ResponseBody:
        status: Status = "in_progress" if not changes.get("status") else "incomplete"
        output = [*self._done, *([] if self._draft is None else [self._draft.item(status)])]
        return msgspec.structs.replace(self._body, output=output, **changes)


def _joined(found: Events) -> bytes:
    return b"".join(map(framed, found))
