"""EngineClient: the one facade that routes see. A local engine and a remote one look the same behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from inferno.engine.conversation import Conversation, Turn
    from inferno.engine.delta import RequestStream
    from inferno.engine.embedding import EmbedRequest, EmbedResult
    from inferno.engine.inference import GraphSignature, InferRequest, InferResult
    from inferno.engine.request import Gap, GenerateRequest, Message
    from inferno.engine.scoring import ScoreRequest, ScoreResult


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a served model is: for ``/v1/models``, banners and limits."""

    name: str
    architecture: str
    description: str
    context_tokens: int
    vocab_size: int
    parameters: int
    weight_bytes: int
    device: str
    backend: str
    has_chat_template: bool
    loaded_at: int
    """Unix time, seconds."""
    defaults: Mapping[str, float] = field(default_factory=dict)
    """What holds where a request says nothing, of what the model came with: ``temperature``, ``max_tokens``, …"""
    embedding_size: int = 0
    """Numbers of a text's vector; 0: the model does not embed."""
    labels: tuple[str, ...] = ()
    """Of a model that classifies: what its scores are of, in order."""
    graph: GraphSignature | None = None
    """Of a graph: what it takes and gives."""
    abilities: tuple[str, ...] = ("complete", "chat")
    """What it can be asked for: words of ``engine/abilities.py``."""
    applied: Mapping[str, str | int | float] = field(default_factory=dict)
    """Settings as they are in force, those that the engine chose included: ``threads``, ``kv_layout``, …"""
    parent: str | None = None
    """Of a model with an adapter: the name of the model without."""

    @property
    def takes_pictures(self) -> bool:
        """Whether messages may hold pictures."""
        return "vision" in self.abilities


class EngineClient(Protocol):
    """All methods are safe to call from any asyncio task of the loop that owns the client."""

    @property
    def card(self) -> ModelCard: ...

    @property
    def adapters(self) -> Mapping[str, int]:
        """The names that ``GenerateRequest.adapter`` may say, each with when it was loaded (Unix time, seconds)."""
        ...

    async def encode_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> list[int]:
        """Render the model's chat template and tokenize: only the template yields special tokens, message text never.

        Raises InvalidArgument when the template refuses the messages, Unsupported when the model has no template.
        """
        ...

    async def render_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> str:
        """The text of which :meth:`encode_chat` makes tokens, special tokens written out. Raises as that does."""
        ...

    async def open_turn(self, conversation: Conversation) -> Turn:
        """Make the model ready for its reply: the prompt's tokens, and readers of what comes.

        Raises as encode_chat, and Unsupported for tools that the model's template does not know.
        """
        ...

    async def encode(self, text: str, *, add_special: bool = True) -> list[int]:
        """Token ids of plain text; ``add_special`` puts BOS first where the model was trained so, and of a model that
        embeds also what it was trained to see behind a text."""
        ...

    async def encode_infill(self, gap: Gap) -> list[int]:
        """The prompt for what fills a gap. Raises Unsupported for a model that was not trained to fill one."""
        ...

    async def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Each text as :meth:`encode` does, with the special tokens around it; many do not hold up the event loop."""
        ...

    async def decode(self, token_ids: Sequence[int]) -> str:
        """Text of token ids; bytes that form no character become U+FFFD. Raises InvalidArgument for an unknown id."""
        ...

    async def token_bytes(self, token_ids: Sequence[int]) -> list[bytes]: ...

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """A vector for each text. Cancelling it gives up the texts that are not computed yet.

        Raises Unsupported for a model that generates, InvalidArgument, ContextLengthExceeded, QueueFull, Unavailable.
        """
        ...

    async def score(self, request: ScoreRequest) -> ScoreResult:
        """A score per label for each text, or pair of texts. Raises as :meth:`embed` does, Unsupported for a model that
        does not classify."""
        ...

    async def infer(self, request: InferRequest) -> InferResult:
        """The outputs of a graph. Cancelling it gives it up if it does not run yet.

        Raises Unsupported for a model that is no graph, InvalidArgument for what the graph does not take, QueueFull,
        Unavailable."""
        ...

    async def generate(self, request: GenerateRequest) -> RequestStream:
        """Submit. Raises InvalidArgument, NotFound (the adapter), ContextLengthExceeded, QueueFull or Unavailable,
        before any delta."""
        ...

    def stats(self) -> Mapping[str, Any]:
        """A snapshot of the engine's counters: flat name -> int | float | list (``EngineStats`` in ``_core.pyi``)."""
        ...

    @property
    def healthy(self) -> bool:
        """False once the engine thread has failed."""
        ...

    async def aclose(self) -> None:
        """Stop the engine; requests in flight end with an error. Idempotent."""
        ...
