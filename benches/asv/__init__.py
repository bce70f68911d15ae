"""Benches that asv runs on each commit. asv imports this folder by itself: the repository's root is put on the path,
so that they share ``benches.cases`` with pytest-benchmark."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])
if _ROOT not in sys.path:
    sys.path.append(_ROOT)
