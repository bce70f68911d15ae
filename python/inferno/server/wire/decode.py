"""A request body to its struct. What is wrong with it becomes an InvalidArgument that names field, value and limit."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import msgspec

from inferno.errors import InvalidArgument
from inferno.server.refusals import UnknownParameter
from inferno.server.wire.expected import in_words
from inferno.server.wire.known_words import known_words

T = TypeVar("T")
_passed_over: ContextVar[list[str] | None] = ContextVar("passed_over", default=None)

LONGEST_VALUE_SHOWN = 64
MOST_PASSED_OVER = 32
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*?)`(?: - at `(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`(?: - at `(?P<path>[^`]*)`)?")
_WHERE = re.compile(r"(?P<what>.*) - at (?:`key` in )?`\$\.?(?P<path>[^`]*)`", re.DOTALL)
_NO_WORD = re.compile(r"invalid (enum )?value '")
_PLAIN = re.compile(r"[A-Za-z_]\w*(?:\[\d+\]|\.[A-Za-z_]\w*)*", re.ASCII)
_STEP = re.compile(r"([A-Za-z_]\w*)|\[(\d+)\]")


@contextmanager
def unknown_fields_passed_over() -> Iterator[list[str]]:
    """Within it, bodies that this task decodes may have unknown fields: they are left out, and named here."""
    names: list[str] = []
    token = _passed_over.set(names)
    try:
        yield names
    finally:
        _passed_over.reset(token)


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode strictly: RFC 8259, UTF-8, no unknown field, no key twice. Raises InvalidArgument or UnknownParameter."""
    names = _passed_over.get()
    while True:
        try:
            return _decode(body, decoder)
        except UnknownParameter as error:
            if names is None or len(names) >= MOST_PASSED_OVER or not error.param or not _PLAIN.fullmatch(error.param):
                raise
            body = _without(body, error.param)
            names.append(error.param)


def _without(body: bytes, path: str) -> bytes:
    """The body without the field at the path, which is there."""
    try:
        value = whole = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
        json.dumps(whole, ensure_ascii=False).encode()  # refuses halves of surrogate pairs
    except RecursionError:
        raise InvalidArgument("the request body is nested too deeply") from None
    except ValueError:
        raise InvalidArgument("the request body is not valid JSON") from None
    *steps, (name, _) = _STEP.findall(path)
    for key, index in steps:
        value = value[int(index)] if index else value[key]
    del value[name]
    return json.dumps(whole).encode()


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        value = decoder.decode(body)
        _UNIQUE_KEYS.decode(body.decode("utf-8"))
        return value
    except msgspec.ValidationError as error:
        raise _refusal(str(error), _parsed(body), decoder.type) from None
    except RecursionError:
        raise InvalidArgument("the request body is nested too deeply") from None
    except UnicodeDecodeError:
        raise InvalidArgument("the request body is not valid UTF-8") from None
    except msgspec.DecodeError as error:
        if not body:
            raise InvalidArgument("the request has no body: it must be a JSON object") from None
        raise InvalidArgument(f"the request body is not valid JSON: {error}") from None
    except ValueError:  # a number of more digits than Python converts
        raise InvalidArgument("the request body is not valid JSON: a number is too long") from None


def convert(value: Any, wanted: type[T], where: str) -> T:
    """A part of a decoded body, which stands at ``where``, as its struct. Refuses as :func:`decode` does."""
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), value, wanted, where) from None


def decode_query(given: Mapping[str, str], wanted: type[T]) -> T:
    """What stands behind the path, as its struct: numbers and truths are read from their text. A list may be sent as
    ``name[]``. Refuses as :func:`decode` does."""
    values = {name.removesuffix("[]"): value for name, value in given.items()}
    try:
        return msgspec.convert(values, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), values, wanted) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:LONGEST_VALUE_SHOWN]
        raise InvalidArgument(f"the key {twice!r} occurs twice in one object", param=twice)
    return found


_UNIQUE_KEYS = json.JSONDecoder(object_pairs_hook=_unique)


def _refusal(problem: str, body: Any, wanted: Any, inside: str = "") -> InvalidArgument:
    """``body`` is what was decoded, as far as it could be; it stands at ``inside``, or is the whole body."""
    unknown = _UNKNOWN.fullmatch(problem)
    if unknown:
        path = (unknown["path"] or "$")[2:]
        return _unknown_field(unknown["name"][:LONGEST_VALUE_SHOWN], path, wanted, inside)
    missing = _MISSING.fullmatch(problem)
    if missing:
        param = _joined(inside, _joined((missing["path"] or "$").removeprefix("$").removeprefix("."), missing["name"]))
        return InvalidArgument(f"'{param}' is missing", param=param)
    where = _WHERE.fullmatch(problem)
    if where is None:
        named = f"'{inside}'" if inside else "the request body"
        return InvalidArgument(f"{named}: {in_words(problem)}", param=inside or None)
    path = where["path"]
    value = _shown(body, path)
    what = in_words(where["what"])
    param = _joined(inside, path)
    if _NO_WORD.match(what):
        words = known_words(wanted, [name for name, _ in _STEP.findall(path)])
        what = f"it must be one of {', '.join(words)}" if words else what
    return InvalidArgument(f"'{param}'{value}: {what}", param=param)


def _unknown_field(name: str, path: str, wanted: Any, inside: str) -> UnknownParameter:
    param = _joined(inside, _joined(path, name))
    known = [] if path else list(getattr(wanted, "__struct_encode_fields__", ()))
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return UnknownParameter(f"unknown parameter '{param}'{hint}", param=param)


def _joined(path: str, rest: str) -> str:
    return f"{path}{'' if rest.startswith('[') or not path else '.'}{rest}"


def _parsed(body: bytes) -> Any:
    """None when the body is broken beyond what was refused."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _shown(body: Any, path: str) -> str:
    """`` is <value>`` when the value at the path is short and can be found, else nothing."""
    value = body
    for name, index in _STEP.findall(path):
        if index and isinstance(value, list):
            value = value[int(index)]
        elif isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return ""
    if "..." in path or isinstance(value, (dict, list)):
        return ""
    text = json.dumps(value)
    return f" is {text}" if len(text) <= LONGEST_VALUE_SHOWN else ""
