"""Replies in channels, as gpt-oss writes them: ``<|channel|>analysis<|message|>…<|end|><|start|>assistant…``."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence

from inferno.engine.dialects.calls import Calls
from inferno.engine.dialects.events import Content, Event, Reasoning
from inferno.engine.dialects.json_call import stream_object
from inferno.engine.dialects.page import Page, Steps

MARKS = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>")
_BODY = "<|message|>"
_ENDS = re.compile(r"<\|(?:end|start|call|return)\|>")
_TO = re.compile(r"\bto=functions\.([A-Za-z0-9_.-]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_LONGEST_MARK = max(map(len, MARKS))


class HarmonyReader:
    """A ReplyReader. ``analysis`` is reasoning, messages to functions are calls, all else is content."""

    def __init__(self, calls: Calls) -> None:
        self.reasoning = False
        self._calls = calls
        self._page = Page()
        self._told = 0
        self._events: list[Event] = []
        self._steps: Generator[None, None, None] | None = self._reply()

    def feed(self, text: str) -> Sequence[Event]:
        if not text:
            return ()
        self._page.add(text)
        return self._go_on()

    def close(self) -> Sequence[Event]:
        self._page.over = True
        return self._go_on()

    def _go_on(self) -> Sequence[Event]:
        if self._steps is not None:
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None
        self._take_calls()
        found, self._events = self._events, []
        return found

    def _take_calls(self) -> None:
        self._events += self._calls.events
        self._calls.events = []

    def _reply(self) -> Steps[None]:
        page = self._page
        while (yield from page.peek()):
            self._told = page.at
            header = yield from self._header()
            channel = _CHANNEL.search(header)
            to = _TO.search(header)
            if to is not None and (yield from self._call(to[1])):
                self._told = page.at
                yield from self._body(None)
            elif channel is not None and channel[1] == "analysis":
                self.reasoning = True
                yield from self._body(Reasoning)
                self.reasoning = False
            else:
                yield from self._body(Content)

    def _header(self) -> Steps[str]:
        """What stands before a message; empty, and nothing read, where the text does not begin with a header."""
        page = self._page
        begin = page.at
        for _ in range(2):
            yield from page.word("<|start|>")
            yield from page.word("assistant")
        if not ((yield from page.words(("<|channel|>",))) or (yield from page.words(("to=",)))):
            page.at = begin
            return ""
        while True:
            found = page.search(re.compile(re.escape(_BODY)), begin)
            if found is not None:
                page.at = self._told = found + len(_BODY)
                return page.slice(begin, found)
            if page.over:
                page.at = begin
                return ""
            yield

    def _call(self, name: str) -> Steps[bool]:
        page = self._page
        begin = page.at
        yield from page.blanks()
        if (yield from page.peek()) == "{" and self._calls.begin(name):
            yield from stream_object(page, self._calls)
            self._take_calls()
            return True
        page.at = begin
        return False

    def _body(self, kind: type[Content] | type[Reasoning] | None) -> Steps[None]:
        """A message to its end, which is read, too."""
        page = self._page
        while True:
            found = page.search(_ENDS, page.at)
            safe = page.end if page.over else max(page.at, page.end - _LONGEST_MARK)
            to = safe if found is None else found
            if kind is not None and to > self._told:
                self._events.append(kind(page.slice(self._told, to)))
                self._told = to
            page.at = to
            if found is None and page.over:
                return
            if found is not None:
                break
            yield
        for mark in ("<|end|>", "<|call|>", "<|return|>"):
            if (yield from page.word(mark)):
                break
