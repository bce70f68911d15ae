"""EngineClient: the one facade that routes see. A local engine and a remote one look the same behind it.

The nouns here are the engine's own (tokens, choices, deltas); the wire types of HTTP are in ``server/wire``. Those that
are made for every request, or every token, are msgspec's structs, which take a tenth of a frozen dataclass to make.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from inferno import _core
    from inferno.engine.conversation import Conversation, Turn
    from inferno.engine.embedding import EmbedRequest, EmbedResult
    from inferno.engine.inference import GraphSignature, InferRequest, InferResult
    from inferno.engine.scoring import ScoreRequest, ScoreResult
    from inferno.engine.text_frame import TextFrame

FinishReason = Literal["stop", "length", "cancelled"]
Message = Mapping[str, Any]
"""One chat message: ``role`` (str), ``content`` (str, or a list of ``{"type": "text", "text": str}`` and
``{"type": "media", "media": Image | Sound}``), and whatever else the template reads."""


class SamplingOptions(msgspec.Struct, frozen=True):
    """How tokens are chosen. ``None`` means the engine's default, which is written once, in ``sampling_params.h``.

    Ranges are checked by the engine, which raises :class:`~inferno.errors.InvalidArgument` naming the field.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    top_n_sigma: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    penalty_last_n: int | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_last_n: int | None = None
    dry_sequence_breakers: tuple[str, ...] | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    mirostat: bool | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    logit_bias: Mapping[int, float] | None = None
    seed: int | None = None
    """``None`` draws a fresh seed for each request."""
    logprobs: int | None = None
    """``None``: no logprobs. k: of each token, with the k most probable alternatives (0..20)."""
    prompt_logprobs: int | None = None
    """The same of the prompt's tokens, all but the first. The whole prompt is then computed, whatever is cached."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What an answer must satisfy, byte for byte. ``text`` is, by ``kind``:

    ``json_object``: empty; ``json_schema``: a JSON schema; ``regex``: a regular expression of the whole answer, in the
    syntax of Rust's regex crate; ``choice``: a JSON array of the strings that are allowed; ``lark``: a grammar in
    llguidance's variant of Lark (``%json``, ``%regex``, special tokens as ``<|name|>``); ``gbnf``: one in llama.cpp's.
    """

    kind: Literal["json_object", "json_schema", "regex", "choice", "lark", "gbnf"]
    text: str
    param: str = field(default="grammar", compare=False)
    """The field that it came by, for what refuses it."""


@dataclass(frozen=True, slots=True)
class PlacedMedia:
    """What a media encoder made of a picture or sound, or of a part of one, and where it stands in the prompt: from
    ``first`` on, ``rows.count`` tokens of the id ``rows.id``."""

    first: int
    rows: _core.MediaRows
    sound: bool = False
    """Else it is a picture."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place between two texts, which a model is to fill. ``files`` are names and texts of others that may help it."""

    before: str
    after: str
    files: tuple[tuple[str, str], ...] = ()
    param: str = "suffix"
    """The field that asks for it, for what refuses it."""


@dataclass(frozen=True, slots=True)
class ThoughtLimit:
    """How many tokens a model may think before it answers: then the token that closes the thought is chosen for it.
    ``None``: as many as it likes, or until :meth:`RequestStream.end_thought`."""

    tokens: int | None
    close: int
    open: int | None = None
    """Begins the thought, where the model writes it; ``None``: only the prompt can."""
    begun: bool = False
    """The prompt ends within the thought."""


class GenerateRequest(msgspec.Struct, frozen=True):
    """What to continue, and how. ``prompt`` is token ids (see :meth:`EngineClient.encode_chat` and ``encode``)."""

    prompt: Sequence[int]
    sampling: SamplingOptions = SamplingOptions()
    n: int = 1
    max_tokens: int | None = None
    """Per choice; ``None`` means to the end of the context, 0 that the prompt is computed and nothing generated."""
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    shown_tokens: tuple[int, ...] = ()
    """Special tokens that come out as the text that stands for them; the others have none."""
    include_stop_str_in_output: bool = False
    priority: int = 0
    """Lower is served first."""
    timeout: float | None = None
    """Seconds from arrival: what has not ended by then fails with DeadlineExceeded, at the next step."""
    tenant: str = ""
    """Owner of the prefix cache entries: prompts are never shared across tenants."""
    grammar: Grammar | None = None
    """``None``: whatever the model likes. Else the answer satisfies it, or ends with ``length``."""
    media: tuple[PlacedMedia, ...] = ()
    """Pictures and sounds in the prompt, in its order."""
    prediction: Sequence[int] = ()
    """Tokens that the answer may turn out to be: what comes true of them is computed faster. They change no text."""
    thought: ThoughtLimit | None = None
    adapter: str | None = None
    """One of :attr:`EngineClient.adapters`; ``None`` is the model as it is."""


class TokenLogprob(msgspec.Struct, frozen=True):
    """A token with ln p of the model's own distribution; ``token`` is its bytes (perhaps half a character)."""

    token_id: int
    token: bytes
    logprob: float
    top: tuple[tuple[int, bytes, float], ...] = ()


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    drafted_tokens: int = 0
    """Guessed and computed ahead of their turn, and of them those that came true."""
    accepted_tokens: int = 0


class Timings(msgspec.Struct, frozen=True):
    """Seconds since the request arrived at the engine."""

    scheduled: float = 0.0
    first_token: float = 0.0
    finished: float = 0.0


class Delta(msgspec.Struct, frozen=True):
    """What one choice has new. Exactly one delta of each choice has a ``finish_reason``, and it is its last."""

    index: int
    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason | None = None
    matched_stop: str | None = None
    usage: Usage = Usage()
    """Of this choice; in its last delta."""
    timings: Timings = Timings()
    """In the last delta."""
    prompt_logprobs: tuple[TokenLogprob, ...] = ()
    """Of the prompt's next tokens, from its second on; they come before any text."""


class DeltaSink(Protocol):
    """What a stream is poured into. Called on the loop that the stream belongs to, not always in a task."""

    def take(self, delta: Delta) -> bool:
        """Must not block: all other streams wait for it. False: the next one after :meth:`ready` only."""
        ...

    async def ready(self) -> None:
        """Returns when there is room again."""
        ...


class TokenStream(Protocol):
    """The deltas of one request, all choices interleaved, until every choice has finished.

    Reading raises the :class:`~inferno.errors.InfernoError` of a choice that failed. Deltas of a reader that lags are
    merged, per choice. Belongs to one asyncio task. Closing early cancels the request at the engine's next step.
    """

    async def pour(self, sink: DeltaSink) -> None:
        """All deltas into ``sink``, each as it comes. Raises what the sink raises, too. Cancelling loses none."""
        ...

    def frame(self, index: int, frame: TextFrame, write: Callable[[bytes], bool]) -> None:
        """For a sink, while it takes a delta: what this choice says next that is text and nothing else may go to
        ``write``, as events, until the sink is full. What ``write`` returns and raises counts as the sink's; of other
        choices an event may still come after it said that it is full."""
        ...

    async def aclose(self) -> None: ...


class RequestStream(TokenStream, Protocol):
    """That of one request to the engine, which can be reached while it runs. Iteration gives the deltas one by one: it
    wakes a task for each, which :meth:`pour` does not."""

    def __aiter__(self) -> AsyncIterator[Delta]: ...

    def end_thought(self) -> bool:
        """Have every choice end its thought at the engine's next step, and think no more; the answer goes on. False:
        it has ended already. Raises Unsupported for a request without a ``thought``."""
        ...


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
