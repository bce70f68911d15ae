"""Grammars: compiled away from the event loop and the engine, and kept for those who ask for the same again."""

from __future__ import annotations

import asyncio
import importlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from inferno.engine.core import _core, native_call
from inferno.engine.grammar_text import prepared
from inferno.engine.request import Grammar
from inferno.errors import InvalidArgument, QueueFull, Unsupported

LIBRARY = "llguidance"
MAX_COMPILING = 32
"""Grammars that are compiled or wait for it; beyond it requests are refused."""
MAX_SECONDS = 10.0
"""That a request waits for its grammar."""
KEPT_BYTES = 64 * 1024 * 1024
_BYTES_EACH = 256 * 1024
_BYTES_PER_BYTE = 64
"""What a compiled grammar is taken to hold: a guess, since llguidance does not tell."""

_Key = tuple[str, Grammar]


class Grammars:
    """The compiled grammars of one model. Belongs to one event loop; compiling has a thread of its own.

    A tenant finds only what it had compiled itself, so that nobody learns by the time it takes what others ask for.
    """

    def __init__(self, model: _core.Model) -> None:
        self._model = model
        self._compiler: _core.GrammarCompiler | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._kept: OrderedDict[_Key, _core.Grammar] = OrderedDict()
        self._compiling: dict[_Key, asyncio.Future[_core.Grammar]] = {}
        self._waiting: dict[_Key, int] = {}

    async def compiled(self, grammar: Grammar, tenant: str) -> _core.Grammar:
        """Raises InvalidArgument for a grammar that cannot be used, Unsupported naming what is not supported, or for a
        missing library, and QueueFull. What nobody waits for any more is not begun."""
        key = (tenant, grammar)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        work = self._compiling.get(key) or self._begin(key)
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            return await asyncio.wait_for(asyncio.shield(work), MAX_SECONDS)
        except InvalidArgument as refused:
            refused.param = grammar.param
            raise
        except asyncio.TimeoutError:
            raise InvalidArgument(
                f"the grammar was not compiled within {MAX_SECONDS:g} seconds; ask for a simpler one",
                param=grammar.param,
            ) from None
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
                work.cancel()

    def _begin(self, key: _Key) -> asyncio.Future[_core.Grammar]:
        if len(self._compiling) >= MAX_COMPILING:
            raise QueueFull(f"{MAX_COMPILING} grammars are being compiled, which is the limit", param="grammar")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="inferno-grammar")
        work = asyncio.get_running_loop().run_in_executor(self._pool, self._compile, key[1])
        self._compiling[key] = work
        work.add_done_callback(lambda done: self._finish(key, done))
        return work

    def _finish(self, key: _Key, done: asyncio.Future[_core.Grammar]) -> None:
        del self._compiling[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._kept[key] = done.result()
        while sum(map(_bytes_of, self._kept)) > KEPT_BYTES:
            self._kept.popitem(last=False)

    def _compile(self, grammar: Grammar) -> _core.Grammar:
        kind, text = prepared(grammar)
        if self._compiler is None:
            self._compiler = native_call(_core.GrammarCompiler, self._model, _library())
        return native_call(self._compiler.compile, kind, text)

    def close(self) -> None:
        """What waits is not begun; what is being compiled ends by itself. Idempotent."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _bytes_of(key: _Key) -> int:
    return _BYTES_EACH + _BYTES_PER_BYTE * len(key[1].text)


def _library() -> str:
    """The file of the extension module, whose C API the engine uses; imported, as it needs Python's symbols."""
    try:
        module = importlib.import_module(f"{LIBRARY}._lib")
    except ImportError as error:
        raise Unsupported(
            f"answers cannot be kept to a grammar: the package '{LIBRARY}' cannot be imported ({error.name}); "
            "install it with pip",
            param="grammar",
        ) from None
    return str(module.__file__)
