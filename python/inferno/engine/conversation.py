"""What a chat asks for, whatever the API it came by, and what the engine makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import structs

from inferno.engine.dialects.reader import ReplyReader
from inferno.engine.request import GenerateRequest, Grammar, Message, PlacedMedia, ThoughtLimit
from inferno.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call. ``parameters`` is the JSON schema of its arguments, an object's."""

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    """The arguments of every call satisfy ``parameters``."""

    @property
    def offered(self) -> dict[str, Any]:
        """As templates read it."""
        described = {} if self.description is None else {"description": self.description}
        return {
            "type": "function",
            "function": {"name": self.name, **described, "parameters": dict(self.parameters)},
        }


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``auto``: the model decides; ``required``: it calls at least one; ``none``: it calls none."""

    mode: Literal["none", "auto", "required"] = "auto"
    names: frozenset[str] | None = None
    """The tools that may be called; None: all."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages as templates read them: tool calls with ``id``, ``function.name``, ``function.arguments`` (an object
    where it is one), tool results with ``tool_call_id``, earlier thoughts as ``reasoning_content``.
    """

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool = True
    """False: at most one call in a reply."""
    reasoning_effort: str | None = None
    thinking_budget: int | None = None
    """Most tokens of the reply's thought; then it is ended. None: as many as the model likes."""
    budget_param: str = "thinking_budget"
    """The field that it came by, for what refuses it."""
    thinking: bool | None = None
    """Whether the model thinks before it answers; None: as its template has it."""
    continue_final_message: bool = False
    """The last message, an assistant's, is the beginning of the reply."""
    template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Further variables of the template, such as ``enable_thinking``."""
    tenant: str = ""
    """Who asks: owner of what is kept of pictures and sounds."""

    @property
    def callable(self) -> dict[str, Mapping[str, Any]]:
        """The schemas of the tools that may be called, by name."""
        if self.tool_choice.mode == "none":
            return {}
        names = self.tool_choice.names
        return {tool.name: tool.parameters for tool in self.tools if names is None or tool.name in names}

    @property
    def kept_to(self) -> dict[str, Mapping[str, Any]] | None:
        """What the arguments of each tool's calls are kept to though no call is required; None: to nothing."""
        called = self.callable
        strict = {tool.name for tool in self.tools if tool.strict}
        if self.tool_choice.mode != "auto" or not called or (self.parallel_tool_calls and not strict & called.keys()):
            return None
        return {name: schema if name in strict else {} for name, schema in called.items()}

    @property
    def calls_before(self) -> int:
        """Calls that the messages hold."""
        return sum(len(message.get("tool_calls") or ()) for message in self.messages)


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation, ready for the model's reply."""

    prompt: list[int]
    new_reader: Callable[[], ReplyReader]
    """A reader for each choice."""
    shown_tokens: tuple[int, ...] = ()
    """Special tokens that the readers must see in the text."""
    grammar: Grammar | None = None
    """What the reply must be, where calls are forced."""
    kept: Callable[[Grammar | None], Grammar] | None = None
    """Of what the text must satisfy, what the reply must: where calls need not come and are kept to something."""
    media: tuple[PlacedMedia, ...] = ()
    """Pictures and sounds in the prompt."""
    thought: ThoughtLimit | None = None
    """How long it may think."""

    @property
    def image_tokens(self) -> int:
        """Of the prompt's."""
        return sum(medium.rows.count for medium in self.media if not medium.sound)

    @property
    def audio_tokens(self) -> int:
        """Of the prompt's."""
        return sum(medium.rows.count for medium in self.media if medium.sound)

    def applied(self, request: GenerateRequest) -> GenerateRequest:
        """``request`` with what this turn needs of the engine put in, among it the prompt.

        Raises InvalidArgument for a request with a grammar of its own where calls are forced, and Unsupported where
        they are kept to something and it does not go together.
        """
        if self.grammar is not None and request.grammar is not None:
            raise InvalidArgument(
                "a call is forced by 'tool_choice' and the answer's form by another field; send one of them",
                param="tool_choice",
            )
        grammar = self.grammar or request.grammar
        if self.kept is not None:
            grammar = self.kept(request.grammar)
        return structs.replace(
            request,
            prompt=self.prompt,
            shown_tokens=self.shown_tokens,
            grammar=grammar,
            media=self.media,
            thought=self.thought,
        )
