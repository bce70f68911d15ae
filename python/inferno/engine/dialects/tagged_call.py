"""A call as marked parameters: ``<function=NAME><parameter=KEY>VALUE</parameter></function>`` and its like."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inferno.engine.dialects.calls import NAME, Calls
from inferno.engine.dialects.literals import words
from inferno.engine.dialects.page import Page, Steps

_CONSTANTS = {"True": True, "False": False, "None": None}


@dataclass(frozen=True, slots=True)
class TaggedCall:
    """``NAME name_end (param_open KEY param_middle VALUE param_close)* end``."""

    name_end: str
    param_open: str
    param_middle: str
    param_close: str
    end: str
    """What closes the call: it, too, has to come for a call without parameters to be one."""
    quoted: bool = False
    """Texts are written as JSON, with quotation marks."""

    @property
    def marks(self) -> str:
        return " ".join((self.name_end, self.param_open, self.param_middle, self.param_close, self.end))

    def read(self, page: Page, calls: Calls) -> Steps[bool]:
        yield from page.blanks()
        name = yield from page.run(NAME)
        if name not in calls.names or not (yield from page.words(words(self.name_end))):
            return False
        arguments: dict[str, Any] = {}
        while (yield from page.words(words(self.param_open))):
            key = yield from self._until(page, self.param_middle)
            value = None if key is None else (yield from self._until(page, self.param_close))
            if key is None or value is None:
                return False
            arguments[key.strip()] = self._value(value, calls.schema(name), key.strip())
        mark = page.at
        if not (yield from page.words(words(self.end))):
            return False
        page.at = mark
        calls.begin(name)
        calls.arguments(json.dumps(arguments, ensure_ascii=False))
        calls.end()
        return True

    def _until(self, page: Page, mark: str) -> Steps[str | None]:
        """What stands before the mark, which is read, too, with the blanks that the template writes around it."""
        wanted = words(mark)
        begin = page.at
        if not wanted:
            return None
        while True:
            found = page.search(re.compile(re.escape(wanted[0])), page.at)
            if found is None:
                page.at = max(begin, page.end - len(wanted[0]) + 1)
                if page.over:
                    return None
                yield
                continue
            page.at = found
            if (yield from page.words(wanted)):
                text = page.slice(begin, found)
                if mark[:1] == "\n":
                    text = text.removesuffix("\n")
                if mark[-1:] == "\n" and (yield from page.peek()) == "\n":
                    page.at += 1
                return text
            page.at = found + 1

    def _value(self, text: str, schema: Mapping[str, Any], key: str) -> Any:
        properties = schema.get("properties")
        wanted = properties.get(key) if isinstance(properties, Mapping) else None
        is_text = isinstance(wanted, Mapping) and wanted.get("type") == "string"
        if is_text and not self.quoted:
            return text
        bare = text.strip()
        if bare in _CONSTANTS:
            return _CONSTANTS[bare]
        try:
            return json.loads(bare)
        except (ValueError, RecursionError):
            return text
