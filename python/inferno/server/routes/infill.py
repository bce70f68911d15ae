"""``POST /infill``, as llama-server has it: what stands between two texts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from inferno.server.exchange import Exchange
from inferno.server.generation import Generation, unused_fields_header
from inferno.server.operation import Operation
from inferno.server.responding import respond
from inferno.server.services import exchange_of, services_of
from inferno.server.tally import Tally
from inferno.server.wire import infill as wire
from inferno.server.wire.decode import decode
from inferno.server.wire.infill_answer import EVENTS, Filling, InfillAnswer

PATH = "/infill"


async def fill_gap(request: Request) -> Response:
    with exchange_of(request, PATH) as exchange:
        ask = decode(await request.body(), wire.DECODER)
        wire.check(ask)
        generation = await _submit(request, ask, exchange)
        headers = unused_fields_header(ask.unused)
        return await respond(generation, request, streamed=bool(ask.stream), headers=headers)


async def _submit(request: Request, ask: wire.InfillRequest, exchange: Exchange) -> Generation:
    """Raises what refuses the request: after this, it runs."""
    registry = services_of(request).registry
    name = registry.default if ask.model is None else ask.model
    client = registry.get(name)
    exchange.names(name, client.card)
    prompt = await client.encode_infill(wire.gap(ask))
    stream = await client.generate(wire.to_generate_request(ask, prompt, tenant=request.state.tenant))
    return Generation(
        stream=stream,
        answer=InfillAnswer(name),
        tally=Tally(prompts=1, choices_per_prompt=1),
        exchange=exchange,
        stopped=request.state.stopped,
        with_logprobs=False,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=fill_gap,
        tag="Completions",
        summary="Fill the gap between two texts, as llama-server does",
        body=wire.InfillRequest,
        answer=Filling,
        chunk=Filling,
        framing=EVENTS,
        example={"input_prefix": "def add(a, b):\n", "input_suffix": "\n", "n_predict": 16},
        generates=True,
    ),
)
