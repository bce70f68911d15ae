"""What the engine says of a folder, beside what ``transformers`` said of it (``tests/data/make_hf_logits.py``)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import inferno
from inferno.engine.request import GenerateRequest, SamplingOptions

DATA = Path(__file__).parents[3] / "data"
sys.path.insert(0, str(DATA))
import hf_cases  # noqa: E402
import hf_folders  # noqa: E402

STEPS = 16
TOP = 20
# Flash attention computes in F16 on the CPU, whatever the cache holds.
EXACT: dict[str, Any] = {"kv_type": "f32", "flash_attention": "off", "threads": 1, "slots": 4}


def loading(case: str) -> dict[str, Any]:
    """How to load a case's folder."""
    context = hf_folders.CASES[case].context or None
    return {**EXACT, "context_tokens": context, "kv_tokens": context}


@dataclass(frozen=True)
class Reference:
    """Log-probabilities of F32: ``first`` of the whole vocabulary after the prompt, ``top`` of the most probable tokens
    after the prompt and after each of ``chosen``."""

    prompt: list[int]
    chosen: list[int]
    first: np.ndarray[Any, Any]
    top: list[dict[int, float]]

    @property
    def scale(self) -> float:
        """The largest logit after the prompt, counted from their mean (which no softmax shows)."""
        return float(np.abs(self.first - self.first.mean()).max())


def committed(case: str) -> Reference:
    stored = np.load(DATA / "huggingface" / f"{case}.npz")
    return Reference(
        prompt=hf_folders.prompt(str(stored["prompt"])),
        chosen=[int(token) for token in stored["chosen"]],
        first=stored["first"],
        top=[
            dict(zip(map(int, ids), map(float, row), strict=True))
            for ids, row in zip(stored["top_ids"], stored["top"], strict=True)
        ],
    )


def largest_difference(llm: inferno.LLM, reference: Reference, *, whole_first_row: bool = True) -> float:
    """Between the engine's log-probabilities and the reference's, relative to the largest logit.

    Over the prompt's last position (the whole vocabulary, if asked) and 16 steps of decoding, which must choose the
    reference's tokens.
    """
    (told,) = generate(llm, [GenerateRequest(reference.prompt, _greedy(), max_tokens=STEPS + 1, ignore_eos=True)])
    assert list(told.token_ids[:STEPS]) == reference.chosen
    worst = 0.0
    for said, truth in zip(told.logprobs, reference.top, strict=True):
        worst = max(worst, *(abs(logprob - truth.get(token, -np.inf)) for token, _, logprob in said.top))
    if whole_first_row:
        row = first_row(llm, reference.prompt)
        worst = max(worst, float(np.nanmax(np.abs(row - reference.first))))
    return worst / reference.scale


def first_row(llm: inferno.LLM, prompt: list[int]) -> np.ndarray[Any, Any]:
    """The whole distribution after the prompt: a token is told of when it is chosen, so each is made the choice once.

    NaN for the token that ends texts: it cannot be chosen.
    """
    tokens = [token for token in range(hf_cases.VOCAB) if token != hf_cases.EOS]
    answers = generate(llm, [_choosing(token, prompt) for token in tokens])
    assert [answer.token_ids for answer in answers] == [(token,) for token in tokens]
    row = np.full(hf_cases.VOCAB, np.nan)
    row[tokens] = [answer.logprobs[0].logprob for answer in answers]
    return row


def _choosing(token: int, prompt: list[int]) -> GenerateRequest:
    sampling = SamplingOptions(temperature=0.0, logprobs=0, logit_bias={token: 100.0})
    return GenerateRequest(prompt, sampling, max_tokens=1, ignore_eos=True)


def generate(llm: inferno.LLM, requests: list[GenerateRequest]) -> list[inferno.Completion]:
    return llm._run(llm._llm._together(requests))


def _greedy() -> SamplingOptions:
    return SamplingOptions(temperature=0.0, logprobs=TOP)
