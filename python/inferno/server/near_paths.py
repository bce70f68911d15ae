"""What to say to whoever asked for a path that there is not: the one that was meant, or where all of them are told."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

DOCS_PATH = "/docs"
MOST_NAMED = 3
_CLOSE = 0.85
"""Of two paths as alike as this one is meant; what is less alike is another operation."""


def advice(path: str, known: Sequence[str]) -> str:
    # Without what comes before it (/v1), or what comes after it.
    around = [one for one in known if one.endswith(path) or (one.startswith(f"{path}/") and "{" not in one)]
    near = around if 0 < len(around) <= MOST_NAMED else difflib.get_close_matches(path, known, n=1, cutoff=_CLOSE)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"{DOCS_PATH} shows what there is"
