"""Texts to scores, by a model that classifies: what is asked of it, and how two texts become one row of tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inferno.engine.delta import Timings
from inferno.engine.encoder import Segment
from inferno.errors import ContextLengthExceeded

Pair = tuple[str, str | None]
"""A text, and another that is read together with it: a question and what may answer it."""


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    texts: Sequence[Pair]
    truncate: bool = False
    """Whether what is too long loses its end (of two texts the second one its own); otherwise it is refused."""
    max_second_tokens: int | None = None
    """Most tokens of a second text, whose end is left out beyond them."""
    priority: int = 0
    """Lower is served first."""
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class ScoreResult:
    scores: tuple[tuple[float, ...], ...]
    """Of each text, one number per label, as the model computes it: any number, the larger the better."""
    prompt_tokens: int
    """Of all texts, as they were computed."""
    timings: Timings


@dataclass(frozen=True, slots=True)
class Frame:
    """What a model was trained to see around its texts. Token ids."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]

    def row(
        self, pair: Pair, encode: Callable[[Sequence[Segment]], list[int]], limit: int, request: ScoreRequest
    ) -> tuple[list[int], int]:
        """The tokens of a text or of two, and where the second begins (without one: behind the end).

        Raises ContextLengthExceeded for more than ``limit`` tokens that may not be cut.
        """
        first = encode([pair[0]])
        second = encode([pair[1]])[: request.max_second_tokens] if pair[1] is not None else []
        around = len(self.before) + len(self.after) + (len(self.between) if pair[1] is not None else 0)
        room = limit - around
        if len(first) + len(second) > room:
            if not request.truncate or (pair[1] is not None and len(first) >= room):
                raise ContextLengthExceeded(self._too_long(pair, len(first), len(second), room), param="input")
            second = second[: room - len(first)]
            first = first[:room]
        if pair[1] is None:
            whole = [*self.before, *first, *self.after]
            return whole, len(whole)
        head = [*self.before, *first, *self.between]
        return [*head, *second, *self.after], len(head)

    @staticmethod
    def _too_long(pair: Pair, first: int, second: int, room: int) -> str:
        texts = "a text has" if pair[1] is None else f"a text of {first} tokens and one of {second} have together"
        cut = "" if pair[1] is not None and first >= room else ", or 'truncate': true to leave out the rest"
        return f"{texts} {first + second} tokens; this model takes {room}. Send less{cut}"


def probabilities(scores: Sequence[float]) -> list[float]:
    """Of the labels, from their scores: of one label by itself, of several among each other."""
    if len(scores) == 1:
        return [_sigmoid(scores[0])]
    highest = max(scores)
    weights = [math.exp(score - highest) for score in scores]
    return [weight / sum(weights) for weight in weights]


def _sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))
