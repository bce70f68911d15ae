"""Where this machine keeps what can be made again: prepared models, results of tuning, digests of files."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """``$XDG_CACHE_HOME/inferno``, by default under ``~/.cache``. Not made here."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "inferno"
