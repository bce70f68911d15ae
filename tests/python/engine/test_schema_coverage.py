"""Every keyword of JSON Schema: instances are told apart byte by byte, or the schema is refused by the keyword's name.

The table of docs/structured-output.md is made here; INFERNO_TEST_WRITE_DOCS=1 writes it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import llguidance
import pytest

from inferno.engine.grammar_text import prepared
from inferno.engine.json_pattern import exact_pattern
from inferno.engine.local import LocalEngine
from inferno.engine.request import Grammar
from inferno.errors import InvalidArgument, Unsupported

_ROOT = Path(__file__).resolve().parents[3]
DOC = _ROOT / "docs" / "structured-output.md"
_SPEC = importlib.util.spec_from_file_location("schema_cases", _ROOT / "tests" / "data" / "schema_cases.py")
assert _SPEC is not None
assert _SPEC.loader is not None
schema_cases = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(schema_cases)
CASES: list[tuple[str, Any, list[Any], list[Any]]] = schema_cases.CASES
BYTES = llguidance.LLTokenizer("byte")


def accepts(schema_text: str, written: str) -> bool:
    """Whether a text may be written token by token, and end there."""
    matcher = llguidance.LLMatcher(BYTES, llguidance.LLMatcher.grammar_from_json_schema(schema_text))
    tokens = BYTES.tokenize_str(written)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


async def refusal(engine: LocalEngine, grammar: Grammar) -> str | None:
    try:
        await engine._grammars.compiled(grammar, "")
    except InvalidArgument as why:
        return why.message
    return None


def named_in(keyword: str, message: str) -> bool:
    words = {"pattern": "look-around|backreferences", "$ref": "example.com|missing", "maxProperties": "maxProperties"}
    return re.search(words.get(keyword, re.escape(keyword)), message) is not None


async def test_every_keyword_is_kept_to_or_refused_by_name() -> None:
    assert len(CASES) >= 200
    engine = await LocalEngine.load("fake:")
    supported: Counter[str] = Counter()
    refused: dict[str, str] = {}
    for keyword, schema, valid, invalid in CASES:
        label = f"{keyword}: {schema['format']}" if keyword == "format" else keyword
        grammar = Grammar("json_schema", json.dumps(schema))
        why = await refusal(engine, grammar)
        if why is not None:
            assert not valid, f"{schema} is refused: {why}"
            assert named_in(keyword, why), why
            refused.setdefault(label, json.dumps(schema))
            continue
        assert valid, f"{schema} is not refused"
        supported[label] += 1
        text = prepared(grammar)[1]
        for one in valid:
            for written in (
                json.dumps(one, ensure_ascii=False),
                json.dumps(one, ensure_ascii=False, separators=(",", ":")),
            ):
                assert accepts(text, written), f"{schema} does not accept {written}"
        for one in invalid:
            assert not accepts(text, json.dumps(one, ensure_ascii=False)), f"{schema} accepts {one!r}"
    await engine.aclose()
    written = DOC.read_text()
    table = "\n".join(_rows(supported, refused))
    begin, end = written.index("<!-- table -->") + len("<!-- table -->\n"), written.index("<!-- end of table -->")
    if os.environ.get("INFERNO_TEST_WRITE_DOCS") == "1":
        DOC.write_text(f"{written[:begin]}{table}\n{written[end:]}")
    else:
        assert written[begin:end] == table + "\n", "write it with INFERNO_TEST_WRITE_DOCS=1"


def _rows(supported: Counter[str], refused: dict[str, str]) -> list[str]:
    rows = ["| keyword | schemas kept to | refused with 400, for example |", "|---|---|---|"]
    for label in sorted({*supported, *refused}, key=str.lower):
        example = f"`{refused[label]}`" if label in refused else ""
        rows.append(f"| `{label}` | {supported[label] or ''} | {example} |")
    return rows


@pytest.mark.parametrize(("keyword", "schema", "valid", "invalid"), [case for case in CASES if case[0] != "format"])
def test_the_cases_are_right(keyword: str, schema: Any, valid: list[Any], invalid: list[Any]) -> None:
    if not valid:
        return  # refused: nothing is said of instances
    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)(schema)
    assert all(validator.is_valid(one) for one in valid)
    assert not any(validator.is_valid(one) for one in invalid)


@pytest.mark.parametrize("pattern", ['^[^"]*$', "^[^\\\\]*$", '^[^x"]+$', '^[^\\n"]*$', '^a[^"\\\\]{2}$', '^[^\\]"]*$'])
def test_negated_classes_do_not_let_quotation_marks_in(pattern: str) -> None:
    text = prepared(Grammar("json_schema", json.dumps({"type": "string", "pattern": pattern})))[1]
    for one in ("", "a", "abc", 'a"b', "a\\b", 'a"', "a]b", "axb", "a\nb", "\u00e9\u00e9"):
        assert accepts(text, json.dumps(one, ensure_ascii=False)) == bool(re.search(pattern, one)), one


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("[a[b]]", "class within a class"),
        ("[a&&b]", "'&&'"),
        ("[a--b]", "'--'"),
        ("[]", "empty class"),
        ("[^]", "empty class"),
        ("\\P{L}", "the class"),
        ("\\p{Cc}", "the class"),
        ("\\p{gc=Cc}", "the class"),
        ("[\\x00-~]", "control character"),
        ("[\\u0001-z]", "control character"),
        ("[\t-z]", "control character"),
    ],
)
def test_classes_that_would_be_read_otherwise_are_refused(pattern: str, what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        exact_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["[a\\[b]", "\\[^a]", "\\\\[a-z-]", "[-a]", "\\p{L}\\pN", "(a|b)?.*", "[\\w-]", "[ -~]"]
)
def test_other_patterns_stay_as_they_are(pattern: str) -> None:
    assert exact_pattern(pattern) == pattern
    assert exact_pattern("x[^a]" + pattern) == "x[^\\x00a]" + pattern


def test_only_patterns_are_rewritten() -> None:
    data = {"pattern": '[^"]'}
    schema = {
        "properties": {"pattern": {"const": data}, "const": {"pattern": "[^a]"}},
        "enum": [data],
        "patternProperties": {"[^b]": {"anyOf": [{"pattern": "[^c]"}]}},
    }
    found = json.loads(prepared(Grammar("json_schema", json.dumps(schema)))[1])
    assert found["properties"] == {"pattern": {"const": data}, "const": {"pattern": "[^\\x00a]"}}
    assert found["enum"] == [data]
    assert found["patternProperties"] == {"[^\\x00b]": {"anyOf": [{"pattern": "[^\\x00c]"}]}}
