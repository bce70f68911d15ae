"""What pictures and sounds became, kept for the turns after: bounded by bytes, least recently used first out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from inferno.engine.media.medium import Medium

if TYPE_CHECKING:
    from inferno import _core

FEATURE_BYTES = 256 * 1024 * 1024
"""Of all tenants together. A picture of 576 rows for a model of width 4096 takes 9 MiB."""


class Features:
    """Not thread-safe. No tenant finds another's, not even by how quickly something is answered."""

    def __init__(self, limit_bytes: int = FEATURE_BYTES) -> None:
        self._limit = limit_bytes
        self._used = 0
        self._kept: OrderedDict[tuple[str, type[Medium], bytes], Sequence[_core.MediaPiece]] = OrderedDict()

    def get(self, tenant: str, medium: Medium) -> Sequence[_core.MediaPiece] | None:
        key = (tenant, type(medium), medium.digest)
        pieces = self._kept.get(key)
        if pieces is not None:
            self._kept.move_to_end(key)
        return pieces

    def put(self, tenant: str, medium: Medium, pieces: Sequence[_core.MediaPiece]) -> None:
        """What is larger than the whole room is not kept."""
        key = (tenant, type(medium), medium.digest)
        size = _bytes_of(pieces)
        if size > self._limit or key in self._kept:
            return
        self._kept[key] = pieces
        self._used += size
        while self._used > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._used -= _bytes_of(oldest)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def used_bytes(self) -> int:
        return self._used


def _bytes_of(pieces: Sequence[_core.MediaPiece]) -> int:
    return sum(piece.nbytes for piece in pieces if not isinstance(piece, list))
