"""LLM and AsyncLLM: prompts together, results in order, queues longer than the engine's."""

from __future__ import annotations

import pytest

import inferno
from inferno import LLM, AsyncLLM
from inferno.errors import ContextLengthExceeded, InvalidArgument, Unavailable


def test_results_come_in_the_order_of_the_prompts() -> None:
    with LLM("fake:") as llm:
        several = llm.generate(["one", "two", "three"], max_tokens=12, temperature=0, ignore_eos=True)
        alone = [llm.generate(p, max_tokens=12, temperature=0, ignore_eos=True)[0] for p in ("one", "two", "three")]
    assert [completion.text for completion in several] == [completion.text for completion in alone]
    assert len({completion.text for completion in several}) == 3
    assert {completion.finish_reason for completion in several} == {"length"}
    assert all(len(completion.token_ids) == completion.usage.completion_tokens == 12 for completion in several)


def test_more_prompts_than_the_queue_takes() -> None:
    with LLM("fake:", max_running=2, max_waiting=2) as llm:
        completions = llm.generate([f"prompt {i}" for i in range(40)], max_tokens=4, ignore_eos=True)
    assert [len(completion.token_ids) for completion in completions] == [4] * 40


def test_chat_of_one_and_of_several() -> None:
    one = [{"role": "user", "content": "one"}]
    two = [{"role": "user", "content": "two"}]
    with LLM("fake:") as llm:
        (alone,) = llm.chat(one, max_tokens=8, temperature=0, ignore_eos=True)
        both = llm.chat([one, two], max_tokens=8, temperature=0, ignore_eos=True)
    assert both[0].text == alone.text != both[1].text


def test_refusals() -> None:
    with LLM("fake:", context_tokens=32) as llm:
        with pytest.raises(InvalidArgument, match="unknown argument 'maxtokens'; known: .*max_tokens"):
            llm.generate("x", maxtokens=1)
        with pytest.raises(ContextLengthExceeded):
            llm.generate(["fine", "x" * 100], max_tokens=2)
        assert llm.generate("still here", max_tokens=2, ignore_eos=True)[0].finish_reason == "length"
    with pytest.raises(Unavailable, match="closed"):
        llm.generate("x")
    llm.close()
    with pytest.raises(InvalidArgument, match="unknown option 'contxt'"):
        LLM("fake:", contxt=1)


def _guesses(llm: LLM) -> tuple[int, int]:
    stats = llm._llm._engine.stats()
    return stats["spec_drafted_tokens"], stats["spec_accepted_tokens"]


def test_guessing_ahead_is_faster_in_steps_and_not_to_be_seen_in_text() -> None:
    prompt = "say it again, say it again, say it again"
    said, steps = {}, {}
    for mode in ("off", "ngram", "auto"):
        with LLM("fake:repeat=14", speculate=mode) as llm:
            asked = {"max_tokens": 200, "ignore_eos": True, "seed": 3, "temperature": 0.5, "repetition_penalty": 1.05}
            said[mode] = [one.text for one in llm.generate([prompt, prompt + "!", "x"], **asked)]
            steps[mode] = llm._llm._engine.stats()["steps"]
            drafted, accepted = _guesses(llm)
            assert (drafted > 0) == (mode == "ngram") or mode == "auto"
            assert accepted <= drafted
            assert mode != "ngram" or accepted > 100
    assert said["ngram"] == said["auto"] == said["off"]
    assert steps["ngram"] < steps["off"]


def test_an_unknown_way_of_guessing_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="speculate is 'maybe'; it must be one of auto, ngram, draft, off"):
        LLM("fake:", speculate="maybe")


def test_a_draft_model_guesses_and_is_not_to_be_seen_in_text() -> None:
    asked = {"max_tokens": 150, "ignore_eos": True, "temperature": 0}
    prompts = ["one " * 4, "two " * 5, "three"]
    with LLM("fake:repeat=9", speculate="off") as llm:
        plain = [one.text for one in llm.generate(prompts, **asked)]
    for draft, is_good in (("fake:repeat=9", True), ("fake:", False)):
        with LLM("fake:repeat=9", draft_model=draft, speculate="draft") as llm:
            assert [one.text for one in llm.generate(prompts, **asked)] == plain
            drafted, accepted = _guesses(llm)
            assert drafted > 100
            assert accepted > drafted / 2 if is_good else accepted < drafted / 4


def test_a_draft_model_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="the draft model has 300 tokens, the model 264"):
        LLM("fake:", draft_model="fake:vocab=300")
    with pytest.raises(InvalidArgument, match="there is no draft model"):
        LLM("fake:", speculate="draft")
    with pytest.raises(InvalidArgument, match="speculate is 'off', but a draft model is given"):
        LLM("fake:", draft_model="fake:", speculate="off")


async def test_async_stream_and_leaving_early() -> None:
    async with await AsyncLLM.load("fake:step_us=1000") as llm:
        seen = ""
        stream = llm.stream("x", ignore_eos=True, stop="\x00")
        async for delta in stream:
            seen += delta.text
            if len(seen) > 3:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        (completion,) = await llm.generate("x", max_tokens=3, ignore_eos=True)
        assert len(completion.token_ids) == 3


def test_the_package_exports() -> None:
    assert {"LLM", "AsyncLLM", "Completion", "Graph", "__version__"} == set(dir(inferno))
    with pytest.raises(AttributeError, match="nonsense"):
        inferno.nonsense  # noqa: B018
