"""Bodies that clients should not send: good ones, changed in a few places, written as JSON or as nearly that.

An object is a list of pairs in :class:`Object`, so that it can have a key twice; :class:`Raw` stands as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

DEPTHS = (20, 150, 600, 1100, 5000, 100_000)
LENGTHS = (1_000, 20_000, 200_000)


@dataclass
class Object:
    pairs: list[tuple[str, Any]]


@dataclass(frozen=True)
class Raw:
    text: bytes


def tree(value: Any) -> Any:
    """A JSON value as what the mutations change."""
    if isinstance(value, dict):
        return Object([(key, tree(part)) for key, part in value.items()])
    if isinstance(value, list):
        return [tree(part) for part in value]
    return value


def written(value: Any) -> bytes:
    """As JSON, but for what no JSON can hold. Halves of surrogate pairs are written as escapes."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Object):
        return b"{" + b",".join(written(key) + b":" + written(part) for key, part in value.pairs) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(written, value)) + b"]"
    return json.dumps(value).encode()


_NUMBERS = st.one_of(
    st.integers(-10, 200),
    st.sampled_from([2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**64), 10**40]),
    st.sampled_from([0.0, -0.0, 1e-320, 0.1, 1.5, 1e308, -1e308]),
    st.sampled_from([b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1" * 5000, b"0" * 9, b".5", b"1."]).map(
        Raw
    ),
)
_TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=12),
    st.sampled_from(
        ["", "\x00", "\ud800", "a\udfff", "\ufeff", "{{ 1 // 0 }}", "<|im_end|>", "data:image/png;base64,"]
    ),
    st.builds(str.__mul__, st.sampled_from(["a", "é", "\U0001f600", "\n"]), st.sampled_from(LENGTHS)),
    st.sampled_from([b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\\x"', b'"\\u12"', b'"\n"', b'"']).map(Raw),
)
_DEEP = st.builds(
    lambda opening, closing, depth: Raw(opening * depth + b"1" + closing * depth),
    *[st.just(b"["), st.just(b"]")],
    st.sampled_from(DEPTHS),
) | st.sampled_from(DEPTHS).map(lambda depth: Raw(b'{"a":' * depth + b"1" + b"}" * depth))
_WIDE = st.builds(
    lambda part, length: [part] * length, st.sampled_from([0, "a", {}, [], None]), st.sampled_from(LENGTHS[:2])
) | st.sampled_from(LENGTHS[:2]).map(lambda length: Object([(f"k{i}", i) for i in range(length)]))
_SIMPLE = st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS)
_SMALL = st.recursive(
    _SIMPLE,
    lambda parts: st.lists(parts, max_size=3) | st.lists(st.tuples(st.text(max_size=8), parts), max_size=3).map(Object),
    max_leaves=6,
)
HOSTILE = st.one_of(_SIMPLE, _SIMPLE, _SMALL, _DEEP, _WIDE)


def _places(value: Any, found: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Every part of the tree, as what holds it and where."""
    parts = value.pairs if isinstance(value, Object) else value if isinstance(value, list) else []
    for index, part in enumerate(parts):
        found.append((value, index))
        _places(part[1] if isinstance(value, Object) else part, found)
    return found


def _changed(draw: st.DrawFn, root: list[Any]) -> None:
    """One change of the tree in ``root``, which holds it alone."""
    holder, index = draw(st.sampled_from(_places(root, [])))
    verb = draw(st.sampled_from(["replace", "replace", "replace", "drop", "twice", "extra", "wrap", "rename"]))
    parts = holder.pairs if isinstance(holder, Object) else holder
    if holder is root:
        verb = "replace" if verb in ("drop", "twice", "extra", "rename") else verb
    if verb == "replace":
        parts[index] = (parts[index][0], draw(HOSTILE)) if isinstance(holder, Object) else draw(HOSTILE)
    elif verb == "drop":
        del parts[index]
    elif verb == "twice":
        parts.append(parts[index])
    elif verb == "extra" and isinstance(holder, Object):
        parts.append((draw(st.text(max_size=12)), draw(HOSTILE)))
    elif verb == "rename" and isinstance(holder, Object):
        parts[index] = (draw(st.text(max_size=12)), parts[index][1])
    elif verb == "wrap":
        parts[index] = (parts[index][0], [parts[index][1]]) if isinstance(holder, Object) else [parts[index]]


@st.composite
def changed_bodies(draw: st.DrawFn, good: list[dict[str, Any]]) -> bytes:
    """One of the bodies with up to three changes, sometimes cut off or with something behind it."""
    root = [tree(draw(st.sampled_from(good)))]
    for _ in range(draw(st.integers(1, 3))):
        _changed(draw, root)
    data = written(root[0])
    ending = draw(st.sampled_from(["whole"] * 12 + ["cut", "more", "mark"]))
    if ending == "cut":
        return data[: draw(st.integers(0, len(data)))]
    if ending == "more":
        return data + draw(st.sampled_from([b"}", b"{}", b"\x00", b" \n", b"\xff"]))
    return b"\xef\xbb\xbf" + data if ending == "mark" else data
