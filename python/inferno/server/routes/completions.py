"""``POST /v1/completions``."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.client import EngineClient
from inferno.engine.request import Gap
from inferno.server.exchange import Exchange
from inferno.server.generation import Generation, unused_fields_header
from inferno.server.merge import generate_all
from inferno.server.operation import Operation
from inferno.server.responding import respond
from inferno.server.services import exchange_of, services_of
from inferno.server.tally import Tally
from inferno.server.wire import completions
from inferno.server.wire.completion_answer import Completion, CompletionAnswer, Echo
from inferno.server.wire.decode import decode
from inferno.server.wire.envelope import new_envelope
from inferno.server.wire.inputs import Prompt

PATH = "/v1/completions"


async def create_completion(request: Request) -> Response:
    with exchange_of(request, PATH) as exchange:
        ask = decode(await request.body(), completions.DECODER)
        completions.check(ask)
        generation = await _submit(request, ask, exchange)
        headers = unused_fields_header(ask.unused)
        return await respond(generation, request, streamed=ask.streamed, headers=headers)


async def _submit(request: Request, ask: completions.CompletionRequest, exchange: Exchange) -> Generation:
    """Raises what refuses the request: after this, every prompt of it runs."""
    registry = services_of(request).registry
    name = registry.default if ask.model is None else ask.model
    client = registry.get(name)
    exchange.names(name, client.card)
    prompts = completions.prompts(ask)
    tenant = request.state.tenant
    encoded = [await _tokens(client, prompt, ask.suffix) for prompt in prompts]
    answer = CompletionAnswer(
        new_envelope("cmpl", name, client.card),
        usage_streamed=ask.usage_streamed,
        candidates=ask.candidates,
        told=ask.choices,
        with_logprobs=ask.logprobs is not None,
        echoes=await _echoes(client, prompts, encoded, scored=ask.scored_echo) if ask.echo else [],
    )
    stream = await generate_all(
        client, [completions.to_generate_request(ask, tokens, tenant=tenant) for tokens in encoded]
    )
    return Generation(
        stream=stream,
        answer=answer,
        tally=Tally(prompts=len(prompts), choices_per_prompt=ask.candidates),
        exchange=exchange,
        stopped=request.state.stopped,
        with_logprobs=ask.logprobs is not None or ask.candidates > ask.choices,
    )


async def _tokens(client: EngineClient, prompt: Prompt, suffix: str | None) -> list[int]:
    if suffix:
        return await client.encode_infill(Gap(completions.infill_prefix(prompt), suffix))
    return await client.encode(prompt) if isinstance(prompt, str) else prompt


async def _echoes(
    client: EngineClient, prompts: Sequence[Prompt], encoded: Sequence[list[int]], *, scored: bool
) -> list[Echo]:
    return [
        Echo(
            prompt if isinstance(prompt, str) else await client.decode(prompt),
            await client.token_bytes(tokens) if scored else (),
        )
        for prompt, tokens in zip(prompts, encoded, strict=True)
    ]


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=create_completion,
        tag="Completions",
        summary="Continue texts",
        body=completions.CompletionRequest,
        answer=Completion,
        chunk=Completion,
        example={"prompt": "Once upon a time", "max_tokens": 32, "stream": True},
        generates=True,
    ),
)
