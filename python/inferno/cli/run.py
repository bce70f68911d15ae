"""``inferno run``: one prompt, answered on the terminal as it is written."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from inferno.cli import flags
from inferno.errors import InvalidArgument

if TYPE_CHECKING:
    from inferno.engine.graph import GraphEngine
    from inferno.engine.local import LocalEngine
    from inferno.engine.request import GenerateRequest

_EXAMPLES = """
[bold]Examples[/bold]

  inferno run -p "What is 12 plus 30?"                     the built-in model

  inferno run model.gguf -p "Why is the sky blue?" --system "Answer in one sentence."

  inferno run model.gguf < question.txt

  inferno run model.gguf -p "def fibonacci(n):" --raw --max-tokens 100 --temperature 0
"""


def run(
    model: flags.Model = None,
    *,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", help="Text to answer or to continue; by default read from standard input."),
    ] = None,
    system: Annotated[str | None, typer.Option(help="System message that goes before the prompt.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Continue the prompt as it is, with no chat template.")] = False,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens to write; by default all that fit.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0 always takes the most probable token.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same text.")] = None,
    config: flags.ConfigFile = None,
    log_level: flags.LogLevel = None,
    backend: flags.Backend = None,
    quantize: flags.Quantize = None,
    context: flags.Context = None,
    threads: flags.Threads = None,
    gpu_layers: flags.GpuLayers = None,
    kv_type: flags.KvType = None,
    flash_attention: flags.FlashAttention = None,
    backend_option: flags.BackendOption = None,
    deterministic: flags.Deterministic = None,
    mmap: flags.Mmap = None,
    generation_config: flags.GenerationConfig = None,
    tuned: flags.Tuned = None,
) -> None:
    parameters = dict(locals())
    from inferno.cli.loading import load_engine
    from inferno.cli.logs import configure_logging
    from inferno.config import load
    from inferno.models.source import resolve_settings

    if raw and system is not None:
        raise InvalidArgument("--system needs the chat template, which --raw leaves out", param="system")
    prompt = _piped() if prompt is None else prompt
    settings = load(flags=flags.given(parameters), file=config)
    source = resolve_settings(settings.model)
    configure_logging(settings.server.log_level)
    engine = load_engine(source, settings)
    asyncio.run(_answer(engine, prompt, system, raw=raw, max_tokens=max_tokens, temperature=temperature, seed=seed))


def _piped() -> str:
    """Raises InvalidArgument where nothing is piped in."""
    text = "" if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")
    if not text:
        raise InvalidArgument("there is no prompt: give --prompt, or pipe it in", param="prompt")
    return text


run.__doc__ = "Answer one prompt on the terminal, without a server.\n" + _EXAMPLES


async def _answer(
    engine: LocalEngine | GraphEngine,
    prompt: str,
    system: str | None,
    *,
    raw: bool,
    max_tokens: int | None,
    temperature: float | None,
    seed: int | None,
) -> None:
    from inferno.engine.request import GenerateRequest, SamplingOptions

    if raw or not engine.card.has_chat_template:
        tokens = await engine.encode(prompt)
    else:
        before = [] if system is None else [{"role": "system", "content": system}]
        tokens = await engine.encode_chat([*before, {"role": "user", "content": prompt}])
    sampling = SamplingOptions(temperature=temperature, seed=seed)
    try:
        await _print(engine, GenerateRequest(tokens, sampling, max_tokens=max_tokens))
    finally:
        await engine.aclose()


async def _print(engine: LocalEngine | GraphEngine, request: GenerateRequest) -> None:
    stream = await engine.generate(request)
    try:
        async for delta in stream:
            typer.echo(delta.text, nl=False)
    finally:
        await stream.aclose()
        typer.echo()
