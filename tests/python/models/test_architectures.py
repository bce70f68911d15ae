"""A text does not depend on how it came to be computed, whatever a model's layers keep of what was before: alone, among
others, behind a prefix that was computed before, set aside and resumed, guessed ahead.

The models have random weights in F32, and so has the cache: what differs by rounding alone differs by little, and no
other expert is chosen for it. Attention over F16, which has kernels of our own, is compared with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gguf")

from benches.architectures import ARCHITECTURES
from benches.random_weights import write

from benches import words
from inferno import LLM
from inferno.async_llm import Completion

RECURRENT = {"granite-hybrid", "lfm2", "mamba2", "qwen3-next"}
"""What cannot be cut: nothing is shared but with a text that goes on where the other ends."""
ATTENDS = ["gemma2", "gemma3", "gpt-oss", "lfm2", "phi3", "qwen3"]
"""Windows, caps, sinks; experts are left out where rounding to F16 may choose others."""
ASKED: dict[str, Any] = {"max_tokens": 12, "temperature": 0, "ignore_eos": True, "logprobs": 5}
PLAIN = {"kv_type": "f32", "flash_attention": "off"}
NEAR = 0.002
"""Of log-probabilities: what rounding in F32 may change."""
NEAR_IN_F16 = 0.05
SHARED = words.text("shared", 70)
"""Longer than the windows of those that have one."""
PROMPTS = [words.text(f"own/{n}", n) for n in (3, 40, 100)] + [
    f"{SHARED} {words.text(f'other/{n}', n)}" for n in (5, 21, 34)
]


@dataclass(frozen=True)
class Model:
    name: str
    path: Path
    alone: list[Completion]


def loaded(path: Path, **options: Any) -> LLM:
    return LLM(
        str(path), **{"threads": 1, "speculate": "off", "context_tokens": 512, "kv_tokens": 4096, **PLAIN, **options}
    )


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    path = tmp_path_factory.mktemp("models") / f"{request.param}.gguf"
    write(path, request.param, tiny=True, exact=True)
    with loaded(path, prefix_cache=False) as llm:
        alone = [llm.generate(prompt, **ASKED)[0] for prompt in PROMPTS]
    yield Model(request.param, path, alone)
    path.unlink()


def differences(expected: Completion, found: Completion, near: float) -> Iterator[str]:
    """Up to the first token where the two were so near that rounding may choose."""
    assert len(found.token_ids) == len(expected.token_ids)
    for place, (was, now) in enumerate(zip(expected.logprobs, found.logprobs, strict=True)):
        if abs(was.logprob - now.logprob) > near:
            yield f"token {place}: {was} became {now}"
        if was.token_id != now.token_id:
            return


def check(model: Model, found: list[Completion], near: float = NEAR) -> None:
    wrong = [
        f"prompt {i}, {difference}"
        for i, (expected, one) in enumerate(zip(model.alone, found, strict=True))
        for difference in differences(expected, one, near)
    ]
    assert not wrong, "\n".join(wrong)


def test_together_and_again_behind_what_is_kept(model: Model) -> None:
    with loaded(model.path) as llm:
        check(model, llm.generate(PROMPTS, **ASKED))
        again = llm.generate(PROMPTS, **ASKED)
        check(model, again)
    assert any(one.usage.cached_tokens > 0 for one in again) == (model.name not in RECURRENT)


def test_a_text_that_goes_on_where_another_ended(model: Model) -> None:
    longer = [f"{shorter} {words.text('more', 12)}" for shorter in PROMPTS[1:3]]
    with loaded(model.path, prefix_cache=False) as llm:
        alone = [llm.generate(prompt, **ASKED)[0] for prompt in longer]
    with loaded(model.path) as llm:
        llm.generate(PROMPTS[1:3], max_tokens=1)
        found = llm.generate(longer, **ASKED)
    check(Model(model.name, model.path, alone), found)
    assert all(one.usage.cached_tokens > 30 for one in found)


def test_set_aside_and_resumed(model: Model) -> None:
    growing = [words.text(f"growing/{n}", 20 + n) for n in range(6)]
    asked = {**ASKED, "max_tokens": 48}
    with loaded(model.path, prefix_cache=False) as llm:
        expected = llm.generate(growing, **asked)
    with loaded(model.path, kv_layout="unified", context_tokens=256, kv_tokens=256, slots=6) as llm:
        check(Model(model.name, model.path, expected), llm.generate(growing, **asked))
        assert llm.stats()["preemptions"] > 0


@pytest.mark.parametrize("model", ATTENDS, indirect=True)
def test_attention_over_f16(model: Model) -> None:
    with loaded(model.path, kv_type="f16", flash_attention="auto", prefix_cache=False) as llm:
        check(model, llm.generate(PROMPTS, **ASKED), NEAR_IN_F16)


def test_guessed_ahead(model: Model) -> None:
    with loaded(model.path, speculate="ngram") as llm:
        check(model, llm.generate(PROMPTS, **ASKED))


@pytest.mark.parametrize("name", ["gpt-oss", "mixtral", "qwen3-moe"])
def test_experts_are_chosen_alike_alone_and_among_others(name: str, tmp_path: Path) -> None:
    """``deterministic`` promises every bit, also of a router, which ggml rounds by how many rows there are."""
    write(tmp_path / "model.gguf", name, tiny=True)
    with loaded(tmp_path / "model.gguf", kv_type="f16", flash_attention="auto", deterministic=True) as llm:
        alone = [llm.generate(prompt, **ASKED)[0] for prompt in PROMPTS]
        together = llm.generate(PROMPTS, **ASKED)
    assert [one.logprobs for one in together] == [one.logprobs for one in alone]
