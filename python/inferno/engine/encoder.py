"""TextEncoder: text to token ids, where the model's own file does not do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Segment = str | int
"""A piece of a prompt: text, or the id of a token that only a template may write."""


class TextEncoder(Protocol):
    """What encodes in place of llama.cpp. Methods are thread-safe, and may be called on any thread."""

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        """Ids of the segments in order; ids stay as they are, and no BOS or EOS is added.

        Text never becomes control: what spells a special token is encoded as ordinary text. Raises ValueError for a
        str that holds half of a surrogate pair.
        """
        ...
