"""What one exchange is, and the rule that keeps some wordings out of training."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
Tool = dict[str, Any]
Expectation = dict[str, Any]

# Stands between two letters that must become two tokens. It only exists
# between the corpus and the tokenizer; no token and no text ever holds it.
SPLIT = "\ue000"


@dataclass(frozen=True)
class Exchange:
    """A few messages, and what a right answer is at some of the assistant's turns."""

    topic: str
    messages: list[Message]
    expects: dict[int, Expectation]
    held_out: bool
    tools: list[Tool] = field(default_factory=list)


Topic = Callable[[random.Random], Exchange]


def user(text: str) -> Message:
    """A message of the user."""
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    """A message of the assistant."""
    return {"role": "assistant", "content": text}


def ask(topic: str, question: str, answer: str, expect: Expectation, held_out: bool) -> Exchange:
    """The commonest exchange: one question and its answer."""
    return Exchange(topic, [user(question), assistant(answer)], {1: expect}, held_out)


def plain(text: str) -> str:
    """A wording without its case and punctuation: what makes two wordings the same."""
    return " ".join(re.findall(r"\w+", text.lower()))


def is_held_out(kind: str, key: str, one_in: int = 8) -> bool:
    """Whether this wording, pair or word belongs to the part kept from training.

    A hash decides, so the answer is the same in the corpus and in the checks
    and nobody can move an item from one side to the other by hand.
    """
    digest = hashlib.blake2b(f"{kind}:{key}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % one_in == 0


def vary(rng: random.Random, question: str) -> str:
    """The same question as another person would type it."""
    roll = rng.random()
    if roll < 0.10:
        question = question.rstrip("?.!")
    elif roll < 0.18:
        question = question.rstrip("?.!").lower()
    elif roll < 0.26:
        question = question[0].lower() + question[1:]
    return question


def dumps(value: Any) -> str:
    """JSON the way the chat template prints it."""
    return json.dumps(value, ensure_ascii=False)
