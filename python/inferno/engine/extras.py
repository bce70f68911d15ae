"""What comes with a model beside its weights' file, where it comes as a folder. Of a plain GGUF file: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from inferno.engine.encoder import TextEncoder
from inferno.engine.facts import ModelFacts
from inferno.engine.request import GenerateRequest
from inferno.errors import ContextLengthExceeded

DEFAULT_TEMPLATE = "default"
TOOL_TEMPLATE = "tool_use"
"""The template for requests that bring tools, where a model has several."""


@dataclass(frozen=True, slots=True)
class GenerationDefaults:
    """What holds where a request says nothing."""

    sampling: Mapping[str, float] = field(default_factory=dict)
    """Fields of SamplingOptions."""
    max_tokens: int | None = None
    max_length: int | None = None
    """Most tokens of prompt and answer together, where neither a request nor ``max_tokens`` says how many."""
    eos_token_ids: tuple[int, ...] = ()
    """Tokens that end a text, besides those that the model's file marks so; not under ``ignore_eos``."""

    def applied(self, request: GenerateRequest) -> GenerateRequest:
        """``request`` with the defaults put where it has None. Raises ContextLengthExceeded for a prompt that leaves no
        room within ``max_length``."""
        changes: dict[str, Any] = {}
        missing = {name: value for name, value in self.sampling.items() if getattr(request.sampling, name) is None}
        if missing:
            changes["sampling"] = structs.replace(request.sampling, **missing)
        if request.max_tokens is None and (room := self._room(request)) is not None:
            changes["max_tokens"] = room
        if self.eos_token_ids and not request.ignore_eos:
            changes["stop_token_ids"] = tuple(dict.fromkeys((*request.stop_token_ids, *self.eos_token_ids)))
        return structs.replace(request, **changes) if changes else request

    def _room(self, request: GenerateRequest) -> int | None:
        if self.max_tokens is not None or self.max_length is None:
            return self.max_tokens
        if len(request.prompt) >= self.max_length:
            raise ContextLengthExceeded(
                f"the prompt has {len(request.prompt)} tokens, and the model's folder wants at most {self.max_length} "
                "with the answer where a request does not say how many: say it with max_tokens",
                param="max_tokens",
            )
        return self.max_length - len(request.prompt)

    def shown(self) -> dict[str, float]:
        """The defaults as a request would write them; ``max_length`` has no such field."""
        lengths = {"max_tokens": self.max_tokens, "max_length": self.max_length}
        return dict(self.sampling) | {name: value for name, value in lengths.items() if value is not None}


@dataclass(frozen=True, slots=True)
class EmbeddingDefaults:
    """How texts become vectors, beyond what the weights' file says."""

    pooling: str | None = None
    """mean, cls or last: how one vector is made of a text's; None: as the weights' file says."""
    normalize: bool = True
    """Whether vectors get length 1."""
    max_tokens: int | None = None
    """Most tokens of a text, if fewer than the model's context."""


@dataclass(frozen=True, slots=True)
class Extras:
    """All of it; the defaults here are a plain GGUF file's."""

    encoder: TextEncoder | None = None
    """None: llama.cpp encodes."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Chat templates by name; ``default`` answers, ``tool_use`` where a request brings tools."""
    special_texts: Mapping[str, str] = field(default_factory=dict)
    """Template variables such as ``bos_token``."""
    generation: GenerationDefaults = GenerationDefaults()
    embedding: EmbeddingDefaults = EmbeddingDefaults()
    between: tuple[int, ...] | None = None
    """Token ids between two texts that are read together; None: as the model's file says."""
    labels: tuple[str, ...] = ()
    """Of a classifier: the names of its labels, in order."""
    facts: ModelFacts | None = None
    """Where the weights' file does not say itself what the model is: an ONNX file."""
