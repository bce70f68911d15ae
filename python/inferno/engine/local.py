"""LocalEngine: an EngineClient over the native engine in this process. The one module that runs the engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from inferno.config.settings import StoreSettings
from inferno.engine.abilities import backends_that_can, cannot
from inferno.engine.adapters import Adapters
from inferno.engine.client import ModelCard
from inferno.engine.conversation import Conversation, Turn
from inferno.engine.core import _core, native_call
from inferno.engine.describe import card_of, chats_of
from inferno.engine.dialects.formats import tool_format_named
from inferno.engine.embedding import EmbedRequest, EmbedResult
from inferno.engine.encoding import EncoderEngine
from inferno.engine.extras import Extras
from inferno.engine.gaps import gap_segments
from inferno.engine.grammars import Grammars
from inferno.engine.inference import InferRequest, InferResult
from inferno.engine.media.placing import Placing, without_media
from inferno.engine.media.reader import MediaReader
from inferno.engine.native import checked_ids, fill_request
from inferno.engine.parts import Parts, open_parts
from inferno.engine.prefix_keeper import PrefixKeeper
from inferno.engine.prefix_store import StoreStats
from inferno.engine.request import Gap, GenerateRequest, Message
from inferno.engine.retry_after import by_busy_time, retry_after
from inferno.engine.scoring import ScoreRequest, ScoreResult
from inferno.engine.stream import Delivery, LocalStream
from inferno.engine.thoughts import thought_limit
from inferno.engine.tokens import TextTokens
from inferno.errors import NotFound, QueueFull, Unsupported

Progress = Callable[[float], None]


class LocalEngine:
    """Owns one loaded model and its engine. Belongs to the event loop of its first ``generate``."""

    def __init__(self, parts: Parts, *, name: str | None = None) -> None:
        """Takes the models over and starts the engine's threads. Most callers want :meth:`load`."""
        model, config = parts.model, parts.config
        self._model = model
        self._extras = parts.extras
        self._chats = chats_of(model, self._extras, parts.tool_format)
        self._card = card_of(
            model, config, backend=parts.backend, name=name, extras=self._extras, has_chat_template=bool(self._chats)
        )
        self._token_bytes = lru_cache(maxsize=65536)(model.token_bytes)
        self._delivery = Delivery()
        self._engine: _core.Engine | _core.Embedder
        self._keeper: PrefixKeeper | None = None
        self._adapters: Adapters | None = None
        self._encoder: EncoderEngine | None = None
        whole_texts = model.capabilities["embedding_size"] > 0
        self._tokens = TextTokens(model, self._extras.encoder, closes=whole_texts)
        if whole_texts:
            self._encoder = EncoderEngine(
                model, config, self._card, self._extras, lambda text: self._tokens.ids(text, add_bos=False)
            )
            self._engine = self._encoder.native
        else:
            store = parts.store
            bell = self._delivery.give_rope()
            engine = native_call(_core.Engine, model, config, bell, store is not None, parts.draft)
            self._delivery.mailbox = engine.mailbox
            self._engine = engine
            self._keeper = None if store is None else PrefixKeeper(engine, store, _core.CoreError)
            self._adapters = Adapters(engine, self._keeper)
        self._grammars = Grammars(model)
        self._media = MediaReader(model, self._card.abilities)
        self._placing = Placing(self._tokens, self._media, self._card.context_tokens)
        self._closed = False

    @classmethod
    async def load(
        cls,
        path: str,
        *,
        name: str | None = None,
        backend: str | None = None,
        options: Mapping[str, Any] | None = None,
        engine: Mapping[str, Any] | None = None,
        extras: Callable[[], Extras] | None = None,
        draft: str | None = None,
        media_encoder: str | None = None,
        tool_format: str | None = None,
        prefix_store: str | None = None,
        prefix_store_bytes: int = StoreSettings.model_fields["prefixes_bytes"].default,
        progress: Progress | None = None,
    ) -> LocalEngine:
        """Load a model and start its engine, in a thread of its own; cancelling gives the load up.

        ``backend`` is said to compute it, where that is not simply what opens ``path``: of a file made of another.
        ``options`` and ``engine`` override fields of ``_core.ModelOptions`` and ``_core.EngineConfig``; None values
        leave the engine's default. ``extras`` reads what comes with the model beside ``path``, on the loading thread.
        ``draft`` is the path of a smaller model that guesses ahead for the first; ``options`` are for both.
        ``media_encoder`` is the path of what makes the model see pictures or hear sounds (an mmproj file).
        ``tool_format`` is one of ``TOOL_FORMATS``, in place of what the chat template shows.
        ``prefix_store`` is a folder that keeps prefixes over restarts, within ``prefix_store_bytes``. ``progress`` is
        called with 0..1 on the loading thread. Raises the InfernoError that says why the model cannot be loaded
        (NotFound, DataCorrupted, Unsupported, OutOfMemory, InvalidArgument), or ConfigError for the store or format.
        """
        calls = None if tool_format is None else tool_format_named(tool_format)
        given_up = threading.Event()

        def report(done: float) -> bool:
            if progress is not None:
                progress(done)
            return not given_up.is_set()

        def work() -> LocalEngine:
            parts = open_parts(
                path,
                backend=backend,
                options=options or {},
                engine=engine or {},
                extras=extras or Extras,
                draft=draft,
                media_encoder=media_encoder,
                tool_format=calls,
                store=None if prefix_store is None else (Path(prefix_store), prefix_store_bytes),
                report=report,
            )
            return cls(parts, name=name)

        # What loading computed with ends with its thread: OpenMP would count it (compute_threads.py).
        thread = ThreadPoolExecutor(1, "load-model")
        loading = asyncio.get_running_loop().run_in_executor(thread, work)
        thread.shutdown(wait=False)
        try:
            return await asyncio.shield(loading)
        except asyncio.CancelledError:
            given_up.set()
            await asyncio.wait([loading])
            if not loading.cancelled() and loading.exception() is None:
                await loading.result().aclose()
            raise

    @property
    def card(self) -> ModelCard:
        return self._card

    @property
    def adapters(self) -> Mapping[str, int]:
        return self._adapters.loaded() if self._adapters is not None else {}

    async def load_adapter(self, name: str, path: str) -> None:
        """Load an adapter's file for requests to name; steps wait meanwhile. Raises InvalidArgument for a name that is
        taken or a file for another model, Unsupported, NotFound and DataCorrupted."""
        adapters = self._adapters
        if adapters is None or not self._model.capabilities["adapters"]:
            kinds = "it generates no text, is an ONNX model, or is served with --deterministic"
            raise Unsupported(f"this model takes no adapters: {kinds}; {backends_that_can('lora')}")
        await asyncio.get_running_loop().run_in_executor(None, adapters.load, name, path)

    async def unload_adapter(self, name: str) -> None:
        """Requests that run with it end as they would have; new ones are refused. Raises NotFound."""
        if self._adapters is None:
            raise NotFound("this model takes no adapters")
        self._adapters.unload(name)

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the loaded model holds: slots, capacity_tokens, context_tokens, batch_rows, kv_bytes, sharing."""
        return self._model.capabilities

    @property
    def report(self) -> Mapping[str, Any]:
        """How the model was loaded, its memory, and what operators took so far: ``ModelReport`` in C++."""
        return self._model.report

    @property
    def healthy(self) -> bool:
        return not self._closed and self._engine.healthy

    def stats(self) -> Mapping[str, Any]:
        stored = StoreStats() if self._keeper is None else self._keeper.stats()
        return {**self._engine.stats().as_dict(), **stored.counters()}

    async def encode_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> list[int]:
        if self._encoder is not None:
            raise cannot(self._card, "complete")
        return await self._tokens.of(without_media(self._chats.render(messages, template_kwargs)), add_bos=True)

    async def render_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> str:
        if self._encoder is not None:
            raise cannot(self._card, "complete")
        return self._chats.text(messages, template_kwargs)

    async def open_turn(self, conversation: Conversation) -> Turn:
        if self._encoder is not None:
            raise cannot(self._card, "complete")
        opened = self._chats.open(conversation)
        prompt, media = await self._placing.place(opened.segments, conversation.tenant)
        limit = thought_limit(opened, conversation, lambda text: self._tokens.ids([text], add_bos=False))
        return replace(opened.turn(prompt, media, conversation), thought=limit)

    async def encode(self, text: str, *, add_special: bool = True) -> list[int]:
        return await self._tokens.of([text], add_bos=add_special)

    async def encode_infill(self, gap: Gap) -> list[int]:
        if self._encoder is not None:
            raise cannot(self._card, "complete")
        return await self._tokens.of(gap_segments(gap, self._model.infill), add_bos=True)

    async def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return await self._tokens.of_each(texts)

    async def decode(self, token_ids: Sequence[int]) -> str:
        return native_call(self._model.decode, checked_ids(token_ids))

    async def token_bytes(self, token_ids: Sequence[int]) -> list[bytes]:
        return [native_call(self._token_bytes, token_id) for token_id in checked_ids(token_ids)]

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        if self._encoder is None:
            raise cannot(self._card, "embed")
        return await self._encoder.embed(request)

    async def score(self, request: ScoreRequest) -> ScoreResult:
        if self._encoder is None:
            raise cannot(self._card, "classify")
        return await self._encoder.score(request)

    async def infer(self, request: InferRequest) -> InferResult:
        raise cannot(self._card, "infer")

    async def generate(self, request: GenerateRequest) -> LocalStream:
        engine = self._engine
        if not isinstance(engine, _core.Engine):
            raise cannot(self._card, "complete")
        native = _core.Request()
        request = self._extras.generation.applied(request)
        fill_request(native, request, encode=lambda text: self._tokens.ids([text], add_bos=False))
        native.adapter = self._adapters.number(request.adapter) if self._adapters is not None else 0
        self._delivery.bind(asyncio.get_running_loop())
        self._refuse_hopeless(engine, request)
        if request.grammar is not None:
            native.grammar = await self._grammars.compiled(request.grammar, request.tenant)
        if self._keeper is not None:
            words = request.prompt[: request.media[0].first] if request.media else request.prompt
            await self._keeper.bring(request.tenant, words, native.adapter)
        # Deltas may leave the engine before submit() returns, but they are delivered by this loop, which is here
        # until the channel is in place. No await may come between submit and that.
        try:
            request_id = native_call(engine.submit, native)
        except QueueFull as refused:
            tokens = request.n * len(request.prompt)
            refused.retry_after = retry_after(engine.seconds_until_room(request.n, tokens), self.stats(), request.n)
            raise
        return LocalStream(
            self._delivery.open(request_id, request.n, request.tenant),
            cancel=lambda: engine.cancel(request_id),
            token_bytes=self._token_bytes,
            end_thought=None if request.thought is None else lambda: engine.end_thought(request_id),
        )

    def _refuse_hopeless(self, engine: _core.Engine, request: GenerateRequest) -> None:
        """Raise QueueFull for a request that could not even be started in its time, rather than compute it in vain.

        Of a queue that several tenants share by turns, its tenant's own part counts once for each of them.
        """
        if request.timeout is None:
            return
        stats = self.stats()
        free = stats["max_running"] - stats["requests_running"]
        queued = [channel for channel in self._delivery.channels.values() if not channel.started]
        own = sum(channel.choices for channel in queued if channel.tenant == request.tenant)
        turns = len({request.tenant, *(channel.tenant for channel in queued)})
        ahead = min(stats["requests_waiting"], own * turns) - free
        seconds = (engine.seconds_until_left(ahead) or by_busy_time(stats, ahead)) if ahead > 0 else 0
        if seconds is not None and seconds > request.timeout:
            raise QueueFull(
                f"the request would wait about {seconds:.1f} seconds to be started, and its timeout is"
                f" {request.timeout:g}; send it later, or with a longer timeout",
                param="timeout",
                retry_after=seconds - request.timeout,
            )

    async def aclose(self) -> None:
        """Stop the engine; with a prefix store, also write what is kept. Idempotent."""
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._stop)

    def _stop(self) -> None:
        self._engine.stop()
        self._grammars.close()
        self._media.close()
        if self._keeper is not None:
            self._keeper.close()
