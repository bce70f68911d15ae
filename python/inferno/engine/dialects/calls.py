"""How a model writes tool calls: what stands around them, and the calls themselves, in one of several scripts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from inferno.engine.dialects.events import CallArguments, CallBegun, CallEnded, Event
from inferno.engine.dialects.ids import IdStyle
from inferno.engine.dialects.literals import words
from inferno.engine.dialects.page import Page, Steps

NAME = re.compile(r"[A-Za-z0-9_.-]*")
"""Characters of tool names, as a run."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Marks around calls, as the template writes them:
    ``section_open (call_open CALL call_close between)* section_close``.

    Blanks in them are not needed when they are read.
    """

    section_open: str = ""
    call_open: str = ""
    call_close: str = ""
    between: str = ""
    section_close: str = ""
    several: bool = True
    """A reply can hold more than one call."""

    @property
    def marks(self) -> str:
        return " ".join((self.section_open, self.call_open, self.call_close, self.between, self.section_close))

    @property
    def trigger(self) -> str:
        """What calls begin with, up to the first blank; empty when they begin as such."""
        return next(iter(words(self.section_open + self.call_open)), "")

    @property
    def anywhere(self) -> bool:
        """The trigger is so unlike prose that calls are looked for in the midst of text, too."""
        return len(self.trigger) > 1


class Calls:
    """The calls of one reply as they are found. Only tools that may be called count; the others' calls stay text."""

    def __init__(self, tools: Mapping[str, Mapping[str, Any]], ids: IdStyle, first_number: int = 0) -> None:
        """``tools`` are names with the JSON schemas of their arguments; ``first_number`` counts earlier calls."""
        self._tools = tools
        self._ids = ids
        self._first_number = first_number
        self._begun = 0
        self.events: list[Event] = []

    @property
    def names(self) -> Collection[str]:
        return self._tools.keys()

    def schema(self, name: str) -> Mapping[str, Any]:
        return self._tools[name]

    def begin(self, name: str, given_id: str = "") -> bool:
        """A call to ``name`` begins, under the model's own id if it fits its style. False: there is no such tool."""
        if name not in self._tools:
            return False
        own = given_id if self._ids is not IdStyle.ANY and self._ids.fits(given_id) else ""
        self.events.append(CallBegun(self._begun, own or self._ids.new(name, self._first_number + self._begun), name))
        self._begun += 1
        return True

    def arguments(self, text: str) -> None:
        if text:
            self.events.append(CallArguments(self._begun - 1, text))

    def end(self) -> None:
        self.events.append(CallEnded(self._begun - 1))


class Script(Protocol):
    """How one call is written between its marks. Pure."""

    @property
    def marks(self) -> str:
        """Marks within a call."""
        ...

    def read(self, page: Page, calls: Calls) -> Steps[bool]:
        """Read a call, telling ``calls`` of it. False, and nothing told, where the text is none.

        Once the name is certain, what follows can be less than a call still: then it ends without CallEnded.
        """
        ...
