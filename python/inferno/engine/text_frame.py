"""The event of a stream that tells a text and nothing else: made natively, where it can be on its way here."""

from __future__ import annotations

from inferno.engine.core import _core

TextFrame = _core.TextFrame
"""What stands around the text's JSON string, before and after it."""
