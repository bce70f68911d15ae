"""Workloads are the same on every machine, share what they say they share, and fit the contexts they ask for."""

from __future__ import annotations

import hashlib

import pytest
from benches.workloads import TOKENS_PER_WORD, WORKLOADS, PromptShape, Workload, named


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.name)
def test_prompts_have_their_words_and_fit(workload: Workload) -> None:
    prompt = workload.prompt.text("run", 0)
    assert len(prompt.split()) == workload.prompt.words
    assert workload.prompt.words * TOKENS_PER_WORD + workload.max_tokens < workload.context_tokens
    if workload.intruder is not None:
        assert workload.intruder.words * TOKENS_PER_WORD + workload.intruder_tokens < workload.context_tokens


def test_prompts_do_not_depend_on_the_machine() -> None:
    text = PromptShape(20, shared=5).text("run", 3)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "102c2d803833b824"


def test_only_the_shared_words_are_shared() -> None:
    first, second, other_run = (PromptShape(20, shared=600).text(run, i) for run, i in [("a", 0), ("a", 1), ("b", 0)])
    assert first.split()[:600] == second.split()[:600] != other_run.split()[:600]
    assert first.split()[600:] != second.split()[600:]


def test_bodies_make_every_server_do_the_same_work() -> None:
    bodies = WORKLOADS["C"].bodies("run")
    assert len(bodies) == 16
    assert len({body["prompt"] for body in bodies}) == 16
    for body in bodies:
        assert (body["temperature"], body["ignore_eos"], body["max_tokens"]) == (0, True, 16)
        assert body["stream_options"] == {"include_usage": True}


def test_arrivals_grow_at_about_their_rate() -> None:
    arrivals = WORKLOADS["O"].arrivals("run")
    assert arrivals == sorted(arrivals)
    assert arrivals[0] == 0.0
    assert arrivals == WORKLOADS["O"].arrivals("run")
    assert 5 < arrivals[-1] < 20
    with pytest.raises(ValueError, match="closed loop"):
        WORKLOADS["A"].arrivals("run")


def test_workloads_by_name() -> None:
    assert [workload.name for workload in named("C, A")] == ["C", "A"]
    for wrong in ("A,Z", ""):
        with pytest.raises(ValueError, match="known are A, B"):
            named(wrong)
