"""The words that a field takes, found in the types that decode it. For refusals: msgspec's do not say them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec.inspect as kinds


def known_words(wanted: Any, steps: Sequence[str]) -> list[str]:
    """``steps`` lead from a value of type ``wanted`` to the field: names, and "" for an element of a list. Empty where
    it takes no particular words."""
    places = list(_plain(_kind_of(wanted)))
    for step in steps:
        places = [inner for place in places for inner in _inside(place, step)]
    found = (place.values for place in places if isinstance(place, kinds.LiteralType))
    return list(dict.fromkeys(str(value) for values in found for value in values))


@cache
def _kind_of(wanted: Any) -> kinds.Type:
    return kinds.type_info(wanted)


def _plain(kind: kinds.Type) -> Iterator[kinds.Type]:
    """What it may be, one by one."""
    if isinstance(kind, kinds.Metadata):
        yield from _plain(kind.type)
    elif isinstance(kind, kinds.UnionType):
        for one in kind.types:
            yield from _plain(one)
    else:
        yield kind


def _inside(place: kinds.Type, step: str) -> Iterable[kinds.Type]:
    if isinstance(place, kinds.ListType | kinds.VarTupleType):
        return _plain(place.item_type) if not step else ()
    if not isinstance(place, kinds.StructType):
        return ()
    if step == place.tag_field:
        return [kinds.LiteralType((place.tag,))]
    return [kind for field in place.fields if field.encode_name == step for kind in _plain(field.type)]
