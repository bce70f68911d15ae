"""Reads replies in which reasoning comes first, between marks, and calls stand among the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inferno.engine.dialects.calls import Calls, Frame, Script
from inferno.engine.dialects.events import Content, Reasoning
from inferno.engine.dialects.literals import words
from inferno.engine.dialects.page import Steps
from inferno.engine.dialects.page_reader import PageReader


@dataclass(frozen=True, slots=True)
class ReasoningMarks:
    """What stands around the model's thoughts."""

    open: str
    close: str


@dataclass(frozen=True, slots=True)
class CallFormat:
    frame: Frame
    script: Script


class TextReader(PageReader):
    """Without ``form`` no calls are looked for."""

    def __init__(
        self, marks: ReasoningMarks | None, form: CallFormat | None, calls: Calls, *, content_open: str = ""
    ) -> None:
        """``content_open`` is what the template writes before plain content, which is left out."""
        super().__init__(calls)
        self._marks = marks
        self._form = form
        self._content_open = content_open.strip()

    def _skip_blanks(self) -> Steps[None]:
        yield from self._page.blanks()
        self._told = self._page.at

    def _reply(self) -> Steps[None]:
        page = self._page
        if self._marks is not None:
            yield from self._think(self._marks.open.strip(), self._marks.close.strip())
        if self._content_open and (yield from page.words(words(self._content_open))):
            yield from self._skip_blanks()
        if self._form is None:
            yield from self._rest()
        else:
            yield from self._say(self._form)

    def _think(self, opened: str, closed: str) -> Steps[None]:
        """Nothing is told where the reply does not begin with thoughts."""
        page = self._page
        if (yield from page.words((opened,))):
            self.reasoning = True
            yield from self._skip_blanks()
            yield from self._until(Reasoning, re.compile(re.escape(closed)), closed)
            self.reasoning = False
        # A template may close, too, what was never opened: that is how it says not to think.
        if (yield from page.words((closed,))):
            yield from self._skip_blanks()

    def _until(self, kind: type[Content] | type[Reasoning], mark: re.Pattern[str], text: str) -> Steps[bool]:
        """Tell what stands before ``mark``, to which the page moves. False: the text ended before."""
        page = self._page
        while True:
            found = page.search(mark, page.at)
            if found is not None:
                page.at = found
                self._tell(kind, page.trimmed(self._told, found))
                return True
            if page.over:
                page.at = page.end
                self._tell(kind, page.end)
                return False
            page.at = page.end - page.overlap(text)
            self._tell(kind, page.trimmed(self._told, page.at))
            yield

    def _say(self, form: CallFormat) -> Steps[None]:
        page, frame = self._page, form.frame
        trigger = re.compile(re.escape(frame.trigger))
        first = True
        while first or frame.anywhere:
            yield from page.blanks()
            begin = page.at
            if (yield from self._section(form)):
                yield from self._skip_blanks()
                continue
            first = False
            page.at = min(begin + 1, page.end)
            if frame.anywhere and not (yield from self._until(Content, trigger, frame.trigger)):
                return
        yield from self._rest()

    def _rest(self) -> Steps[None]:
        """All that comes is content."""
        while True:
            self._page.at = self._page.end
            self._tell(Content, self._page.at)
            if self._page.over:
                return
            self.plain = True
            yield

    def _section(self, form: CallFormat) -> Steps[bool]:
        """Read calls. False where there is none; the page then stands where it stood."""
        page, frame = self._page, form.frame
        begin = page.at
        found = False
        opened = yield from page.words(words(frame.section_open))
        while opened and (yield from page.words(words(frame.call_open))):
            if not (yield from form.script.read(page, self._calls)):
                break
            found = True
            self._take_calls()
            yield from page.words(words(frame.call_close))
            begin = page.at
            if not (frame.section_open or frame.between.strip()) or not (yield from page.words(words(frame.between))):
                break
        page.at = begin
        if found:
            yield from page.words(words(frame.section_close))
        return found
