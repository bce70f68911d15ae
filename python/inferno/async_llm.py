"""Inferno without HTTP, on an event loop. Prompts given together run together:

    async with await inferno.AsyncLLM.load("model.gguf") as llm:
        for completion in await llm.generate(["One", "Two"], max_tokens=16):
            print(completion.text)
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from inferno.engine.backend_options import as_texts
from inferno.engine.client import ModelCard
from inferno.engine.core import defaults
from inferno.engine.delta import Delta, FinishReason, TokenLogprob, Usage
from inferno.engine.embedding import EmbedRequest
from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest, Message, SamplingOptions
from inferno.errors import InvalidArgument, QueueFull
from inferno.models.adapters import load_adapter
from inferno.models.opening import extras_of, ready, ready_draft
from inferno.models.source import resolve

_SAMPLING = frozenset(SamplingOptions.__struct_fields__)
_REQUEST = frozenset(GenerateRequest.__struct_fields__) - {"prompt", "sampling", "n", "tenant"}


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote for one prompt."""

    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    usage: Usage
    matched_stop: str | None = None
    logprobs: tuple[TokenLogprob, ...] = ()


class AsyncLLM:
    """A loaded model on the running event loop: ``async with await AsyncLLM.load("model.gguf") as llm``."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine
        self._running = 0
        self._one_ended = asyncio.Condition()

    @classmethod
    async def load(
        cls,
        model: str | None = None,
        *,
        draft_model: str | None = None,
        quantize: str | None = None,
        backend: str | None = None,
        adapters: Mapping[str, str] | None = None,
        backend_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> AsyncLLM:
        """``model`` is a GGUF file, a folder with one, a Hugging Face folder, or ``None`` for the built-in ``ember``;
        ``draft_model`` is a smaller one of the same vocabulary that guesses ahead for it.

        ``quantize`` is the number format for a Hugging Face folder's weights (``inferno serve --help`` lists them).
        ``backend`` chooses a form of the model from a folder with several (``inferno backends choose``).
        ``adapters`` are LoRA adapters by name, each a GGUF file or a folder of PEFT's; a request's ``adapter`` names
        one. ``backend_options`` are options that only one backend has, as ``{"onnx.provider": "cuda,cpu"}``
        (``inferno backends list``).

        ``options`` override the engine's defaults: ``context_tokens``, ``kv_tokens``, ``slots``, ``batch_rows``,
        ``threads``, ``gpu_layers``, ``kv_type``, ``flash_attention``, ``kv_layout``, ``deterministic``, ``use_mmap``,
        ``pooling``, ``max_running``, ``max_waiting``, ``max_waiting_tokens``, ``prefill_chunk``,
        ``step_target_ms``, ``common_start_ms``, ``kept_tokens``, ``prefix_cache``, ``speculate``,
        ``host_cache_bytes``. ``prefix_store`` names a folder that keeps computed prefixes over restarts. Raises
        InvalidArgument for others, and the InfernoError that says why a model cannot be loaded.
        """
        source = resolve(
            model,
            quantize=quantize,
            backend=backend,
            backend_options=as_texts(backend_options or {}),
            abilities=("lora",) if adapters else (),
        )
        store = options.pop("prefix_store", None)
        scheduling = {name: value for name, value in options.items() if name in defaults()["engine"]}
        loading = {name: value for name, value in options.items() if name not in scheduling}
        extras = extras_of(source)
        path = await ready(source)
        draft = None if draft_model is None else await ready_draft(draft_model)
        engine = await LocalEngine.load(
            path,
            name=source.name,
            backend=source.backend,
            options={**loading, "backend_options": source.backend_options},
            engine=scheduling,
            extras=extras,
            draft=draft,
            prefix_store=store,
        )
        try:
            for name, path_of_adapter in (adapters or {}).items():
                await load_adapter(engine, name, path_of_adapter, source)
        except BaseException:
            await engine.aclose()
            raise
        return cls(engine)

    @property
    def card(self) -> ModelCard:
        return self._engine.card

    def stats(self) -> Mapping[str, Any]:
        """The engine's counters, by the names of ``inferno.metrics.instruments``."""
        return self._engine.stats()

    async def stream(self, prompt: str | Sequence[Message], **sampling: Any) -> AsyncIterator[Delta]:
        """What the model writes, as it comes. A string is continued as it is; messages go through the chat template.

        ``sampling`` takes the fields of SamplingOptions, and ``max_tokens``, ``stop``, ``stop_token_ids``,
        ``ignore_eos``, ``include_stop_str_in_output``, ``priority``, ``timeout`` and ``adapter``. Raises
        InvalidArgument for an unknown or impossible value, NotFound for an adapter that is not loaded,
        ContextLengthExceeded, QueueFull, Unavailable. Closing the iterator ends the generation.
        """
        stream = await self._engine.generate(await self._request(prompt, sampling))
        try:
            async for delta in stream:
                yield delta
        finally:
            await stream.aclose()

    async def generate(self, prompts: str | Sequence[str], **sampling: Any) -> list[Completion]:
        """Continue each prompt, all in one running batch; results in the order of the prompts. As :meth:`stream`."""
        several = [prompts] if isinstance(prompts, str) else list(prompts)
        return await self._together([await self._request(prompt, sampling) for prompt in several])

    async def chat(
        self, messages: Sequence[Message] | Sequence[Sequence[Message]], **sampling: Any
    ) -> list[Completion]:
        """Answer one conversation, or each of several. As :meth:`generate`."""
        chats = [messages] if messages and isinstance(messages[0], Mapping) else messages
        return await self._together([await self._request(chat, sampling) for chat in chats])  # type: ignore[arg-type]

    async def embed(
        self, texts: str | Sequence[str], *, dimensions: int | None = None, truncate: bool = False
    ) -> list[list[float]]:
        """A vector for each text, of a model that embeds. ``dimensions`` keeps the first so many numbers, at length 1.

        Raises Unsupported for a model that generates, InvalidArgument, ContextLengthExceeded for too long a
        text (``truncate`` leaves its end out instead), QueueFull, Unavailable.
        """
        several = [texts] if isinstance(texts, str) else list(texts)
        ids = await self._engine.encode_all(several)
        result = await self._engine.embed(EmbedRequest(ids, dimensions, truncate))
        return [array("f", vector).tolist() for vector in result.vectors]

    async def aclose(self) -> None:
        """Stop the engine and free the model. Idempotent."""
        await self._engine.aclose()

    async def __aenter__(self) -> AsyncLLM:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _request(self, prompt: str | Sequence[Message], sampling: Mapping[str, Any]) -> GenerateRequest:
        if unknown := sorted(sampling.keys() - _SAMPLING - _REQUEST):
            known = ", ".join(sorted(_SAMPLING | _REQUEST))
            raise InvalidArgument(f"unknown argument '{unknown[0]}'; known: {known}", param=unknown[0])
        own = {name: value for name, value in sampling.items() if name in _REQUEST}
        if isinstance(own.get("stop"), str):
            own["stop"] = (own["stop"],)
        options = SamplingOptions(**{name: value for name, value in sampling.items() if name in _SAMPLING})
        if isinstance(prompt, str):
            tokens = await self._engine.encode(prompt)
        else:
            tokens = await self._engine.encode_chat(prompt)
        return GenerateRequest(tokens, options, **own)

    async def _together(self, requests: Sequence[GenerateRequest]) -> list[Completion]:
        tasks = [asyncio.ensure_future(self._complete(request)) for request in requests]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def _complete(self, request: GenerateRequest) -> Completion:
        stream = await self._submit(request)
        deltas: list[Delta] = []
        try:
            async for delta in stream:
                deltas.append(delta)
        finally:
            await stream.aclose()
            async with self._one_ended:
                self._running -= 1
                self._one_ended.notify_all()
        last = deltas[-1]
        assert last.finish_reason is not None
        return Completion(
            text="".join(delta.text for delta in deltas),
            token_ids=tuple(token for delta in deltas for token in delta.token_ids),
            finish_reason=last.finish_reason,
            usage=last.usage,
            matched_stop=last.matched_stop,
            logprobs=tuple(entry for delta in deltas for entry in delta.logprobs),
        )

    async def _submit(self, request: GenerateRequest) -> Any:
        """Prompts beyond what the engine's queue takes wait here until one of ours has ended."""
        async with self._one_ended:
            while True:
                try:
                    stream = await self._engine.generate(request)
                except QueueFull:
                    if self._running == 0:
                        raise
                    await self._one_ended.wait()
                else:
                    self._running += 1
                    return stream
