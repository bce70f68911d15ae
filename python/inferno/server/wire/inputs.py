"""A text, texts, one list of token ids, or lists: what completions call ``prompt`` and embeddings ``input``. Pure."""

from __future__ import annotations

from inferno.errors import InvalidArgument
from inferno.server.wire.generation import TokenId

Input = str | list[str | TokenId | list[TokenId]]
"""As it stands in a request."""
Prompt = str | list[int]
"""One of them."""


def several(given: Input, *, name: str, most: int) -> list[Prompt]:
    """The texts or lists of token ids, in order. Raises InvalidArgument for a mixture, for none, and for too many."""
    if isinstance(given, str):
        return [given]
    if given and all(isinstance(item, int) for item in given):
        return [[item for item in given if isinstance(item, int)]]
    found: list[Prompt] = [item for item in given if not isinstance(item, int)]
    if len(found) != len(given) or len({type(item) for item in found}) != 1:
        raise InvalidArgument(
            f"'{name}' is empty or mixes texts and token ids: expected a string, strings, token ids, or lists of them",
            param=name,
        )
    if len(found) > most:
        raise InvalidArgument(f"'{name}' has {len(found)} {name}s; at most {most} are allowed", param=name)
    return found
