"""A call as a name, a mark, and the arguments as JSON: ``NAME[ARGS]{…}``, ``functions.NAME:0<|…|>{…}``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inferno.engine.dialects.calls import NAME, Calls
from inferno.engine.dialects.json_call import stream_object
from inferno.engine.dialects.literals import words
from inferno.engine.dialects.page import Page, Steps

_ID = re.compile(r"[A-Za-z0-9_.:-]*")
_NUMBERED = re.compile(r"(?:functions\.)?(?P<name>.+?)(?::[0-9]+)?")


@dataclass(frozen=True, slots=True)
class NamedCall:
    """``before_id`` and ``after_id`` stand around the call's id, which models may leave out."""

    middle: str = ""
    before_id: str = ""
    after_id: str = ""
    name_is_id: bool = False
    """What stands for the name is the id, of which the name is a part."""

    @property
    def marks(self) -> str:
        return " ".join((self.middle, self.before_id, self.after_id))

    def read(self, page: Page, calls: Calls) -> Steps[bool]:
        yield from page.blanks()
        name = own = yield from page.run(_ID if self.name_is_id else NAME)
        if self.name_is_id:
            numbered = _NUMBERED.fullmatch(name)
            name = numbered["name"] if numbered else name
        if name not in calls.names:
            return False
        if self.before_id and (yield from page.words(words(self.before_id))):
            own = yield from page.run(_ID)
            if not (yield from page.words(words(self.after_id))):
                return False
        elif not (yield from page.words(words(self.middle or self.after_id))):
            return False
        yield from page.blanks()
        if (yield from page.peek()) != "{":
            return False
        return calls.begin(name, own) and ((yield from stream_object(page, calls)) or True)
