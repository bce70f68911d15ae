"""JSON schemas of every keyword, with instances that satisfy them and instances that do not.

A case is (keyword, schema, valid, invalid). Instances are written as JSON with keys in the order given here, which must
be that of the schema's ``properties``. jsonschema is asked whether every case is right.
"""

from __future__ import annotations

from itertools import product
from typing import Any

Case = tuple[str, Any, list[Any], list[Any]]


def _types() -> list[Case]:
    samples: dict[str, list[Any]] = {
        "null": [None],
        "boolean": [True, False],
        "integer": [0, -3, 12345678],
        "number": [0, -3.25, 1e-7, 12],
        "string": ["", "word", 'a "quote" and \\', "\u00e9\U0001f600", "line\nbreak"],
        "array": [[], [1, "a", [None]]],
        "object": [{}, {"a": 1, "b": {"c": []}}],
    }
    cases: list[Case] = []
    for name, valid in samples.items():
        others = [one for other, values in samples.items() for one in values if {name, other} != {"integer", "number"}]
        invalid = [one for one in others if not any(one is other or one == other for other in valid)]
        invalid = [one for one in invalid if not (name == "integer" and isinstance(one, float))]
        cases.append(("type", {"type": name}, valid, [*invalid, *([1.5] if name == "integer" else [])]))
    for one, two in (("null", "string"), ("integer", "array"), ("boolean", "object"), ("number", "null")):
        rest = [v for name, values in samples.items() if name not in {one, two, "integer", "number"} for v in values]
        cases.append(("type", {"type": [one, two]}, samples[one] + samples[two], rest))
    cases += [("true", {}, [v for values in samples.values() for v in values], [])]
    cases += [("false", {"type": "object", "properties": {"a": False}}, [{}], [{"a": 1}])]
    return cases


def _values() -> list[Case]:
    values: list[Any] = [None, True, 0, -17, 2.5, "", "text", 'a"b', "\u00fc", [], [1, 2], {"a": 1}, {"a": {"b": []}}]
    cases: list[Case] = [("const", {"const": one}, [one], ["other", 99, [0]]) for one in values]
    for size in (1, 2, 5, 13):
        cases.append(("enum", {"enum": values[:size]}, values[:size], ["other", 99, [0], {"z": 1}]))
    return cases


def _numbers() -> list[Case]:
    cases: list[Case] = []
    for kind, low in product(("integer", "number"), (-100, -7, 0, 1, 10, 999)):
        cases.append(("minimum", {"type": kind, "minimum": low}, [low, low + 1, low + 1000], [low - 1, low - 1000]))
        cases.append(("maximum", {"type": kind, "maximum": low}, [low, low - 1, low - 1000], [low + 1, low + 1000]))
        cases.append(("exclusiveMinimum", {"type": kind, "exclusiveMinimum": low}, [low + 1], [low, low - 1]))
        cases.append(("exclusiveMaximum", {"type": kind, "exclusiveMaximum": low}, [low - 1], [low, low + 1]))
    for low, high in ((0, 9), (-5, 5), (18, 130), (1, 1), (100, 99999)):
        inside, outside = [low, high, (low + high) // 2], [low - 1, high + 1]
        both = {"minimum": low, "maximum": high}
        cases.append(("minimum and maximum", {"type": "integer", **both}, inside, outside))
        cases.append(("minimum and maximum", {"type": "number", **both}, inside, [*outside, high + 0.5]))
    cases += [
        ("multipleOf", {"type": "integer", "multipleOf": n}, [0, n, 3 * n, -2 * n], [1, n + 1])
        for n in (2, 3, 5, 7, 10, 100)
    ]
    cases.append(("multipleOf", {"type": "number", "multipleOf": 0.5}, [0, 1.5, -2], [0.25, 1.1]))
    cases.append(("multipleOf", {"type": "integer", "multipleOf": 3, "minimum": 4, "maximum": 12}, [6, 12], [3, 7, 15]))
    return cases


def _strings() -> list[Case]:
    cases: list[Case] = []
    for low, high in ((0, 0), (1, 1), (2, 5), (0, 30), (10, 10)):
        schema = {"type": "string", "minLength": low, "maxLength": high}
        invalid = ["x" * (high + 1), *(["x" * (low - 1)] if low else [])]
        cases.append(("minLength and maxLength", schema, ["x" * low, "\u00e9" * high], invalid))
    cases += [
        ("minLength", {"type": "string", "minLength": n}, ["x" * n, "\U0001f600" * (n + 1)], ["x" * (n - 1)])
        for n in (1, 3, 8)
    ]
    cases += [("maxLength", {"type": "string", "maxLength": n}, ["", "\u00fc" * n], ["x" * (n + 1)]) for n in (1, 3, 8)]
    patterns: list[tuple[str, list[str], list[str]]] = [
        ("^[a-z]+$", ["a", "abc"], ["", "A", "ab1"]),
        ("^\\d{3}-\\d{4}$", ["555-1234"], ["5551234", "555-12345"]),
        ("^(cat|dog)s?$", ["cat", "dogs"], ["bird", "catss"]),
        ("b", ["b", "abc"], ["", "ac"]),
        ("^ab", ["ab", "abc"], ["cab"]),
        ("ab$", ["ab", "cab"], ["abc"]),
        ('^[^"\\\\]*$', ["plain", ""], ['a"b', "a\\b"]),
        ("^\\w+@\\w+\\.com$", ["me@here.com"], ["me@here.org", "@.com"]),
        ("^[\u00e0-\u00ff]{2}$", ["\u00e9\u00e8"], ["ee", "\u00e9"]),
        ("^a.c$", ["abc", "a c"], ["ac", "abbc"]),
        ("^(?:x{2,3}y?){1,2}$", ["xx", "xxxyxx"], ["x", "yy"]),
        ("^(?=a)b$", [], []),
        ("^(a)\\1$", [], []),
        ("^(?<!a)b$", [], []),
    ]
    cases += [
        ("pattern", {"type": "string", "pattern": pattern}, valid, invalid) for pattern, valid, invalid in patterns
    ]
    cases.append(("pattern", {"type": "string", "pattern": "^[a-z]*$", "maxLength": 3}, ["", "abc"], ["abcd", "A"]))
    return cases


FORMATS: dict[str, tuple[list[str], list[str]]] = {
    "date-time": (["2024-02-29T12:30:00Z", "1999-12-31T23:59:59+01:00"], ["2024-02-29", "2024-13-01T00:00:00Z"]),
    "date": (["2024-02-29", "1999-12-31"], ["2024-13-01", "24-01-01"]),
    "time": (["12:30:00Z", "23:59:59+01:00"], ["25:00:00Z", "12:30"]),
    "duration": (["P3D", "PT5M"], ["3 days", "P"]),
    "email": (["me@example.com"], ["me", "@example.com"]),
    "hostname": (["example.com"], ["-x-", "a b"]),
    "ipv4": (["192.168.0.1"], ["192.168.0.256", "1.2.3"]),
    "ipv6": (["::1", "2001:db8::1"], ["1.2.3.4", "::g"]),
    "uuid": (["123e4567-e89b-12d3-a456-426614174000"], ["123e4567", "no"]),
    "uri": (["https://example.com/a?b=c"], ["no scheme"]),
    "uri-reference": ([], []),
    "iri": ([], []),
    "idn-email": ([], []),
    "idn-hostname": ([], []),
    "json-pointer": ([], []),
    "relative-json-pointer": ([], []),
    "regex": ([], []),
    "uri-template": ([], []),
    "color": ([], []),
}


def _formats() -> list[Case]:
    return [("format", {"type": "string", "format": name}, *texts) for name, texts in FORMATS.items()]


def _arrays() -> list[Case]:
    integers = {"type": "array", "items": {"type": "integer"}}
    cases: list[Case] = [("items", integers, [[], [1], [1, 2, 3]], [["a"], [1, None]])]
    cases += [("items", {"type": "array", "items": False}, [[]], [[1]])]
    cases += [("items", {"type": "array", "items": integers}, [[], [[1], []]], [[1], [["a"]]])]
    for n in (0, 1, 2, 5):
        cases.append(("maxItems", {**integers, "maxItems": n}, [[], [1] * n], [[1] * (n + 1)]))
        cases.append(("minItems", {**integers, "minItems": n}, [[1] * n, [1] * (n + 3)], [[1] * (n - 1)] if n else []))
    for low, high in ((0, 3), (1, 1), (2, 4)):
        schema = {**integers, "minItems": low, "maxItems": high}
        cases.append(("minItems and maxItems", schema, [[1] * low, [1] * high], [[1] * (high + 1)]))
    tuple_of: dict[str, Any] = {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}
    cases += [
        ("prefixItems", {**tuple_of, "items": False, "minItems": 2}, [["a", 1]], [["a"], [1, "a"], ["a", 1, 2]]),
        ("prefixItems", {**tuple_of, "items": {"type": "null"}}, [["a", 1, None], ["a"]], [["a", 1, 2]]),
        ("prefixItems", tuple_of, [["a", 1, True]], [[1]]),
        ("uniqueItems", {"type": "array", "uniqueItems": True}, [], []),
        ("contains", {"type": "array", "contains": {"const": 1}}, [], []),
        ("minContains", {"type": "array", "contains": {}, "minContains": 2}, [], []),
        ("maxContains", {"type": "array", "contains": {}, "maxContains": 2}, [], []),
        ("unevaluatedItems", {"type": "array", "unevaluatedItems": False}, [], []),
    ]
    return cases


def _objects() -> list[Case]:
    two: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}
    closed = {**two, "additionalProperties": False}
    cases: list[Case] = [
        ("properties", two, [{}, {"a": 1}, {"a": 1, "b": "x"}, {"b": "x", "c": None}], [{"a": "x"}, {"b": 1}]),
        ("required", {**two, "required": ["a"]}, [{"a": 1}, {"a": 1, "b": "x"}], [{}, {"b": "x"}]),
        ("required", {**closed, "required": ["a", "b"]}, [{"a": 1, "b": "x"}], [{}, {"a": 1}]),
        ("required", {"type": "object", "required": ["z"]}, [{"z": 1}], [{}, {"y": 1}]),
        ("additionalProperties", closed, [{}, {"a": 1, "b": "x"}], [{"c": 1}, {"a": 1, "c": 1}]),
        ("additionalProperties", {**two, "additionalProperties": {"type": "null"}}, [{"a": 1, "c": None}], [{"c": 1}]),
        (
            "additionalProperties",
            {"type": "object", "additionalProperties": {"type": "integer"}},
            [{}, {"x": 1}],
            [{"x": "1"}],
        ),
        (
            "patternProperties",
            {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False},
            [{}, {"x-a": 1}],
            [{"x-a": "1"}, {"y": 1}],
        ),
        ("propertyNames", {"type": "object", "propertyNames": {"pattern": "^a"}}, [], []),
        ("dependentRequired", {"type": "object", "dependentRequired": {"a": ["b"]}}, [], []),
        ("dependentSchemas", {"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}}, [], []),
        ("unevaluatedProperties", {"type": "object", "unevaluatedProperties": False}, [], []),
        ("minProperties", {"type": "object", "minProperties": 1}, [{"a": 1}], [{}]),
        ("minProperties", {"type": "object", "minProperties": 2}, [], []),
        ("minProperties", {"type": "object", "required": ["a"], "minProperties": 2}, [{"a": 1, "b": 2}], [{"a": 1}]),
        ("maxProperties", {"type": "object", "maxProperties": 1}, [{}, {"a": 1}], [{"a": 1, "b": 2}]),
        ("maxProperties", {"type": "object", "maxProperties": 0}, [{}], [{"a": 1}]),
        ("maxProperties", {**two, "maxProperties": 2}, [], []),
    ]
    return cases


def _combinations() -> list[Case]:
    small, text = {"type": "integer", "maximum": 9}, {"type": "string", "maxLength": 3}
    left = {
        "type": "object",
        "properties": {"kind": {"const": "l"}, "n": {"type": "integer"}},
        "required": ["kind", "n"],
        "additionalProperties": False,
    }
    right = {
        "type": "object",
        "properties": {"kind": {"const": "r"}, "s": {"type": "string"}},
        "required": ["kind", "s"],
        "additionalProperties": False,
    }
    both: tuple[list[Any], list[Any]] = (
        [{"kind": "l", "n": 1}, {"kind": "r", "s": "x"}],
        [{"kind": "l", "s": "x"}, {"kind": "r", "n": 1}, {"kind": "z"}],
    )
    return [
        ("anyOf", {"anyOf": [small, text]}, [3, "abc"], [10, "abcd", None]),
        ("anyOf", {"anyOf": [left, right]}, *both),
        ("anyOf", {"type": "integer", "anyOf": [{"maximum": 3}, {"minimum": 10}]}, [3, 10], [5, "x"]),
        ("oneOf", {"oneOf": [left, right]}, *both),
        ("oneOf", {"oneOf": [{"type": "string"}, {"type": "integer"}]}, ["x", 1], [None, 1.5]),
        ("oneOf", {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 3}]}, [], []),
        ("allOf", {"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 7}]}, [3, 7], [2, 8, "x"]),
        (
            "allOf",
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string"}}, "required": ["b"]},
                ]
            },
            [{"a": 1, "b": "x"}],
            [{"a": 1}, {"a": "x", "b": "x"}],
        ),
        ("allOf", {"type": "string", "allOf": [{"minLength": 2}, {"pattern": "^[a-z]*$"}]}, ["ab"], ["a", "AB"]),
        ("not", {"type": "string", "not": {"const": "x"}}, [], []),
        ("if", {"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}}, [], []),
        ("if", {"type": "object", "if": {"required": ["a"]}, "else": {"required": ["b"]}}, [], []),
    ]


def _references() -> list[Case]:
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "v": {"type": "integer"},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["v", "next"],
                "additionalProperties": False,
            }
        },
    }
    nested = {"v": 1, "next": {"v": 2, "next": {"v": 3, "next": None}}}
    folder = {
        "type": "object",
        "properties": {"in": {"type": "array", "items": {"$ref": "#"}}},
        "additionalProperties": False,
    }
    return [
        ("$ref", tree, [{"v": 1, "next": None}, nested], [{"v": 1}, {"v": 1, "next": {"v": 2}}]),
        ("$ref", folder, [{}, {"in": [{}, {"in": []}]}], [{"in": [1]}]),
        ("$ref", {"definitions": {"n": {"type": "integer"}}, "$ref": "#/definitions/n"}, [1], ["x"]),
        ("$ref", {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 3}, [3], [2]),
        ("$ref", {"$ref": "https://example.com/schema.json"}, [], []),
        ("$ref", {"$ref": "#/$defs/missing"}, [], []),
        ("$anchor", {"$defs": {"n": {"$anchor": "num", "type": "integer"}}, "$ref": "#num"}, [1], ["x"]),
        ("$dynamicRef", {"$dynamicRef": "#x", "$defs": {"y": {"$dynamicAnchor": "x", "type": "integer"}}}, [], []),
        (
            "$id",
            {"$id": "https://example.com/me", "$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"},
            [1],
            ["x"],
        ),
        ("$schema", {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "integer"}, [1], ["x"]),
        ("$schema", {"$schema": "http://json-schema.org/draft-07/schema#", "type": "integer"}, [1], ["x"]),
    ]


def _annotations() -> list[Case]:
    notes: dict[str, Any] = {
        "title": "a",
        "description": "b",
        "default": 1,
        "examples": [1],
        "readOnly": True,
        "writeOnly": True,
        "deprecated": True,
        "$comment": "c",
        "contentMediaType": "text/plain",
        "contentEncoding": "base64",
        "x-own": {"a": 1},
    }
    return [(name, {"type": "integer", name: value}, [1], ["x"]) for name, value in notes.items()]


CASES: list[Case] = [
    *_types(),
    *_values(),
    *_numbers(),
    *_strings(),
    *_formats(),
    *_arrays(),
    *_objects(),
    *_combinations(),
    *_references(),
    *_annotations(),
]
