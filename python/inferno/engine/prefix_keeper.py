"""PrefixKeeper: moves prefixes between an engine's host memory and a PrefixStore, off the engine's thread."""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inferno.engine.model_digest import adapter_digest, model_digest
from inferno.engine.prefix_store import FIRST_TOKENS, PrefixStore, StoreStats, closed_folder
from inferno.errors import ConfigError

if TYPE_CHECKING:
    from inferno import _core

_log = logging.getLogger(__name__)


def open_store(folder: Path, limit_bytes: int, model: str, build: tuple[str, str, str]) -> PrefixStore:
    """The store of a model file's prefixes, as ``build`` (version, commit, form of the saved cache) writes them.

    Reads the model once for its digest, which takes seconds for a large one. Raises ConfigError.
    """
    if not build[-1]:
        raise ConfigError("a prefix store is of no use: this model's cache cannot be saved; leave --prefix-store out")
    home = folder.expanduser()
    closed_folder(home)
    try:
        content = model_digest(model, remembered=home / "models.json")
    except OSError as error:
        raise ConfigError(f"the model cannot be read for its digest: {error.strerror}") from None
    return PrefixStore(home, limit_bytes=limit_bytes, identity=(content, *build))


class PrefixKeeper:
    """Writes what the engine gives up, on a thread of its own; brings back what a prompt wants, before it is asked."""

    def __init__(self, engine: _core.Engine, store: PrefixStore, errors: type[Exception]) -> None:
        """``engine`` was made with ``export_prefixes``; ``errors`` is what it raises. Stop it before :meth:`close`."""
        self._engine = engine
        self._store = store
        self._errors = errors
        self._host_bytes = engine.stats().as_dict()["host_cache_limit_bytes"]
        self._adapters = {0: b""}
        self._loading: dict[Path, asyncio.Future[None]] = {}
        self._writer = threading.Thread(target=self._write, name="inferno-prefixes", daemon=True)
        self._writer.start()
        # DANGER: a thread that comes back from the engine into an interpreter that goes down ends the process there.
        atexit.register(self._stop)

    def know_adapter(self, number: int, path: str) -> None:
        """What the engine calls an adapter is good for one run; what is stored goes by the content of its file.

        Reads the file; may run on any thread. Raises DataCorrupted when it cannot be read.
        """
        self._adapters[number] = adapter_digest(path)

    async def bring(self, tenant: str, prompt: Sequence[int], adapter: int = 0) -> None:
        """Have the engine's host memory hold the stored prefix of this prompt, if that spares enough."""
        found = self._store.find(tenant, prompt, self._adapters[adapter])
        if found is None or found.payload_bytes > self._host_bytes:
            return
        if found.shared - self._engine.saved_tokens(tenant, prompt, adapter) < FIRST_TOKENS:
            return
        loading = self._loading.get(found.path)
        if loading is None:
            loading = asyncio.get_running_loop().run_in_executor(None, self._restore, tenant, adapter, found.path)
            self._loading[found.path] = loading
            loading.add_done_callback(lambda _: self._loading.pop(found.path, None))
        await asyncio.shield(loading)

    def stats(self) -> StoreStats:
        return self._store.stats()

    def close(self) -> None:
        """Blocks until everything is written."""
        self._writer.join()
        atexit.unregister(self._stop)

    def _stop(self) -> None:
        """Of an engine that nobody closed: what it has kept is written all the same."""
        self._engine.stop()
        self._writer.join()

    def _restore(self, tenant: str, adapter: int, path: Path) -> None:
        read = self._store.read(path)
        if read is None:
            return
        tokens, payload = read
        try:
            self._engine.restore(tenant, tokens, payload, adapter)
        except self._errors as error:
            _log.info("a stored prefix is not used: %s", error.args[1])

    def _write(self) -> None:
        while prefixes := self._engine.take_exported():
            while prefixes:  # each is let go before the next: until then it takes room in host memory
                self._keep(prefixes.pop(0))

    def _keep(self, prefix: _core.SavedPrefix) -> None:
        try:
            adapter = self._adapters[prefix.adapter]
            if prefix.stored:
                self._store.reject(prefix.tenant, prefix.tokens, adapter)
            else:
                self._store.write(prefix.tenant, prefix.tokens, memoryview(prefix), adapter)
        except Exception:
            _log.exception("a prefix could not be kept")
