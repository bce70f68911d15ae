"""What ends a thought before the model would, if its format marks thoughts by tokens of their own."""

from __future__ import annotations

from collections.abc import Callable

from inferno.engine.chats import Opened
from inferno.engine.conversation import Conversation
from inferno.engine.request import ThoughtLimit
from inferno.errors import Unsupported


def thought_limit(
    opened: Opened, conversation: Conversation, encode: Callable[[str], list[int]]
) -> ThoughtLimit | None:
    """None of a model that marks no thoughts, or ends them by more than one token: whether such a one has ended could
    only be told from its text. ``encode`` gives the ids of plain text.

    Raises Unsupported for a budget that can therefore not be kept.
    """
    marks, budget = opened.dialect.reasoning, conversation.thinking_budget
    close = None if marks is None else _token(marks.close.strip(), opened, encode)
    if marks is None or close is None:
        if budget is None:
            return None
        raise Unsupported(
            "this model does not end its thoughts with a token of their own, so that no budget can be kept;"
            f" leave '{conversation.budget_param}' out",
            param=conversation.budget_param,
        )
    begun = opened.dialect.reader(conversation.callable, opened.begun, 0).reasoning
    return ThoughtLimit(budget, close, open=_token(marks.open.strip(), opened, encode), begun=begun)


def _token(mark: str, opened: Opened, encode: Callable[[str], list[int]]) -> int | None:
    if mark in opened.special_tokens:
        return opened.special_tokens[mark]
    ids = encode(mark) if mark else []
    return ids[0] if len(ids) == 1 else None
