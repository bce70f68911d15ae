"""Grammars in the engine, with the real library: random models kept to a schema, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.data.make_gguf import write_model

from inferno.engine import grammars
from inferno.engine.delta import Delta
from inferno.engine.grammars import Grammars
from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest, Grammar, SamplingOptions
from inferno.errors import InvalidArgument, QueueFull, Unsupported
from server.harness import until

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1, "maximum": 9999},
        "name": {"type": "string", "maxLength": 12},
        "state": {"enum": ["new", "paid", "sent", None]},
        "price": {"type": "number", "minimum": 0, "exclusiveMaximum": 1000, "multipleOf": 0.5},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{1,6}$"}, "minItems": 1, "maxItems": 3},
        "address": {"$ref": "#/$defs/address"},
    },
    "required": ["id", "name", "state", "tags"],
    "additionalProperties": False,
    "$defs": {
        "address": {
            "type": "object",
            "properties": {
                "street": {"type": "string", "maxLength": 8},
                "zip": {"type": "string", "pattern": "^\\d{5}$"},
            },
            "required": ["zip"],
            "additionalProperties": False,
        }
    },
}
SCHEMA = Grammar("json_schema", json.dumps(ORDER))


@pytest.fixture
async def engine() -> AsyncIterator[LocalEngine]:
    engine = await LocalEngine.load("fake:")
    yield engine
    await engine.aclose()


async def said(engine: LocalEngine, grammar: Grammar, **request: Any) -> tuple[str, Delta]:
    sampling = SamplingOptions(temperature=request.pop("temperature", 1.0), seed=request.pop("seed", 0))
    ask = GenerateRequest([72, 105], sampling, max_tokens=request.pop("max_tokens", 400), grammar=grammar, **request)
    deltas = [delta async for delta in await engine.generate(ask)]
    return "".join(delta.text for delta in deltas), deltas[-1]


@pytest.mark.parametrize("model", ["fake:", "llama"])
async def test_a_model_of_noise_kept_to_a_schema_satisfies_it_with_every_seed(model: str, tmp_path: Path) -> None:
    if model != "fake:":
        model = str(tmp_path / "tiny.gguf")
        write_model(Path(model), "llama", seed=1, layers=2, width=64, heads=4, kv_heads=2)
    engine = await LocalEngine.load(model)
    validator = jsonschema.Draft202012Validator(ORDER)
    answers = await asyncio.gather(*(said(engine, SCHEMA, seed=seed) for seed in range(100)))
    for text, last in answers:
        validator.validate(json.loads(text))
        assert last.finish_reason == "stop"
    assert len({text for text, _ in answers}) > 90
    assert engine.stats()["grammar_masks"] >= sum(last.usage.completion_tokens for _, last in answers)
    await engine.aclose()


@pytest.mark.parametrize(
    ("grammar", "allowed"),
    [
        (Grammar("regex", "[0-9]{3}-(red|green)"), r"[0-9]{3}-(red|green)"),
        (Grammar("choice", json.dumps(["yes", "no\n", 'say "\u00fc" \\ /'])), 'yes|no\n|say "\u00fc" \\\\ /'),
        (Grammar("lark", 'start: "a" DIGIT+ "z"\nDIGIT: /[0-9]/'), "a[0-9]+z"),
        (Grammar("gbnf", 'root ::= "[" item ("," item)* "]"\nitem ::= [a-c]{2}'), r"\[[a-c]{2}(,[a-c]{2})*\]"),
    ],
)
async def test_other_kinds_of_grammar(engine: LocalEngine, grammar: Grammar, allowed: str) -> None:
    for seed in range(20):
        text, last = await said(engine, grammar, seed=seed)
        assert last.finish_reason == "stop", text
        assert re.fullmatch(allowed, text), text


async def test_json_objects_of_any_kind_are_whole_or_cut_by_the_limit(engine: LocalEngine) -> None:
    whole = 0
    for seed in range(30):
        text, last = await said(engine, Grammar("json_object", ""), seed=seed, max_tokens=150)
        if last.finish_reason == "stop":
            whole += 1
            assert isinstance(json.loads(text), dict)
        else:
            assert last.finish_reason == "length"
    assert whole > 0


async def test_what_is_cut_short_ends_with_length(engine: LocalEngine) -> None:
    text, last = await said(engine, SCHEMA, max_tokens=5)
    assert (len(text), last.finish_reason) == (5, "length")
    text, last = await said(engine, SCHEMA, stop=('"name"',))
    assert text.endswith((",", ", "))
    assert last.finish_reason == "length"


async def test_logprobs_are_the_models_own(engine: LocalEngine) -> None:
    async def first(grammar: Grammar | None) -> Any:
        ask = GenerateRequest([72], SamplingOptions(temperature=0, logprobs=5), max_tokens=1, grammar=grammar)
        deltas = [delta async for delta in await engine.generate(ask)]
        return deltas[0].logprobs[0]

    free, kept = await first(None), await first(Grammar("choice", '["~"]'))
    assert kept.top == free.top
    assert kept.token == b"~"
    assert kept.logprob < min(logprob for _, _, logprob in free.top)


REFUSED = [
    (Grammar("json_schema", "{"), "not valid JSON"),
    (Grammar("json_schema", "[]"), "is an object"),
    (Grammar("json_schema", '{"x-guidance": {"lenient": true}}'), "x-guidance"),
    (Grammar("json_schema", '{"type": "array", "uniqueItems": true}'), "uniqueItems"),
    (Grammar("json_schema", '{"not": {"type": "string"}}'), "not"),
    (Grammar("json_schema", '{"type": "string", "format": "color"}'), "color"),
    (Grammar("json_schema", '{"type": "object", "minProperties": 3, "required": ["a"]}'), "minProperties"),
    (Grammar("json_schema", '{"type": "integer", "minimum": 5, "maximum": 3}'), "5"),
    (Grammar("json_schema", '{"$ref": "https://example.com/other.json"}'), "example.com"),
    (Grammar("json_schema", '{"properties": ' * 70 + "{}" + "}" * 70), "deeper than 64"),
    (Grammar("json_schema", json.dumps({"enum": ["x" * 300_000]})), "at most 262144"),
    (Grammar("regex", "(?=a)b"), "look-around"),
    (Grammar("regex", "a\0"), "code 0"),
    (Grammar("choice", "[]"), "at least one"),
    (Grammar("lark", "start: nothing"), "nothing"),
    (Grammar("gbnf", "root ::= missing"), "missing"),
    (Grammar("gbnf", "root ::= " + "(" * 5000), "nested"),
    (Grammar("lark", "\ud800"), "surrogate"),
]


@pytest.mark.parametrize(("grammar", "why"), REFUSED)
async def test_what_cannot_be_kept_to_is_refused_with_the_reason(
    engine: LocalEngine, grammar: Grammar, why: str
) -> None:
    with pytest.raises(InvalidArgument, match=why) as refused:
        await said(engine, grammar)
    assert refused.value.param == "grammar"
    assert (await said(engine, Grammar("choice", '["ok"]')))[0] == "ok"


@pytest.mark.parametrize(
    "grammar",
    [
        Grammar("regex", "(" * 100 + "a" + "{0,40})" * 100),
        Grammar("regex", "(a|b)*a(a|b){200}c(a|b){200}"),
        Grammar("json_schema", json.dumps({"type": "string", "pattern": "^(([a-z]{1,90}){1,90}){1,90}$"})),
        Grammar("json_schema", json.dumps({"type": "array", "maxItems": 10**9, "items": {"maxItems": 10**9}})),
        Grammar(
            "json_schema", json.dumps({"allOf": [{"anyOf": [{"minimum": i * j} for i in range(9)]} for j in range(9)]})
        ),
    ],
)
async def test_hostile_grammars_leave_the_engine_serving(engine: LocalEngine, grammar: Grammar) -> None:
    beside = asyncio.ensure_future(said(engine, SCHEMA))
    with contextlib.suppress(InvalidArgument):
        assert (await said(engine, grammar, max_tokens=40))[1].finish_reason in {"stop", "length"}
    assert (await beside)[1].finish_reason == "stop"


async def test_a_grammar_is_compiled_once_for_a_tenant(engine: LocalEngine) -> None:
    compiled = engine._grammars
    first, same = await asyncio.gather(compiled.compiled(SCHEMA, "a"), compiled.compiled(SCHEMA, "a"))
    assert first is same
    assert await compiled.compiled(SCHEMA, "a") is first
    assert await compiled.compiled(SCHEMA, "b") is not first


async def test_what_is_kept_and_what_waits_is_bounded(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = engine._grammars
    monkeypatch.setattr(grammars, "KEPT_BYTES", 3 * grammars._BYTES_EACH)
    kept = [Grammar("choice", f'["{letter}"]') for letter in "abcd"]
    first = [await compiled.compiled(one, "") for one in kept]
    assert await compiled.compiled(kept[3], "") is first[3]
    assert await compiled.compiled(kept[0], "") is not first[0]
    monkeypatch.setattr(grammars, "MAX_COMPILING", 0)
    with pytest.raises(QueueFull, match="0 grammars"):
        await compiled.compiled(Grammar("choice", '["z"]'), "")


async def test_what_nobody_waits_for_is_not_begun(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, begun, gate = engine._grammars, [], threading.Event()
    at_once = Grammars._compile

    def compile_at_the_gate(self: Grammars, grammar: Grammar) -> Any:
        begun.append(grammar.text)
        assert gate.wait(60)
        return at_once(self, grammar)

    monkeypatch.setattr(Grammars, "_compile", compile_at_the_gate)
    ahead = asyncio.ensure_future(compiled.compiled(Grammar("choice", '["a"]'), ""))
    await until(lambda: begun)
    left = asyncio.ensure_future(compiled.compiled(Grammar("choice", '["b"]'), ""))
    await until(lambda: len(compiled._compiling) == 2)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    gate.set()
    await ahead
    await compiled.compiled(Grammar("choice", '["c"]'), "")
    assert begun == ['["a"]', '["c"]']
    gate.clear()
    monkeypatch.setattr(grammars, "MAX_SECONDS", 0.02)
    with pytest.raises(InvalidArgument, match=r"within 0\.02 seconds"):
        await compiled.compiled(Grammar("choice", '["d"]'), "")
    gate.set()


async def test_without_the_library_there_is_a_reason(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammars, "LIBRARY", "not_installed")
    with pytest.raises(Unsupported, match="the package 'not_installed' cannot be imported"):
        await said(engine, SCHEMA)
    monkeypatch.setattr(grammars, "LIBRARY", "msgspec")
    with pytest.raises(Unsupported):
        await said(engine, SCHEMA)
    monkeypatch.setattr(grammars, "_library", lambda: json.decoder.scanner.c_make_scanner.__module__ + ".so")
    with pytest.raises(Unsupported, match="cannot be opened"):
        await said(engine, SCHEMA)
    monkeypatch.undo()
    assert json.loads((await said(engine, SCHEMA))[0])


async def test_embedding_models_have_no_use_for_one() -> None:
    engine = await LocalEngine.load("fake:embed=8")
    with pytest.raises(Unsupported):
        await said(engine, SCHEMA)
    await engine.aclose()
