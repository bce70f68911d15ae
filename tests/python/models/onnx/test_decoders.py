"""ONNX decoders of every form say what the GGUF file of the same weights says, and share what they computed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import inferno
from inferno.engine.core import forward_logs
from inferno.engine.model_digest import model_digest
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import DataCorrupted, InvalidArgument, Unsupported
from inferno.models.source import resolve

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "tests" / "data"), str(ROOT / "tools" / "ember")]
import ember_folder  # noqa: E402
import judge  # noqa: E402
import onnx_decoders  # noqa: E402

EXACT: dict[str, Any] = {"kv_type": "f32", "flash_attention": "off", "threads": 2}
GREEDY: dict[str, Any] = {"temperature": 0.0, "max_tokens": 32}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("onnx")
    for form in onnx_decoders.FORMS:
        onnx_decoders.write_ember(place / form, form)
    onnx_decoders.write_ember(place / "f16", "past", "F16")
    onnx_decoders.write_ember(place / "int4", "gqa", "INT4")
    return place


@pytest.fixture(scope="module")
def questions() -> list[list[dict[str, str]]]:
    return [check.messages for check in judge.load_checks() if not check.tools][::12]


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[inferno.LLM]:
    """The same weights in F32, computed by llama.cpp."""
    place = tmp_path_factory.mktemp("truth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        ember_folder.write(place / "ember")
        with inferno.LLM(str(place / "ember"), quantize="f32", **EXACT) as llm:
            yield llm


@pytest.mark.parametrize("form", onnx_decoders.FORMS)
def test_the_same_text_and_the_same_logits(
    folders: Path, truth: inferno.LLM, questions: list[list[dict[str, str]]], form: str
) -> None:
    some = questions[: {"plain": 1, "past-nopos": 3}.get(form, 8)]
    wanted = truth.chat(some, logprobs=5, **GREEDY)
    with inferno.LLM(str(folders / form), threads=2) as llm:
        answers = llm.chat(some, logprobs=5, **GREEDY)
    for answer, want in zip(answers, wanted, strict=True):
        assert answer.text == want.text
        assert answer.finish_reason == want.finish_reason
        for said, meant in zip(answer.logprobs, want.logprobs, strict=True):
            assert said.logprob == pytest.approx(meant.logprob, abs=1e-3)
            for (token, _, logprob), (other, _, expected) in zip(said.top, meant.top, strict=True):
                assert (token, logprob) == (other, pytest.approx(expected, abs=1e-3))


@pytest.mark.parametrize("folder", [*onnx_decoders.FORMS, "f16", "int4"])
def test_logits_are_made_of_the_rows_that_are_asked_for(folders: Path, folder: str) -> None:
    said: list[str] = []
    forward_logs(lambda level, component, message: said.append(message))
    try:
        inferno.LLM(str(folders / folder), threads=2).close()
    finally:
        forward_logs(None)
    assert any("logits of the rows that are asked for" in line for line in said)


@pytest.mark.parametrize("kind", ["f16", "int4"])
def test_fewer_bits_answer_too(folders: Path, kind: str) -> None:
    with inferno.LLM(str(folders / kind), threads=2) as llm:
        (answer,) = llm.chat([[{"role": "user", "content": "What is 12 plus 30?"}]], **GREEDY)
    assert "42" in answer.text


@pytest.mark.parametrize("form", ["past", "past-nopos", "gqa"])
def test_what_is_computed_together_is_what_it_is_alone(folders: Path, form: str) -> None:
    texts = [f"What is {a} + {b}?" for a in (10, 217, 3) for b in (21, 5, 1980)]
    chats = [[{"role": "user", "content": text}] for text in texts]
    with inferno.LLM(str(folders / form), threads=2, prefix_cache=False) as llm:
        alone = [llm.chat([chat], **GREEDY)[0].text for chat in chats]
        assert [answer.text for answer in llm.chat(chats, **GREEDY)] == alone


@pytest.mark.parametrize(("form", "shared"), [("past", True), ("gqa", True), ("plain", False)])
async def test_a_prefix_is_computed_once_where_the_graph_keeps_a_past(folders: Path, form: str, shared: bool) -> None:
    llm = await inferno.AsyncLLM.load(str(folders / form), threads=2)
    engine = llm._engine
    try:
        prompt = await engine.encode("The quick brown fox jumps over the lazy dog. " * 6)
        greedy = SamplingOptions(temperature=0.0)
        said = []
        for _ in range(2):
            stream = await engine.generate(GenerateRequest(prompt=prompt, max_tokens=8, sampling=greedy))
            last = [event async for event in stream][-1]
            said.append((last.usage.cached_tokens, last.usage.prompt_tokens))
        assert said[0] == (0, len(prompt))
        assert (said[1][0] > len(prompt) - 20) is shared
    finally:
        await llm.aclose()


def test_any_name_will_do(folders: Path, tmp_path: Path) -> None:
    for file in (folders / "past").iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "model.onnx").unlink()
    (tmp_path / "llama.bin").write_bytes((folders / "past" / "model.onnx").read_bytes())
    (tmp_path / "model.onnx.data").unlink()
    (tmp_path / "model.onnx.data").hardlink_to(folders / "past" / "model.onnx.data")
    source = resolve(str(tmp_path / "llama.bin"))
    assert source.graph is not None
    assert (source.graph.kind, source.name) == ("decoder", "llama.bin")
    with inferno.LLM(str(tmp_path / "llama.bin"), threads=2) as llm:
        (answer,) = llm.chat([[{"role": "user", "content": "What is 12 plus 30?"}]], **GREEDY)
    assert "42" in answer.text


def provider(list_of: str) -> dict[str, Any]:
    return {"backend_options": {"onnx.provider": list_of}}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (provider("cuda"), Unsupported, "provider 'cuda' is not available; this ONNX Runtime has .*cpu"),
        (provider("cpu,"), InvalidArgument, "names separated by commas"),
        ({"kv_layout": "unified"}, InvalidArgument, "kv_layout is 'unified'"),
        ({"kv_type": "q8_0"}, InvalidArgument, "graph decides it"),
        ({"deterministic": True}, InvalidArgument, "deterministic is on"),
        ({"context_tokens": 5000}, InvalidArgument, "trained with 1024"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_cannot_be_honoured_is_refused(
    folders: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        inferno.LLM(str(folders / "gqa"), **options)


def test_a_provider_that_is_missing_gives_way_to_the_next(folders: Path) -> None:
    with inferno.LLM(str(folders / "gqa"), threads=2, **provider("cuda:device_id=0,cpu")) as llm:
        assert llm._llm._engine.card.applied["onnx.provider"] == "cpu"
        assert llm._llm._engine.card.backend == "onnx"
    with pytest.raises(InvalidArgument, match=r"'onnx.provider' is no option of the backend llama") as refused:
        inferno.LLM(**provider("cpu"))
    assert refused.value.param == "onnx.provider"
    with pytest.raises(InvalidArgument, match="'onnx.povider' is no option of the backend onnx.*it has onnx.provider"):
        inferno.LLM(str(folders / "gqa"), backend_options={"onnx.povider": "cpu"})


def test_it_guesses_for_no_other(folders: Path) -> None:
    with pytest.raises(Unsupported, match="gqa is an ONNX model; one that guesses ahead must be a GGUF file"):
        inferno.LLM(draft_model=str(folders / "gqa"))


def test_files_that_contradict_the_graph(folders: Path, tmp_path: Path) -> None:
    for file in (folders / "past").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(inferno.errors.NotFound, match=r"neither tokenizer.json"):
        inferno.LLM(str(tmp_path))
    (tmp_path / "genai_config.json").write_text('{"model": {"decoder": {"filename": "../model.onnx"}}}')
    with pytest.raises(DataCorrupted, match="filename"):
        resolve(str(tmp_path))


def test_sessions_share_the_process(folders: Path) -> None:
    async def both() -> list[str]:
        first = await inferno.AsyncLLM.load(str(folders / "gqa"), threads=2)
        second = await inferno.AsyncLLM.load(str(folders / "past"), threads=2)
        try:
            chat = [{"role": "user", "content": "What is 12 plus 30?"}]
            answers = await asyncio.gather(*(llm.chat([chat], **GREEDY) for llm in (first, second)))
            return [answer.text for (answer,) in answers]
        finally:
            await first.aclose()
            await second.aclose()

    one, other = asyncio.run(both())
    assert one == other


def test_the_digest_is_of_the_weights_too(folders: Path, tmp_path: Path) -> None:
    """Prefixes that are kept over restarts are known by it."""
    for file in ("model.onnx", "model.onnx.data"):
        (tmp_path / file).write_bytes((folders / "past" / file).read_bytes())
    graph = str(tmp_path / "model.onnx")
    before = model_digest(graph, remembered=tmp_path / "known")
    assert model_digest(graph, remembered=tmp_path / "known") == before
    weights = tmp_path / "model.onnx.data"
    weights.write_bytes(bytes([weights.read_bytes()[0] ^ 1]) + weights.read_bytes()[1:])
    assert model_digest(graph, remembered=tmp_path / "known") != before
