"""Ids of tool calls: what models accept, and new ones."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from enum import Enum

_LETTERS = string.ascii_letters + string.digits
_NINE = re.compile(r"[a-zA-Z0-9]{9}")
_NUMBERED = re.compile(r"functions\.[A-Za-z0-9_.-]+:[0-9]+")


class IdStyle(Enum):
    """``ANY``; ``NINE`` letters or digits (Mistral); ``NUMBERED``: ``functions.NAME:COUNT`` (Kimi)."""

    ANY = "any"
    NINE = "nine"
    NUMBERED = "numbered"

    def new(self, name: str, number: int) -> str:
        """For the ``number``-th call of a conversation, from 0, to the tool ``name``."""
        if self is IdStyle.NUMBERED:
            return f"functions.{name}:{number}"
        if self is IdStyle.NINE:
            return "".join(secrets.choice(_LETTERS) for _ in range(9))
        return f"call_{secrets.token_hex(12)}"

    def fits(self, given: str) -> bool:
        """Whether the model's template takes this id."""
        if self is IdStyle.NUMBERED:
            return _NUMBERED.fullmatch(given) is not None
        return self is IdStyle.ANY or _NINE.fullmatch(given) is not None

    def fitted(self, given: str, name: str, number: int) -> str:
        """``given``, or what stands for it where the template would refuse it: always the same for the same id."""
        if self.fits(given):
            return given
        if self is IdStyle.NUMBERED:
            return self.new(name, number)
        digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest()
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:9])
