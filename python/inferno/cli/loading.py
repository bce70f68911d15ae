"""Loading a model from the command line: progress for people, a clean end for Ctrl-C and SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import typer

from inferno.errors import ConfigError

if TYPE_CHECKING:
    from inferno.config import Config
    from inferno.engine.graph import GraphEngine
    from inferno.engine.local import LocalEngine
    from inferno.models.model_source import ModelSource


def load_engine(
    source: ModelSource, config: Config, meanwhile: Callable[[], None] = lambda: None
) -> LocalEngine | GraphEngine:
    """Block until the model is loaded. SIGTERM meanwhile ends the process with 0, as it does later.

    ``meanwhile`` imports what is needed later anyway: while a folder is prepared there is time for it.
    """
    try:
        return asyncio.run(load(source, config, meanwhile))
    except asyncio.CancelledError:
        raise typer.Exit(0) from None


async def load(source: ModelSource, config: Config, meanwhile: Callable[[], None]) -> LocalEngine | GraphEngine:
    """Load with the settings' overrides, and tuned ones below them, showing progress on stderr.

    Raises what ``ready`` and LocalEngine.load raise.
    """
    from inferno.models.onnx.encoders import reads_texts
    from inferno.models.opening import extras_of

    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    draft = config.model.draft
    with suppress(NotImplementedError):  # Windows has no signal handlers on the loop
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    if source.chosen is not None:
        sys.stderr.write(f"{source.chosen}\n")
    try:
        if source.graph is not None and not reads_texts(source.graph):
            return await _load_graph(source, config)
        extras = extras_of(source, generation_config=config.model.generation_config == "folder")
        preparing = asyncio.create_task(_prepare(source, config))
        await asyncio.sleep(0)  # it begins: the rest is imported beside it
        from inferno.engine.local import LocalEngine
        from inferno.models.adapters import load_adapter
        from inferno.models.opening import ready_draft
        from inferno.tuning.finding import apply_tuned

        meanwhile()
        path = await preparing
        tuned = await asyncio.to_thread(apply_tuned, config, path)
        if tuned.said:
            sys.stderr.write(f"{tuned.said}\n")
        config = tuned.config
        with _progress(source, "Loading") as progress:
            engine = await LocalEngine.load(
                path,
                name=config.model.name or source.name,
                backend=source.backend,
                options={**config.model.loading(), "backend_options": source.backend_options},
                engine=config.engine.model_dump(),
                extras=extras,
                draft=None if draft is None else await ready_draft(draft, cache_bytes=config.store.prepared_bytes),
                media_encoder=source.media_encoder,
                tool_format=config.model.tool_format,
                prefix_store=config.store.prefixes,
                prefix_store_bytes=config.store.prefixes_bytes,
                progress=progress,
            )
        try:
            for name, place in config.model.adapters.items():
                await load_adapter(engine, name, place, source, cache_bytes=config.store.prepared_bytes)
        except BaseException:
            await engine.aclose()
            raise
        return engine
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGTERM)


async def _prepare(source: ModelSource, config: Config) -> str:
    from inferno.models.opening import ready

    with _progress(source, "Preparing" if source.folder is not None else None) as progress:
        return await ready(source, progress, cache_bytes=config.store.prepared_bytes)


async def _load_graph(source: ModelSource, config: Config) -> GraphEngine:
    """Raises ConfigError for settings that are about texts, and what GraphEngine.load raises."""
    from inferno.engine.graph import GraphEngine

    about_text = {
        "model.draft": config.model.draft,
        "model.adapters": config.model.adapters,
        "model.adapter_folder": config.model.adapter_folder,
        "model.tool_format": config.model.tool_format,
        "store.prefixes": config.store.prefixes,
    }
    if unfit := [name for name, value in about_text.items() if value]:
        raise ConfigError(f"{source.name} is a graph: tensors go in and come out, and {unfit[0]} has no meaning for it")
    with _progress(source, "Loading"):
        return await GraphEngine.load(
            source.path,
            name=config.model.name or source.name,
            backend=source.backend,
            options={**config.model.loading(), "backend_options": source.backend_options},
            engine=config.engine.model_dump(),
        )


@contextmanager
def _progress(source: ModelSource, verb: str | None) -> Iterator[Callable[[float], None] | None]:
    what = source.name if source.size_bytes is None else f"{source.name} ({source.size_bytes / 1e6:.1f} MB)"
    if verb is None:
        yield None
        return
    if not sys.stderr.isatty():
        sys.stderr.write(f"{verb} {what}\n")
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(verb + " {task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda done: bar.update(task, completed=done)
