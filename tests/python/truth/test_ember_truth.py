"""What the engine says about ``ember`` against an independent forward pass in NumPy, from the same weights."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader

import inferno
import inferno.engine.request
from inferno.models.builtin import ember_path

sys.path.insert(0, str(Path(__file__).parents[3] / "tools" / "ember"))
import judge
import oracle

GREEDY: dict[str, Any] = {"temperature": 0.0, "max_tokens": 48}
QUESTIONS = ["What is 17 + 25?", "Hello!", "What is the capital of France?", "Tell me a story."]


def chats(questions: list[str]) -> list[list[dict[str, str]]]:
    return [[{"role": "user", "content": question}] for question in questions]


@pytest.fixture(scope="module")
def f32_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``ember`` with its weights spelled out in F32, so that engine and oracle multiply the same numbers."""
    written = tmp_path_factory.mktemp("ember") / "ember-f32.gguf"
    oracle.to_f32(ember_path(), written)
    return written


# Flash attention computes in F16 on the CPU, whatever the cache holds.
EXACT: dict[str, Any] = {"kv_type": "f32", "flash_attention": "off", "threads": 2}


@pytest.fixture(scope="module")
def f32(f32_file: Path) -> Iterator[inferno.LLM]:
    with inferno.LLM(str(f32_file), **EXACT) as llm:
        yield llm


@pytest.fixture(scope="module")
def ember() -> Iterator[inferno.LLM]:
    with inferno.LLM(threads=2) as llm:
        yield llm


def log_softmax(row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shifted = row.astype(np.float64) - row.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


@pytest.mark.parametrize("question", QUESTIONS)
def test_greedy_tokens_and_logprobs_equal_the_oracle(f32: inferno.LLM, f32_file: Path, question: str) -> None:
    (answer,) = f32.chat(chats([question]), logprobs=5, **GREEDY)
    prompt = asyncio.run(f32._llm._engine.encode_chat(chats([question])[0]))
    rows = oracle.logits(oracle.load(f32_file), [*prompt, *answer.token_ids])
    assert len(answer.token_ids) >= 2
    for step, said in enumerate(answer.logprobs):
        truth = log_softmax(rows[len(prompt) - 1 + step])
        assert said.token_id == int(truth.argmax())
        assert said.logprob == pytest.approx(truth[said.token_id], abs=1e-3)
        for token_id, _, logprob in said.top:
            assert logprob == pytest.approx(truth[token_id], abs=1e-3)


def test_usage_is_what_the_tokenizer_counts(ember: inferno.LLM) -> None:
    (answer,) = ember.chat(chats(["What is the capital of France?"]), **GREEDY)
    prompt = asyncio.run(ember._llm._engine.encode_chat(chats(["What is the capital of France?"])[0]))
    again = asyncio.run(ember._llm._engine.encode(answer.text, add_special=False))
    assert answer.usage.prompt_tokens == len(prompt)
    assert answer.usage.completion_tokens == len(answer.token_ids) == len(again)


@pytest.mark.parametrize(("tensor", "text_too"), [("blk.2.ffn_down.weight", False), ("token_embd.weight", True)])
def test_editing_one_tensor_changes_the_answer(
    f32_file: Path, f32: inferno.LLM, tmp_path: Path, tensor: str, text_too: bool
) -> None:
    """A sure model says the same words with one middle layer in disorder, but not with the same probabilities."""
    edited = tmp_path / "edited.gguf"
    edited.write_bytes(f32_file.read_bytes())
    reader = GGUFReader(str(edited), "r+")
    weights = next(found for found in reader.tensors if found.name == tensor)
    weights.data[:] = weights.data[::-1].copy()
    reader.data.flush()
    before = f32.chat(chats(QUESTIONS), logprobs=0, **GREEDY)
    with inferno.LLM(str(edited), **EXACT) as llm:
        after = llm.chat(chats(QUESTIONS), logprobs=0, **GREEDY)
    moved = [abs(a.logprobs[0].logprob - b.logprobs[0].logprob) for a, b in zip(after, before, strict=True)]
    assert max(moved) > 1e-3
    assert not text_too or [answer.text for answer in after] != [answer.text for answer in before]


def test_thirty_two_at_once_say_what_each_says_alone(ember: inferno.LLM) -> None:
    """Kernels may round a row otherwise in another batch: texts must agree, or part where two tokens were as good."""
    questions = [f"What is {a} + {b}?" for a in range(10, 18) for b in range(21, 25)]
    alone = [ember.chat(chats([question]), logprobs=2, **GREEDY)[0] for question in questions]
    together = ember.chat(chats(questions), logprobs=2, **GREEDY)
    for one, other in zip(alone, together, strict=True):
        for step, (mine, theirs) in enumerate(zip(one.logprobs, other.logprobs, strict=False)):
            if mine.token_id != theirs.token_id:
                best, second = mine.top[0][2], mine.top[1][2]
                assert best - second < 0.1, f"token {step} of {one.text!r} / {other.text!r}"
                break
            assert mine.logprob == pytest.approx(theirs.logprob, abs=0.05)
        else:
            assert one.text == other.text


def test_guessing_ahead_copies_the_same_text(ember: inferno.LLM) -> None:
    """Several rows may be rounded otherwise than one: texts must agree, or part where two tokens were as good."""
    words = ("lantern", "harbour", "window", "basket")
    asks = ("Repeat the word {}.", "JSON with name {} and city Paris")
    questions = [ask.format(word) for ask in asks for word in words]
    talk = [{"role": "user", "content": "Count from 1 to 30."}]
    with inferno.LLM(threads=2, speculate="off") as off, inferno.LLM(threads=2, speculate="ngram") as ngram:
        for asked in (*chats(questions), talk):
            (first,) = off.chat([asked], **GREEDY)
            again = [*asked, {"role": "assistant", "content": first.text}, *asked]
            plain, guessed = (llm.chat([again], logprobs=2, **GREEDY)[0] for llm in (off, ngram))
            for one, other in zip(plain.logprobs, guessed.logprobs, strict=False):
                if one.token_id != other.token_id:
                    assert one.top[0][2] - one.top[1][2] < 0.1, f"{plain.text!r} / {guessed.text!r}"
                    break
            else:
                assert plain.text == guessed.text
        stats = ngram._llm._engine.stats()
        assert off._llm._engine.stats()["spec_drafted_tokens"] == 0
    assert stats["spec_accepted_tokens"] > 20


def test_two_questions_two_answers(ember: inferno.LLM) -> None:
    answers = {answer.text for answer in ember.chat(chats(QUESTIONS), **GREEDY)}
    assert len(answers) == len(QUESTIONS)


def test_the_two_hundred_checks(ember: inferno.LLM) -> None:
    checks = judge.load_checks()
    assert len(checks) == 200

    async def ask() -> list[str]:
        engine = ember._llm._engine
        requests = []
        for check in checks:
            kwargs = {"tools": check.tools} if check.tools else None
            prompt = await engine.encode_chat(check.messages, template_kwargs=kwargs)
            sampling = inferno.engine.request.SamplingOptions(temperature=0.0)
            requests.append(inferno.engine.request.GenerateRequest(prompt, sampling, max_tokens=96))
        return [answer.text for answer in await ember._llm._together(requests)]

    answers = ember._run(ask())
    failed = [
        f"{check.id}: {answer!r}" for check, answer in zip(checks, answers, strict=True)
        if not judge.passes(check.expect, answer)
    ]
    assert len(failed) <= 10, "\n".join(failed)
