"""``python -m described.wrongly`` is ``python -m described.serve`` of a server that counts tokens in words."""

from __future__ import annotations

from typing import Any

from described.serve import main


def in_words(**fields: Any) -> dict[str, Any]:
    return {**fields, "count": str(fields["count"])}


if __name__ == "__main__":
    import inferno.server.operations  # noqa: F401  the description has been made of the right type
    from inferno.server.wire import tokenize

    tokenize.TokenizeAnswer = in_words  # type: ignore[assignment,misc]
    main()
