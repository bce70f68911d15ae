"""``POST /v1/load_lora_adapter`` and ``/v1/unload_lora_adapter``, as vLLM has them. Off without a folder for them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from inferno.models.adapters import AdapterShelf
from inferno.server.operation import Operation
from inferno.server.refusals import SwitchedOff
from inferno.server.services import services_of
from inferno.server.wire import adapters as wire
from inferno.server.wire.decode import decode

LOAD_PATH = "/v1/load_lora_adapter"
UNLOAD_PATH = "/v1/unload_lora_adapter"


async def load(request: Request) -> Response:
    shelf = _shelf(request)
    ask = decode(await request.body(), wire.LOAD_DECODER)
    await shelf.load(ask.lora_name, ask.lora_path)
    return PlainTextResponse(f"Success: LoRA adapter '{ask.lora_name}' added successfully.")


async def unload(request: Request) -> Response:
    shelf = _shelf(request)
    ask = decode(await request.body(), wire.UNLOAD_DECODER)
    await shelf.unload(ask.lora_name)
    return PlainTextResponse(f"Success: LoRA adapter '{ask.lora_name}' removed successfully.")


def _shelf(request: Request) -> AdapterShelf:
    shelf = services_of(request).adapters
    if shelf is None:
        raise SwitchedOff("adapters are not loaded over the network: start the server with --adapter-folder FOLDER")
    return shelf


OPERATIONS = (
    Operation(
        method="POST",
        path=LOAD_PATH,
        endpoint=load,
        tag="Models",
        summary="Load a LoRA adapter",
        body=wire.LoadAdapter,
        media="text/plain",
    ),
    Operation(
        method="POST",
        path=UNLOAD_PATH,
        endpoint=unload,
        tag="Models",
        summary="Unload a LoRA adapter",
        body=wire.UnloadAdapter,
        media="text/plain",
    ),
)
