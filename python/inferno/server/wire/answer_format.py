"""What an answer must look like: OpenAI's ``response_format``, and other servers' names for the same. Pure."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.request import Grammar
from inferno.errors import InvalidArgument

MAX_CHOICES = 4096

Choices = Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=MAX_CHOICES)]
Schema = dict[str, Any] | bool
Text = Annotated[str, Meta(min_length=1)]


class TextFormat(msgspec.Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    pass


class JsonObjectFormat(msgspec.Struct, tag="json_object", tag_field="type", forbid_unknown_fields=True):
    pass


class NamedSchema(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    schema: Schema
    strict: bool | None = None
    """Without effect: a schema is kept to in any case, or refused."""


class JsonSchemaFormat(msgspec.Struct, tag="json_schema", tag_field="type", forbid_unknown_fields=True):
    json_schema: NamedSchema


ResponseFormat = TextFormat | JsonObjectFormat | JsonSchemaFormat


class StructuredOutputs(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """vLLM's. Exactly one of them."""

    json: Schema | Text | None = None
    regex: Text | None = None
    choice: Choices | None = None
    grammar: Text | None = None
    json_object: Literal[True] | None = None


class AnswerFormat(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The fields by which a request says it. At most one of them may."""

    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None
    guided_json: Schema | Text | None = None
    guided_regex: Text | None = None
    guided_choice: Choices | None = None
    guided_grammar: Text | None = None
    grammar: Text | None = None
    """llama-server's: GBNF."""
    json_schema: Schema | None = None
    """llama-server's."""


def answer_grammar(ask: AnswerFormat) -> Grammar | None:
    """None for any text. Raises InvalidArgument for a request that says it twice, or not at all where it began to."""
    found = [*_of_response_format(ask.response_format), *_of_structured_outputs(ask.structured_outputs)]
    if ask.guided_json is not None:
        found.append(schema_grammar(ask.guided_json, "guided_json"))
    if ask.guided_regex is not None:
        found.append(Grammar("regex", ask.guided_regex, "guided_regex"))
    if ask.guided_choice is not None:
        found.append(_choice(ask.guided_choice, "guided_choice"))
    if ask.guided_grammar is not None:
        found.append(_grammar(ask.guided_grammar, "guided_grammar"))
    if ask.grammar is not None:
        found.append(Grammar("gbnf", ask.grammar, "grammar"))
    if ask.json_schema is not None:
        found.append(schema_grammar(ask.json_schema, "json_schema"))
    if len(found) > 1:
        names = " and ".join(f"'{one.param}'" for one in found)
        raise InvalidArgument(f"{names} say what the answer must look like; send one of them", param=found[1].param)
    return found[0] if found else None


def _of_response_format(wanted: ResponseFormat | None) -> list[Grammar]:
    if isinstance(wanted, JsonObjectFormat):
        return [Grammar("json_object", "", "response_format")]
    if isinstance(wanted, JsonSchemaFormat):
        return [schema_grammar(wanted.json_schema.schema, "response_format.json_schema.schema")]
    return []


def _of_structured_outputs(wanted: StructuredOutputs | None) -> list[Grammar]:
    if wanted is None:
        return []
    found = []
    if wanted.json is not None:
        found.append(schema_grammar(wanted.json, "structured_outputs.json"))
    if wanted.regex is not None:
        found.append(Grammar("regex", wanted.regex, "structured_outputs.regex"))
    if wanted.choice is not None:
        found.append(_choice(wanted.choice, "structured_outputs.choice"))
    if wanted.grammar is not None:
        found.append(_grammar(wanted.grammar, "structured_outputs.grammar"))
    if wanted.json_object:
        found.append(Grammar("json_object", "", "structured_outputs.json_object"))
    if not found:
        raise InvalidArgument(
            "'structured_outputs' is empty; send one of json, regex, choice, grammar, json_object in it",
            param="structured_outputs",
        )
    return found


def schema_grammar(schema: Schema | str, param: str) -> Grammar:
    """Raises InvalidArgument, naming ``param``, for a schema that is nested too deeply to be written."""
    if isinstance(schema, str):
        return Grammar("json_schema", schema, param)
    try:
        return Grammar("json_schema", json.dumps(schema, ensure_ascii=False, separators=(",", ":")), param)
    except RecursionError:
        raise InvalidArgument("the schema is nested too deeply", param=param) from None


def _choice(choices: list[str], param: str) -> Grammar:
    return Grammar("choice", json.dumps(choices, ensure_ascii=False), param)


def _grammar(text: str, param: str) -> Grammar:
    """vLLM takes both, and only GBNF has ``::=``."""
    return Grammar("gbnf" if "::=" in text else "lark", text, param)
