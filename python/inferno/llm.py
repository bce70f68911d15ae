"""Inferno without HTTP, for code without an event loop:

    with inferno.LLM("model.gguf") as llm:
        for completion in llm.generate(["One", "Two"], max_tokens=16):
            print(completion.text)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from inferno.async_llm import AsyncLLM, Completion
from inferno.engine.client import ModelCard
from inferno.engine.request import Message
from inferno.errors import Unavailable

_Result = TypeVar("_Result")


class LLM:
    """A loaded model, for code without an event loop. Methods may be called from any thread, and block."""

    def __init__(self, model: str | None = None, **options: Any) -> None:
        """Loads; takes what :meth:`AsyncLLM.load` takes and raises what it raises."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="inferno-llm", daemon=True)
        self._thread.start()
        try:
            self._llm = self._run(AsyncLLM.load(model, **options))
        except BaseException:
            self._end_loop()
            raise

    @property
    def card(self) -> ModelCard:
        return self._llm.card

    def stats(self) -> Mapping[str, Any]:
        """As :meth:`AsyncLLM.stats`."""
        return self._llm.stats()

    def generate(self, prompts: str | Sequence[str], **sampling: Any) -> list[Completion]:
        """As :meth:`AsyncLLM.generate`."""
        return self._run(self._llm.generate(prompts, **sampling))

    def chat(self, messages: Sequence[Message] | Sequence[Sequence[Message]], **sampling: Any) -> list[Completion]:
        """As :meth:`AsyncLLM.chat`."""
        return self._run(self._llm.chat(messages, **sampling))

    def embed(
        self, texts: str | Sequence[str], *, dimensions: int | None = None, truncate: bool = False
    ) -> list[list[float]]:
        """As :meth:`AsyncLLM.embed`."""
        return self._run(self._llm.embed(texts, dimensions=dimensions, truncate=truncate))

    def close(self) -> None:
        """Stop the engine and free the model. Idempotent; later calls raise Unavailable."""
        if not self._loop.is_closed():
            self._run(self._llm.aclose())
            self._end_loop()

    def __enter__(self) -> LLM:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        if self._loop.is_closed():
            work.close()
            raise Unavailable("this LLM is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
