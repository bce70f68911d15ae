"""A model's chat templates, and which of them renders a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from inferno.engine.conversation import Conversation, Turn
from inferno.engine.dialects.dialect import Dialect
from inferno.engine.dialects.forced import forced_calls, kept_calls
from inferno.engine.dialects.formats import ToolFormat
from inferno.engine.dialects.probe import find_dialect
from inferno.engine.extras import DEFAULT_TEMPLATE, TOOL_TEMPLATE
from inferno.engine.prompt import ChatPrompt, Piece
from inferno.engine.request import Grammar, Message, PlacedMedia
from inferno.errors import ConfigError, InvalidArgument, Unsupported


@dataclass(frozen=True, slots=True)
class Opened:
    """A prompt, and how the model will go on. ``begun`` is what the prompt holds of the reply already."""

    segments: list[Piece]
    dialect: Dialect
    begun: str
    shown_tokens: tuple[int, ...]
    """Special tokens that are the dialect's marks."""
    special_tokens: Mapping[str, int]
    """All of the template's, by their text."""

    def turn(self, prompt: list[int], media: tuple[PlacedMedia, ...], conversation: Conversation) -> Turn:
        """``prompt`` is the segments' tokens, in which ``media`` are."""
        tools, calls_before = conversation.callable, conversation.calls_before
        grammar = None
        if conversation.tool_choice.mode == "required":
            grammar = forced_calls(
                self.dialect,
                tools,
                self.special_tokens,
                begun=self.begun,
                thinking=self.dialect.reader(tools, self.begun, 0).reasoning,
                several=conversation.parallel_tool_calls,
            )
        return Turn(
            prompt,
            lambda: self.dialect.reader(tools, self.begun, calls_before),
            self.shown_tokens,
            grammar,
            self._kept(conversation),
            media,
        )

    def _kept(self, conversation: Conversation) -> Callable[[Grammar | None], Grammar] | None:
        schemas = conversation.kept_to
        if schemas is None:
            return None
        thinking = self.dialect.reader(schemas, self.begun, 0).reasoning
        several = conversation.parallel_tool_calls
        return partial(kept_calls, self.dialect, schemas, self.special_tokens, thinking=thinking, several=several)


class Chats:
    """``tool_use`` renders requests that bring tools, if there is one; ``default``, or the only one, the others."""

    def __init__(
        self,
        templates: Mapping[str, str],
        special_tokens: Sequence[tuple[int, str]],
        texts: Mapping[str, str],
        tool_format: ToolFormat | None = None,
    ) -> None:
        """``special_tokens`` are (id, text); ``texts`` the template variables for some of them (``bos_token``, …).
        ``tool_format`` takes the place of what templates show. Raises ConfigError for one where none offers tools."""
        self._prompts: dict[str, ChatPrompt | Unsupported] = {}
        for name, source in templates.items():
            try:
                self._prompts[name] = ChatPrompt(source, special_tokens, **texts)
            except Unsupported as error:
                self._prompts[name] = error

        self._dialects = {
            name: _dialect_of(prompt, templates[name])
            for name, prompt in self._prompts.items()
            if isinstance(prompt, ChatPrompt)
        }
        if tool_format is not None:
            self._override(tool_format)

    def _override(self, tool_format: ToolFormat) -> None:
        offering = [name for name in self._dialects if "tools" in cast(ChatPrompt, self._prompts[name]).variables]
        if not offering:
            raise ConfigError("this model's chat template offers no tools to it; leave --tool-format out")
        for name in offering:
            self._dialects[name] = tool_format.applied(self._dialects[name])

    def __bool__(self) -> bool:
        return bool(self._prompts)

    def render(self, messages: Sequence[Message], template_kwargs: Mapping[str, Any] | None = None) -> list[Piece]:
        """As ChatPrompt.render. Raises Unsupported when there is no template for it, or one that does not compile."""
        prompt, dialect = self._chosen(bool((template_kwargs or {}).get("tools")))
        return prompt.render(dialect.adapted(messages), template_kwargs)

    def text(self, messages: Sequence[Message], template_kwargs: Mapping[str, Any] | None = None) -> str:
        """What :meth:`render` cuts into segments."""
        prompt, dialect = self._chosen(bool((template_kwargs or {}).get("tools")))
        return prompt.text(prompt.render(dialect.adapted(messages), template_kwargs))

    def open(self, conversation: Conversation) -> Opened:
        """As :meth:`render`, with all that a conversation asks for. Raises Unsupported for what the template lacks."""
        offered = bool(conversation.tools) and conversation.tool_choice.mode != "none"
        prompt, dialect = self._chosen(offered)
        variables = dict(conversation.template_kwargs)
        if offered:
            if "tools" not in prompt.variables or not dialect.calls_tools:
                raise Unsupported(
                    "this model's chat template does not show how tools are called; leave 'tools' out", param="tools"
                )
            variables["tools"] = [tool.offered for tool in conversation.tools]
        if conversation.reasoning_effort is not None:
            variables = {**_effort(conversation.reasoning_effort, prompt), **variables}
        if conversation.thinking is not None:
            variables = {**_thinking(conversation.thinking, prompt, dialect), **variables}
        segments = prompt.render(
            dialect.adapted(conversation.messages), variables, continue_final=conversation.continue_final_message
        )
        begun = _begun(prompt.text(segments), dialect)
        return Opened(segments, dialect, begun, prompt.ids_in(dialect.marks), prompt.ids)

    def _chosen(self, tools: bool) -> tuple[ChatPrompt, Dialect]:
        found = self._named(tools)
        if isinstance(found, Unsupported):
            raise found
        return cast(ChatPrompt, self._prompts[found]), self._dialects[found]

    def _named(self, tools: bool) -> str | Unsupported:
        if not self._prompts:
            return Unsupported("this model has no chat template; use /v1/completions", param="messages")
        wanted = [TOOL_TEMPLATE, DEFAULT_TEMPLATE] if tools else [DEFAULT_TEMPLATE]
        only = list(self._prompts)[:1] if len(self._prompts) == 1 else []
        found = next((name for name in [*wanted, *only] if name in self._prompts), None)
        if found is None:
            names = ", ".join(sorted(self._prompts))
            return Unsupported(
                f"this model's chat templates are named {names}; none is for this request", param="messages"
            )
        prompt = self._prompts[found]
        return prompt if isinstance(prompt, Unsupported) else found


def _dialect_of(prompt: ChatPrompt, source: str) -> Dialect:
    def render(messages: Sequence[Message], variables: Mapping[str, Any]) -> str | None:
        try:
            return prompt.text(prompt.render(messages, variables))
        except InvalidArgument:
            return None

    return find_dialect(render, source)


def _begun(prompt: str, dialect: Dialect) -> str:
    """What stands behind the last header; where replies have none, nothing that could be told from the prompt."""
    header, begun = "", ""
    if dialect.header:
        _, header, begun = prompt.rpartition(dialect.header)
    return begun if header else ""


def _effort(effort: str, prompt: ChatPrompt) -> dict[str, Any]:
    """The template's variables that say how much the model shall think."""
    if "reasoning_effort" in prompt.variables:
        return {"reasoning_effort": effort}
    switches = _switches(prompt)
    if not switches:
        raise Unsupported(
            "this model's chat template has nothing to set the effort of reasoning with; leave it out",
            param="reasoning_effort",
        )
    return dict.fromkeys(switches, effort != "none")


def _thinking(wanted: bool, prompt: ChatPrompt, dialect: Dialect) -> dict[str, Any]:
    """The template's variables that switch thoughts on or off, if it is not so anyway."""
    switches = _switches(prompt)
    if wanted and not dialect.reasons:
        raise Unsupported(
            "this model's chat template has no place for thoughts; leave 'thinking' out", param="thinking"
        )
    if not wanted and dialect.reasons and not switches:
        raise Unsupported(
            "this model's chat template cannot keep it from thinking; leave 'thinking' out", param="thinking"
        )
    return dict.fromkeys(switches, wanted)


def _switches(prompt: ChatPrompt) -> list[str]:
    return [name for name in ("enable_thinking", "thinking") if name in prompt.variables]
