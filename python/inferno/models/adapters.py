"""Which file an adapter comes in: GGUF as it is, or one made of PEFT's folder. And the shelf of those of a server."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from inferno.config.named_values import AdapterName
from inferno.errors import ConfigError, DataCorrupted, InfernoError, InvalidArgument, NotFound, Unsupported
from inferno.models.huggingface.adapter_config import ADAPTER_CONFIG
from inferno.models.huggingface.cache import CACHE_BYTES
from inferno.models.model_source import ModelSource

_LOG = logging.getLogger(__name__)
_LONGEST_SHOWN = 100
_FAKE_PREFIX = "fake:"
"""Names an adapter of the test model, which is no file."""


class TakesAdapters(Protocol):
    """An engine of this process."""

    @property
    def adapters(self) -> Mapping[str, int]: ...
    async def load_adapter(self, name: str, path: str) -> None: ...
    async def unload_adapter(self, name: str) -> None: ...


async def load_adapter(
    engine: TakesAdapters, name: str, path: str, source: ModelSource, *, cache_bytes: int = CACHE_BYTES
) -> None:
    """Have ``engine``, which serves ``source``, load the adapter at ``path``. Files are prepared in a thread.

    Raises what ``prepare_adapter`` and ``LocalEngine.load_adapter`` raise, with the adapter named.
    """
    try:
        ready = await asyncio.get_running_loop().run_in_executor(None, _ready, path, source, cache_bytes)
        await engine.load_adapter(name, ready)
    except InfernoError as error:
        raise type(error)(f"adapter {name}: {error.message}", param=error.param) from None
    _LOG.info("the adapter %s is loaded", name)


def _ready(path: str, source: ModelSource, cache_bytes: int) -> str:
    if path.startswith(_FAKE_PREFIX):
        return path
    place = Path(path).expanduser()
    if not place.exists():
        raise NotFound("there is no such file or folder", param="lora_path")
    if not place.is_dir():
        return str(place)
    if not (place / ADAPTER_CONFIG).is_file():
        raise NotFound(f"the folder has no {ADAPTER_CONFIG}", param="lora_path")
    if source.folder is None:
        raise Unsupported(
            "a folder of PEFT's says what it changes by the names of a Hugging Face folder, and this model is a GGUF "
            "file: serve the model's folder, or give the adapter as GGUF"
        )
    from inferno.models.huggingface.adapter import prepare_adapter

    return str(prepare_adapter(place, source.folder, cache_bytes=cache_bytes))


class AdapterShelf:
    """What may be loaded while the server runs: entries of one folder, by their names."""

    def __init__(self, engine: TakesAdapters, source: ModelSource, folder: Path, *, cache_bytes: int) -> None:
        """Raises ConfigError when ``folder`` is none."""
        if not folder.is_dir():
            raise ConfigError("the adapter folder (--adapter-folder) is not a folder")
        self._engine = engine
        self._source = source
        self._folder = folder.resolve()
        self._cache_bytes = cache_bytes

    async def load(self, name: str, entry: str) -> None:
        """``entry`` is the name of something in the folder. Raises InvalidArgument, NotFound, Unsupported."""
        if not re.fullmatch(AdapterName.PATTERN, name):
            raise InvalidArgument(
                f"lora_name is {name[:_LONGEST_SHOWN]!r}; it must be {AdapterName.IN_WORDS}", param="lora_name"
            )
        if name in self._engine.adapters:
            raise InvalidArgument(f"the adapter {name!r} is loaded already; unload it first", param="lora_name")
        try:
            await load_adapter(
                self._engine, name, str(self._inside(entry)), self._source, cache_bytes=self._cache_bytes
            )
        except DataCorrupted as error:  # the file is at fault, and whoever named it can be told why
            raise InvalidArgument(error.message, param="lora_path") from None

    async def unload(self, name: str) -> None:
        """Raises NotFound."""
        await self._engine.unload_adapter(name)
        _LOG.info("the adapter %s is unloaded", name)

    def _inside(self, entry: str) -> Path:
        """Refuses what leads elsewhere: parts of a path, and links."""
        shown = entry[:_LONGEST_SHOWN]
        if entry in ("", ".", "..") or any(sign in entry for sign in "/\\\0:"):
            raise InvalidArgument(
                f"lora_path is {shown!r}; it must be the name of an entry of the adapter folder", param="lora_path"
            )
        place = self._folder / entry
        try:
            inside = place.resolve(strict=True).parent == self._folder
        except OSError:
            inside = False
        if not inside:
            raise NotFound(f"the adapter folder has no {shown!r}", param="lora_path")
        return place
