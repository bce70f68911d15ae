"""From a resolved model to the file that the engine opens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inferno.errors import Cancelled, DataCorrupted
from inferno.models import opening
from inferno.models.huggingface import cache
from inferno.models.model_source import ModelSource
from inferno.models.opening import extras_of, ready
from inferno.models.source import resolve
from models.huggingface.comparison import hf_folders


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSource:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hf_folders.write_case("qwen3", tmp_path / "tiny-qwen")
    return resolve(str(tmp_path / "tiny-qwen"))


def break_tokenizer(source: ModelSource) -> None:
    (Path(source.path) / "tokenizer.json").write_text("{")


async def test_a_gguf_file_is_opened_as_it_is() -> None:
    assert await ready(resolve()) == resolve().path
    assert extras_of(resolve()) is None


async def test_a_folder_is_prepared_and_brings_its_tokenizer(source: ModelSource) -> None:
    path = Path(await ready(source))
    assert path.name.startswith("tiny-qwen-own-")
    assert path in [prepared.path for prepared in cache.listing()]
    extras = extras_of(source)
    assert extras is not None
    assert extras().encoder is not None


async def test_errors_name_the_folder(source: ModelSource) -> None:
    break_tokenizer(source)
    with pytest.raises(DataCorrupted, match="^tiny-qwen: tokenizer.json is not valid JSON"):
        await ready(source)


async def test_cancelled_it_gives_preparing_up(source: ModelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, given_up = threading.Event(), threading.Event()

    def endless(folder: Any, *, progress: Callable[[float], bool], **_: Any) -> Path:
        begun.set()
        while progress(0.5):
            pass
        given_up.set()
        raise Cancelled("given up")

    monkeypatch.setattr(opening, "prepare", endless)
    preparing = asyncio.create_task(ready(source))
    await asyncio.to_thread(begun.wait, 30)
    preparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    assert given_up.is_set()
