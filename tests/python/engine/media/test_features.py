"""What is kept of pictures: within its bytes, and no tenant's for another."""

from __future__ import annotations

from typing import Any

from inferno.engine.media.features import Features
from inferno.engine.media.medium import Image


class Rows:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes


def pieces(nbytes: int) -> Any:
    return [[1, 2], Rows(nbytes)]


def test_the_least_recently_used_go_first() -> None:
    features = Features(100)
    for name in (b"a", b"b", b"c"):
        features.put("t", Image(name), pieces(30))
    assert features.get("t", Image(b"a")) is not None
    features.put("t", Image(b"d"), pieces(40))
    assert features.get("t", Image(b"b")) is None
    assert features.get("t", Image(b"a")) is not None
    assert (len(features), features.used_bytes) == (3, 100)


def test_what_is_larger_than_all_room_pushes_nothing_out() -> None:
    features = Features(100)
    features.put("t", Image(b"a"), pieces(60))
    features.put("t", Image(b"huge"), pieces(101))
    assert features.get("t", Image(b"huge")) is None
    assert features.get("t", Image(b"a")) is not None


def test_a_picture_put_twice_counts_once() -> None:
    features = Features(100)
    features.put("t", Image(b"a"), pieces(60))
    features.put("t", Image(b"a"), pieces(60))
    assert features.used_bytes == 60


def test_tenants_see_their_own_alone() -> None:
    features = Features(100)
    features.put("one", Image(b"a"), pieces(10))
    assert features.get("two", Image(b"a")) is None
