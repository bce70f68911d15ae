"""GraphEngine: an EngineClient over a graph that is computed as it is: tensors in, tensors out, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from inferno.engine.abilities import cannot
from inferno.engine.client import ModelCard
from inferno.engine.core import _core, native_call
from inferno.engine.delta import RequestStream
from inferno.engine.inference import Arrivals, GraphSignature, InferRequest, InferResult, TensorSignature
from inferno.engine.native import overridden
from inferno.engine.onnxruntime import backend_of
from inferno.engine.prefix_store import StoreStats
from inferno.engine.request import Gap, GenerateRequest, Message
from inferno.engine.retry_after import retry_after
from inferno.errors import InvalidArgument, QueueFull

if TYPE_CHECKING:
    from inferno.engine.conversation import Conversation, Turn
    from inferno.engine.embedding import EmbedRequest, EmbedResult
    from inferno.engine.scoring import ScoreRequest, ScoreResult

ROWS = 64
"""Most rows of one run, of all requests in it, where ``slots`` does not say."""
_LOADING = ("threads", "backend_options", "slots")


class GraphEngine:
    """Belongs to the event loop of its first request."""

    def __init__(
        self, graph: _core.Graph, config: _core.EngineConfig, *, rows: int = ROWS, name: str, backend: str = "onnx"
    ) -> None:
        """Starts the engine's thread. Most callers want :meth:`load`."""
        self._arrivals = Arrivals()
        self._engine = native_call(_core.GraphEngine, graph, config, rows, self._arrivals.on_outputs)
        self._card = _card(graph, rows, name, backend)
        self._closed = False

    @classmethod
    async def load(
        cls,
        path: str,
        *,
        name: str,
        backend: str = "onnx",
        options: Mapping[str, Any] | None = None,
        engine: Mapping[str, Any] | None = None,
    ) -> GraphEngine:
        """Load a graph's file, in a thread. ``options`` may have threads, backend_options and slots (rows of one run);
        ``engine`` overrides fields of ``_core.EngineConfig``, of which max_waiting counts here. None values leave the
        default.

        Raises InvalidArgument for other options, and what says why the graph cannot be loaded: NotFound,
        DataCorrupted, Unsupported, OutOfMemory.
        """
        chosen = {name: value for name, value in (options or {}).items() if value is not None}
        defaults = _core.ModelOptions()
        for option, value in chosen.items():
            if option not in _LOADING and value != getattr(defaults, option, None):
                raise InvalidArgument(f"{option} is {value}; a graph has no such thing", param=option)
        rows = chosen.get("slots") or ROWS

        def work() -> GraphEngine:
            backend_of(path)
            wanted = {option: chosen[option] for option in _LOADING if option in chosen}
            graph = native_call(_core.Graph.load, path, overridden(_core.ModelOptions(), wanted))
            return cls(graph, overridden(_core.EngineConfig(), engine or {}), rows=rows, name=name, backend=backend)

        return await asyncio.get_running_loop().run_in_executor(None, work)

    @property
    def card(self) -> ModelCard:
        return self._card

    @property
    def adapters(self) -> Mapping[str, int]:
        return {}

    async def infer(self, request: InferRequest) -> InferResult:
        self._arrivals.home.bind(asyncio.get_running_loop())
        inputs = [(tensor.name, tensor.datatype, list(tensor.shape), tensor.data) for tensor in request.inputs]
        try:
            request_id = native_call(self._engine.submit, inputs, list(request.outputs))
        except QueueFull as refused:
            refused.retry_after = retry_after(self._engine.seconds_until_room(), self.stats(), 1)
            raise
        try:
            return await self._arrivals.wait(request_id)
        except asyncio.CancelledError:
            self._engine.cancel(request_id)
            raise

    def stats(self) -> Mapping[str, Any]:
        return {**self._engine.stats().as_dict(), **StoreStats().counters()}

    @property
    def healthy(self) -> bool:
        return not self._closed

    async def aclose(self) -> None:
        """Stop the engine; requests in flight end with an error. Idempotent."""
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._engine.stop)

    async def encode_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> list[int]:
        self._refuse("complete")

    async def render_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> str:
        self._refuse("complete")

    async def open_turn(self, conversation: Conversation) -> Turn:
        self._refuse("complete")

    async def encode(self, text: str, *, add_special: bool = True) -> list[int]:
        self._refuse("tokenize")

    async def encode_infill(self, gap: Gap) -> list[int]:
        self._refuse("complete")

    async def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        self._refuse("embed")

    async def decode(self, token_ids: Sequence[int]) -> str:
        self._refuse("tokenize")

    async def token_bytes(self, token_ids: Sequence[int]) -> list[bytes]:
        self._refuse("tokenize")

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        self._refuse("embed")

    async def score(self, request: ScoreRequest) -> ScoreResult:
        self._refuse("classify")

    async def generate(self, request: GenerateRequest) -> RequestStream:
        self._refuse("complete")

    def _refuse(self, wanted: str) -> NoReturn:
        raise cannot(self._card, wanted)


def signature_of(graph: _core.Graph) -> GraphSignature:
    """What a loaded graph takes and gives."""
    named = graph.info["inputs"], graph.info["outputs"]
    inputs, outputs = (tuple(TensorSignature(n, kind, tuple(shape)) for n, kind, shape in one) for one in named)
    return GraphSignature(inputs, outputs)


def _card(graph: _core.Graph, rows: int, name: str, backend: str) -> ModelCard:
    info = graph.info
    applied: dict[str, str | int | float] = {"threads": info["threads"], **info["backend_options"]}
    if info["batches"]:
        applied["slots"] = rows
    return ModelCard(
        name=name,
        architecture="graph",
        description=f"ONNX graph of {info['producer'] or 'unknown origin'}",
        context_tokens=0,
        vocab_size=0,
        parameters=0,
        weight_bytes=info["weight_bytes"],
        device=info["device"],
        backend=backend,
        has_chat_template=False,
        loaded_at=int(time.time()),
        applied=applied,
        abilities=("infer",),
        graph=signature_of(graph),
    )
