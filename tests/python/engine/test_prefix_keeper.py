"""An engine with a prefix store: a restart goes on where the last process ended, and wrong files change no text."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inferno.engine.core import _core
from inferno.engine.local import LocalEngine
from inferno.engine.prefix_store import PrefixStore
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import ConfigError
from server.harness import until

PROMPT = [65 + (at * 7 + at // 26) % 26 for at in range(300)]
REUSED = 288
"""Whole blocks of PROMPT, but for the last token, which is always computed."""


async def started(folder: Path, **options: Any) -> LocalEngine:
    engine = options.pop("engine", {})
    path = options.pop("path", "fake:")
    return await LocalEngine.load(path, options=options, engine=engine, prefix_store=str(folder / "store"))


async def say(engine: LocalEngine, prompt: list[int], tenant: str = "a") -> tuple[str, int]:
    """The text, and how many prompt tokens were reused."""
    sampling = SamplingOptions(temperature=0)
    stream = await engine.generate(GenerateRequest(prompt, sampling, max_tokens=16, ignore_eos=True, tenant=tenant))
    text, cached = "", 0
    async for delta in stream:
        text += delta.text
        cached = delta.usage.cached_tokens
    return text, cached


@pytest.fixture
async def left(tmp_path: Path) -> tuple[Path, str]:
    """A folder with what an engine kept of PROMPT, and what it said."""
    engine = await started(tmp_path)
    text, cached = await say(engine, PROMPT)
    assert cached == 0
    await engine.aclose()
    return tmp_path, text


def only_file(folder: Path) -> Path:
    (path,) = (folder / "store").glob("*/*.prefix")
    return path


async def test_a_restart_reuses_what_was_computed(left: tuple[Path, str]) -> None:
    folder, said = left
    engine = await started(folder)
    assert await say(engine, PROMPT) == (said, REUSED)
    stats = engine.stats()
    assert stats["prefix_tokens_from_store"] == REUSED
    assert stats["prefix_tokens_from_host"] == 0
    assert stats["prefix_store_files"] == 1
    await engine.aclose()
    assert engine.stats()["prefix_store_written"] == 0, "it is there already"


UNCLOSED = """
import sys, inferno
inferno.LLM("fake:", prefix_store=sys.argv[1]).generate("never closed " * 20, max_tokens=4)
"""


def test_a_program_that_closes_nothing_keeps_it_too_and_ends_quietly(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", UNCLOSED, tmp_path / "store"], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert only_file(tmp_path)


async def test_another_tenant_gets_nothing_of_it(left: tuple[Path, str]) -> None:
    folder, said = left
    engine = await started(folder)
    assert await say(engine, PROMPT, tenant="b") == (said, 0)
    assert engine.stats()["prefix_tokens_from_store"] == 0
    await engine.aclose()
    again = await started(folder)
    assert again.stats()["prefix_store_files"] == 2
    assert await say(again, PROMPT, tenant="b") == (said, REUSED)
    await again.aclose()


async def test_many_at_once_read_it_once(left: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, said = left
    reads: list[Path] = []
    read = PrefixStore.read
    monkeypatch.setattr(PrefixStore, "read", lambda store, path: reads.append(path) or read(store, path))
    engine = await started(folder)
    answers = await asyncio.gather(*(say(engine, PROMPT) for _ in range(8)))
    assert answers == [(said, REUSED)] * 8
    assert len(reads) == 1
    await say(engine, PROMPT)
    assert len(reads) == 1, "host memory has it"
    await engine.aclose()


async def on_disk(engine: LocalEngine, prefixes: int) -> None:
    """Waits until so many were written."""
    await until(lambda: engine.stats()["prefix_store_written"] >= prefixes)


async def test_what_host_memory_gives_up_is_written_while_running(tmp_path: Path) -> None:
    """It holds three, and keeps the room of one free: what comes is saved while the disk still writes the last."""
    sizes = {"host_cache_bytes": 20_000, "kept_tokens": 256, "speculate": "off"}
    engine = await started(tmp_path, engine=sizes)
    said = {}
    for letter in range(8):
        said[letter] = await say(engine, [letter, *PROMPT])
        await on_disk(engine, engine.stats()["host_cache_evictions"])
    assert engine.stats()["host_cache_refused"] == 0
    assert engine.stats()["host_cache_evictions"] >= 8 - 3
    await engine.aclose()
    again = await started(tmp_path)
    assert again.stats()["prefix_store_files"] == 8
    for letter in range(8):
        assert await say(again, [letter, *PROMPT]) == (said[letter][0], REUSED)
    await again.aclose()


async def test_host_memory_is_whole_again_after_more_came_than_the_disk_could_write(tmp_path: Path) -> None:
    """Texts are right whatever was lost, and the next prefix is saved as ever."""
    sizes = {"host_cache_bytes": 20_000, "kept_tokens": 256, "speculate": "off"}
    engine = await started(tmp_path, engine=sizes)
    prompts = [[letter, *PROMPT] for letter in range(8)]
    said = [text for text, _ in await asyncio.gather(*(say(engine, prompt) for prompt in prompts))]
    assert [(await say(engine, prompt))[0] for prompt in prompts] == said
    await engine.aclose()
    assert engine.stats()["host_cache_used_bytes"] == 0


def flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": flipped,
    "truncated": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "noise": lambda content: bytes(range(256)) * (len(content) // 256),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_file_that_does_not_check_is_computed_and_deleted(
    left: tuple[Path, str], change: Callable[[bytes], bytes]
) -> None:
    folder, said = left
    path = only_file(folder)
    path.write_bytes(change(path.read_bytes()))
    engine = await started(folder)
    assert await say(engine, PROMPT) == (said, 0)
    assert engine.stats()["prefix_store_rejected"] == 1
    assert not path.exists()
    await engine.aclose()
    assert only_file(folder), "written anew"


@pytest.mark.parametrize("options", [{"kv_layout": "per_sequence"}, {"path": "fake:vocab=1000"}])
async def test_another_form_of_cache_or_model_is_computed(left: tuple[Path, str], options: dict[str, Any]) -> None:
    folder, _ = left
    engine = await started(folder, **options)
    _, cached = await say(engine, PROMPT)
    # The test model's saved form is the same in both layouts.
    assert cached == (REUSED if "kv_layout" in options else 0)
    assert engine.stats()["prefix_store_rejected"] == 0
    await engine.aclose()


@pytest.mark.parametrize("changed", ["__version__", "__commit__", "saved_format"])
async def test_what_another_build_or_backend_wrote_is_computed(
    left: tuple[Path, str], changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = left
    if changed == "saved_format":
        told = _core.Model.capabilities.fget  # type: ignore[attr-defined]
        monkeypatch.setattr(_core.Model, "capabilities", property(lambda model: {**told(model), changed: "other"}))
    else:
        monkeypatch.setattr(_core, changed, "other")
    engine = await started(folder)
    assert await say(engine, PROMPT) == (said, 0)
    assert engine.stats()["prefix_store_rejected"] == 0
    await engine.aclose()


async def test_what_the_model_does_not_understand_is_computed_and_deleted(left: tuple[Path, str]) -> None:
    """The digests are right, the content is not: as if the backend's form had changed without its name."""
    folder, said = left
    path = only_file(folder)
    engine = await started(folder)
    assert engine._keeper is not None
    store = engine._keeper._store
    found = store.find("a", PROMPT)
    assert found is not None
    read = store.read(found.path)
    assert read is not None
    tokens, payload = read
    store.reject("a", tokens)
    store.write("a", tokens, memoryview(payload[:-16] + b"x" * 3))
    assert path.exists()
    assert await say(engine, PROMPT) == (said, 0)
    assert engine.stats()["host_cache_refused"] == 1
    assert engine.stats()["failed"] == 0
    await engine.aclose()
    assert engine.stats()["prefix_store_rejected"] == 2
    assert engine.stats()["prefix_store_files"] == 1, "written anew"


async def test_a_store_without_host_memory_is_refused(tmp_path: Path) -> None:
    for engine in ({"host_cache_bytes": 0}, {"prefix_cache": False}):
        with pytest.raises(ConfigError, match="leave --prefix-store out"):
            await started(tmp_path, engine=engine)


async def test_a_prefix_larger_than_host_memory_is_computed(left: tuple[Path, str]) -> None:
    folder, said = left
    engine = await started(folder, engine={"host_cache_bytes": 1000})
    assert await say(engine, PROMPT) == (said, 0)
    await engine.aclose()
