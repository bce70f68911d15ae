"""What a request calls a grammar, in llguidance's terms: checked, bounded, and never looser than it was asked. Pure."""

from __future__ import annotations

import json
from typing import Any

from inferno.engine.json_pattern import exact_pattern
from inferno.engine.request import Grammar
from inferno.errors import InvalidArgument, Unsupported

MAX_BYTES = 256 * 1024
"""Of a schema, an expression or a grammar."""
MAX_GBNF_BYTES = 32 * 1024
MAX_DEPTH = 64
"""Of arrays and objects in a schema."""

_OPTIONS = {
    "item_separator": ", ?",
    "key_separator": ": ?",
    "whitespace_flexible": False,
    "lenient": False,
    "coerce_one_of": False,
}
"""How llguidance reads a schema; all is written, so that no default can loosen one. JSON stands on one line, with
a blank after commas and colons where the model likes one: models that are unsure of the next word would otherwise write
blanks for ever."""
_LITERAL = frozenset({"const", "enum", "default", "examples"})
_NAMES = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose objects have names of the schema's author for keys."""


def prepared(grammar: Grammar) -> tuple[str, str]:
    """Type and text for ``_core.GrammarCompiler``. Raises InvalidArgument, or Unsupported naming the feature."""
    limit = MAX_GBNF_BYTES if grammar.kind == "gbnf" else MAX_BYTES
    try:
        size = len(grammar.text.encode())
    except UnicodeEncodeError:
        raise _refused("it holds half of a surrogate pair, which is no character") from None
    if size > limit:
        raise _refused(f"it has {size} bytes; at most {limit} are allowed")
    if grammar.kind == "json_object":
        return "json_schema", _json_text({"type": "object"})
    if grammar.kind == "json_schema":
        return "json_schema", _json_text(_schema(grammar.text))
    if grammar.kind == "choice":
        return "lark", _choice(grammar.text)
    if grammar.kind == "gbnf":
        return "lark", _lark_of_gbnf(grammar.text)
    return grammar.kind, grammar.text


def embedded(schema: dict[str, Any]) -> str:
    """A schema as it stands behind ``%json`` in a Lark grammar. Raises as :func:`prepared`."""
    return _json_text(_schema(json.dumps(schema, ensure_ascii=False)))


def _refused(why: str) -> InvalidArgument:
    return InvalidArgument(f"the grammar cannot be used: {why}", param="grammar")


def _json_text(schema: dict[str, Any]) -> str:
    return json.dumps({**schema, "x-guidance": _OPTIONS}, ensure_ascii=False)


def _schema(text: str) -> dict[str, Any]:
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(f"the schema is not valid JSON: {type(error).__name__}") from None
    if schema is True:
        schema = {}
    if not isinstance(schema, dict):
        raise _refused("a JSON schema is an object, or true")
    if "x-guidance" in schema:
        raise _refused("'x-guidance' is no keyword of JSON Schema; leave it out")
    _check_depth(schema)
    return {name: _exact(name, value) for name, value in _counted(schema).items()}


def _check_depth(schema: dict[str, Any]) -> None:
    """Iteratively, since what is asked is whether it is too deep for anything else."""
    level: list[Any] = [schema]
    for _ in range(MAX_DEPTH):
        insides = (value.values() if isinstance(value, dict) else value for value in level)
        level = [inner for inside in insides for inner in inside if isinstance(inner, dict | list)]
        if not level:
            return
    raise _refused(f"the schema is nested deeper than {MAX_DEPTH} levels")


def _exact(keyword: str, value: Any) -> Any:
    """The value of a keyword, every pattern in it exact. What instances are compared with stays as it is."""
    if keyword == "pattern" and isinstance(value, str):
        return exact_pattern(value)
    if isinstance(value, list) and keyword not in _LITERAL:
        return [_exact("", one) for one in value]
    if not isinstance(value, dict) or keyword in _LITERAL:
        return value
    if keyword == "patternProperties":
        return {exact_pattern(pattern): _exact("", schema) for pattern, schema in value.items()}
    named = value if keyword in _NAMES else _counted(value)
    return {name: _exact("" if keyword in _NAMES else name, inner) for name, inner in named.items()}


def _counted(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema``. Raises Unsupported where llguidance would count unnamed keys, which it lets come twice."""
    least, required = schema.get("minProperties"), schema.get("required", [])
    if isinstance(least, int | float) and isinstance(required, list):
        distinct = len({name for name in required if isinstance(name, str)})
        if least > distinct + 1:
            raise Unsupported(
                f"'minProperties' is {least} with {distinct} required properties: a larger number than one more than"
                " those is not supported in schemas of answers",
                param="grammar",
            )
    return schema


def _choice(text: str) -> str:
    choices = json.loads(text)
    if not isinstance(choices, list) or not choices or not all(isinstance(one, str) and one for one in choices):
        raise _refused("choices are a list of at least one text, none of them empty")
    return "start: " + " | ".join(json.dumps(one, ensure_ascii=False) for one in choices)


def _lark_of_gbnf(text: str) -> str:
    from llguidance.gbnf_to_lark import gbnf_to_lark

    try:
        return gbnf_to_lark(text)
    except RecursionError:
        raise _refused("it is nested too deeply") from None
    except Exception as error:  # what the converter raises, for whatever it does not understand
        raise _refused(f"GBNF: {error}"[:400]) from None
