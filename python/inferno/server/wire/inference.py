"""The Open Inference Protocol's requests and answers, JSON with or without binary tensors behind it. Pure.

Source of the format: https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md), and
the binary tensor data extension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from inferno.engine.inference import GraphSignature, InferRequest, InferResult, Tensor, TensorSignature
from inferno.errors import InvalidArgument
from inferno.server.refusals import UnknownParameter
from inferno.server.wire.decode import decode
from inferno.server.wire.envelope import ENCODER
from inferno.server.wire.errors import Failure
from inferno.server.wire.tensors import from_binary, from_json, to_binary, to_json

HEADER_LENGTH = "inference-header-content-length"
LONGEST_LENGTH = 20
"""Digits of any number of bytes."""
VERSION = "1"
Extent = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Parameters = dict[str, Any]


class V2Error(msgspec.Struct, frozen=True):
    error: str


class ServerBody(msgspec.Struct, frozen=True):
    name: str
    version: str
    extensions: list[str]


class LiveBody(msgspec.Struct, frozen=True):
    live: bool


class ReadyBody(msgspec.Struct, frozen=True):
    ready: bool


class ModelReadyBody(msgspec.Struct, frozen=True):
    name: str
    ready: bool


class TensorBody(msgspec.Struct, frozen=True):
    name: str
    datatype: str
    shape: list[int]
    """-1 where any extent will do."""


class GraphBody(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorBody]
    outputs: list[TensorBody]


class InferInput(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``data`` is flat or nested; with the parameter ``binary_data_size`` it stands behind the JSON instead."""

    name: str
    shape: Annotated[list[Extent], Meta(max_length=64)]
    datatype: str
    parameters: Parameters = {}
    data: list[Any] | None = None


class InferOutput(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    parameters: Parameters = {}


class InferBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    inputs: Annotated[list[InferInput], Meta(max_length=1024)]
    id: str | None = None
    parameters: Parameters = {}
    outputs: Annotated[list[InferOutput], Meta(max_length=1024)] | None = None


class InferredTensor(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    shape: list[int]
    datatype: str
    parameters: Parameters | UnsetType = UNSET
    data: list[Any] | UnsetType = UNSET


class InferAnswer(msgspec.Struct, frozen=True, kw_only=True):
    model_name: str
    model_version: str
    id: str | UnsetType = UNSET
    outputs: list[InferredTensor]


DECODER = msgspec.json.Decoder(InferBody)


def v2_error(failure: Failure) -> bytes:
    """How the protocol writes what refuses a request."""
    return ENCODER.encode(V2Error(failure.message))


def graph_body(name: str, backend: str, graph: GraphSignature) -> GraphBody:
    def bodies(tensors: Sequence[TensorSignature]) -> list[TensorBody]:
        return [TensorBody(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in tensors]

    return GraphBody(
        name=name, versions=[VERSION], platform=backend, inputs=bodies(graph.inputs), outputs=bodies(graph.outputs)
    )


def read(body: bytes, header_length: str | None) -> tuple[InferBody, memoryview]:
    """The JSON and what stands behind it. Raises InvalidArgument."""
    if header_length is None:
        return decode(body, DECODER), memoryview(b"")
    # Python converts no number of thousands of digits.
    if not header_length.isdecimal() or len(header_length) > LONGEST_LENGTH or int(header_length) > len(body):
        raise InvalidArgument(
            f"the header {HEADER_LENGTH} is {header_length[:20]!r}; it must be a number of bytes within the body's"
            f" {len(body)}"
        )
    return decode(body[: int(header_length)], DECODER), memoryview(body)[int(header_length) :]


def to_infer_request(ask: InferBody, binary: memoryview) -> InferRequest:
    """Raises InvalidArgument for data that is not what it says, UnknownParameter."""
    _known(ask.parameters, ("binary_data_output",), "parameters")
    inputs: list[Tensor] = []
    for given in ask.inputs:
        _known(given.parameters, ("binary_data_size",), "inputs.parameters")
        size = given.parameters.get("binary_data_size")
        if (size is None) == (given.data is None):
            raise InvalidArgument(
                f"input '{given.name}' has both data and binary_data_size, or neither; expected one", param="inputs"
            )
        if size is None:
            inputs.append(from_json(given.name, given.datatype, given.shape, given.data or []))
            continue
        if not isinstance(size, int) or not 0 <= size <= len(binary):
            raise InvalidArgument(
                f"input '{given.name}' has {len(binary)} bytes of binary data left, and claims {size}", param="inputs"
            )
        inputs.append(from_binary(given.name, given.datatype, given.shape, binary[:size]))
        binary = binary[size:]
    if len(binary):
        raise InvalidArgument(f"{len(binary)} bytes of binary data belong to no input", param="inputs")
    for output in ask.outputs or []:
        _known(output.parameters, ("binary_data",), "outputs.parameters")
    return InferRequest(inputs, [output.name for output in ask.outputs or []])


def answer(ask: InferBody, result: InferResult, model: str) -> tuple[list[bytes | memoryview], int | None]:
    """The body in pieces, and the length of its JSON where binary data stands behind that."""
    by_default = ask.parameters.get("binary_data_output") is True
    wanted = {output.name: output.parameters.get("binary_data", by_default) is True for output in ask.outputs or []}
    pieces: list[bytes | memoryview] = []
    outputs = []
    for tensor in result.outputs:
        parameters: Parameters | UnsetType = UNSET
        data: list[Any] | UnsetType = UNSET
        if wanted.get(tensor.name, by_default):
            piece = to_binary(tensor)
            pieces.append(piece)
            parameters = {"binary_data_size": memoryview(piece).nbytes}
        else:
            data = to_json(tensor)
        shape = list(tensor.shape)
        outputs.append(
            InferredTensor(name=tensor.name, shape=shape, datatype=tensor.datatype, parameters=parameters, data=data)
        )
    head = ENCODER.encode(
        InferAnswer(model_name=model, model_version=VERSION, id=UNSET if ask.id is None else ask.id, outputs=outputs)
    )
    return [head, *pieces], len(head) if pieces else None


def _known(parameters: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in parameters:
        if name not in known:
            raise UnknownParameter(
                f"unknown parameter '{where}.{name[:64]}'; known: {', '.join(known)}", param=f"{where}.{name[:64]}"
            )
