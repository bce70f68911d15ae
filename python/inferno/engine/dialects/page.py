"""Text that is still being written, and how far it has been read.

Parsers over it are generators: they yield where they need more text, and are resumed when there is some, or none will
come. So they read as if the text were whole, and nothing is read twice.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]

BLANKS = re.compile(r"[ \t\r\n]*")


class Page:
    """Positions count from the beginning of the text, also of what has been forgotten."""

    def __init__(self) -> None:
        self.at = 0
        self.over = False
        """Nothing will be added."""
        self._text = ""
        self._gone = 0

    @property
    def end(self) -> int:
        return self._gone + len(self._text)

    def add(self, text: str) -> None:
        self._text += text

    def forget(self, to: int) -> None:
        """Nobody will ask for what stands before ``to``."""
        if to > self._gone:
            self._text = self._text[to - self._gone :]
            self._gone = to

    def slice(self, begin: int, end: int) -> str:
        return self._text[begin - self._gone : end - self._gone]

    def trimmed(self, begin: int, end: int) -> int:
        """``end``, or where the blanks before it begin."""
        return begin + len(self.slice(begin, end).rstrip(" \t\r\n"))

    def overlap(self, mark: str) -> int:
        """How much of ``mark``, but not all of it, the text ends with."""
        return next((size for size in range(len(mark) - 1, 0, -1) if self._text.endswith(mark[:size])), 0)

    def search(self, pattern: re.Pattern[str], begin: int) -> int | None:
        """Where ``pattern`` is found first, from ``begin`` on."""
        found = pattern.search(self._text, begin - self._gone)
        return None if found is None else self._gone + found.start()

    def run(self, pattern: re.Pattern[str]) -> Steps[str]:
        """Read on as long as characters match ``pattern``, which is one class repeated. Returns what was read."""
        begin = self.at
        while True:
            found = pattern.match(self._text, self.at - self._gone)
            self.at = self._gone + found.end() if found else self.at
            if self.at < self.end or self.over:
                return self.slice(begin, self.at)
            yield

    def peek(self) -> Steps[str]:
        """The next character; empty at the end."""
        while self.at >= self.end:
            if self.over:
                return ""
            yield
        return self._text[self.at - self._gone]

    def blanks(self) -> Steps[None]:
        yield from self.run(BLANKS)

    def word(self, word: str) -> Steps[bool]:
        """Read ``word`` if it comes next."""
        while True:
            have = self._text[self.at - self._gone : self.at - self._gone + len(word)]
            if not word.startswith(have):
                return False
            if have == word:
                self.at += len(word)
                return True
            if self.over:
                return False
            yield

    def words(self, words: Sequence[str]) -> Steps[bool]:
        """Read all of them, with or without blanks around each, or nothing."""
        begin = self.at
        for word in words:
            yield from self.blanks()
            if not (yield from self.word(word)):
                self.at = begin
                return False
        return True
