"""A model's chat templates, and which of them renders a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inferno.engine.client import Message
from inferno.engine.encoder import Segment
from inferno.engine.extras import DEFAULT_TEMPLATE, TOOL_TEMPLATE
from inferno.engine.prompt import ChatPrompt
from inferno.errors import Unsupported


class Chats:
    """``tool_use`` renders requests that bring tools, if there is one; ``default``, or the only one, the others."""

    def __init__(
        self, templates: Mapping[str, str], special_tokens: Sequence[tuple[int, str]], texts: Mapping[str, str]
    ) -> None:
        """``special_tokens`` are (id, text); ``texts`` the template variables for some of them (``bos_token``, …)."""
        self._prompts: dict[str, ChatPrompt | Unsupported] = {}
        for name, source in templates.items():
            try:
                self._prompts[name] = ChatPrompt(source, special_tokens, **texts)
            except Unsupported as error:
                self._prompts[name] = error

    def __bool__(self) -> bool:
        return bool(self._prompts)

    def render(self, messages: Sequence[Message], template_kwargs: Mapping[str, Any] | None = None) -> list[Segment]:
        """As ChatPrompt.render. Raises Unsupported when there is no template for it, or one that does not compile."""
        tools = bool((template_kwargs or {}).get("tools"))
        prompt = self._chosen(tools)
        if isinstance(prompt, Unsupported):
            raise prompt
        return prompt.render(messages, template_kwargs)

    def _chosen(self, tools: bool) -> ChatPrompt | Unsupported:
        if not self._prompts:
            return Unsupported("this model has no chat template; use /v1/completions", param="messages")
        if tools and TOOL_TEMPLATE in self._prompts:
            return self._prompts[TOOL_TEMPLATE]
        if DEFAULT_TEMPLATE in self._prompts:
            return self._prompts[DEFAULT_TEMPLATE]
        if len(self._prompts) == 1:
            return next(iter(self._prompts.values()))
        names = ", ".join(sorted(self._prompts))
        return Unsupported(f"this model's chat templates are named {names}; none is for this request", param="messages")
