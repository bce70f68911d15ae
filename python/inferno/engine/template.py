"""A model's Jinja chat template, in a sandbox. Knows the dialect that Hugging Face gave such templates; no tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inferno.errors import InvalidArgument, Unsupported

MAX_RENDERED_CHARS = 32 * 1024 * 1024
"""A template that writes more is stopped: it comes with the model file and is not trusted to end."""
_MAX_MESSAGE_CHARS = 400


class _GenerationBlock(Extension):
    """``{% generation %}`` marks what an assistant wrote, for training. Here its content is simply rendered."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class ChatTemplate:
    """A compiled template. Raises Unsupported when the source is not one that Jinja compiles."""

    def __init__(self, source: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _GenerationBlock]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise_exception
        environment.globals["strftime_now"] = _strftime_now
        try:
            self._template = environment.from_string(source)
            self.variables = frozenset(meta.find_undeclared_variables(environment.parse(source)))
            """What the template asks for; what it defines itself is not among them."""
        except TemplateSyntaxError as error:
            raise Unsupported(f"the model's chat template does not compile: {_bounded(error)}") from None

    def render(self, variables: Mapping[str, Any]) -> str:
        """The prompt's text. Raises InvalidArgument with the template's own words when it refuses or fails."""
        pieces: list[str] = []
        size = 0
        try:
            for piece in self._template.generate(variables):
                size += len(piece)
                if size > MAX_RENDERED_CHARS:
                    break
                pieces.append(piece)
        except TemplateError as error:
            message = f"the chat template refuses these messages: {_bounded(error)}"
            raise InvalidArgument(message, param="messages") from None
        except Exception as error:  # the template is foreign code: whatever it fails with is about what it was given
            message = f"the chat template cannot render these messages ({type(error).__name__}: {_bounded(error)})"
            raise InvalidArgument(message, param="messages") from None
        if size > MAX_RENDERED_CHARS:
            raise InvalidArgument(
                f"the chat template writes more than {MAX_RENDERED_CHARS} characters for these messages",
                param="messages",
            )
        return "".join(pieces)


def _bounded(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= _MAX_MESSAGE_CHARS else text[:_MAX_MESSAGE_CHARS] + "…"


def _raise_exception(message: object) -> NoReturn:
    raise TemplateError(str(message))


def _strftime_now(pattern: str) -> str:
    return datetime.now().strftime(pattern)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own filter escapes <, > and & for HTML, which models were not trained on.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
