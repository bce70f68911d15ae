"""Replies in channels, as gpt-oss writes them: ``<|channel|>analysis<|message|>…<|end|><|start|>assistant…``."""

from __future__ import annotations

import re

from inferno.engine.dialects.events import Content, Reasoning
from inferno.engine.dialects.json_call import stream_object
from inferno.engine.dialects.page import Steps
from inferno.engine.dialects.page_reader import PageReader

MARKS = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>")
_BODY = "<|message|>"
_ENDS = re.compile(r"<\|(?:end|start|call|return)\|>")
_TO = re.compile(r"\bto=functions\.([A-Za-z0-9_.-]+)")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)")
_LONGEST_MARK = max(map(len, MARKS))


class HarmonyReader(PageReader):
    """``analysis`` is reasoning, messages to functions are calls, all else is content."""

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
            if kind is not None:
                self._tell(kind, to)
            page.at = to
            if found is None and page.over:
                return
            if found is not None:
                break
            yield
        for mark in ("<|end|>", "<|call|>", "<|return|>"):
            if (yield from page.word(mark)):
                break
