"""Plain requests and overrides -> fields of the native module's structs. The engine checks ranges, not this module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import astuple

from inferno.engine.embedding import EmbedRequest
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import InvalidArgument
from inferno.security.randomness import unguessable

if TYPE_CHECKING:
    from inferno import _core

_Struct = TypeVar("_Struct")

_FILLED_APART = frozenset({"dry_sequence_breakers", "logit_bias", "seed"})
_SEED_BITS = 64
_NO_TOKEN = -1
_NO_LIMIT = (1 << 31) - 1


def fill_request(native: _core.Request, request: GenerateRequest, *, encode: Callable[[str], list[int]]) -> None:
    """``encode`` gives the token ids of plain text without BOS. Raises InvalidArgument naming the field."""
    _set(native, "prompt", list(request.prompt))
    if request.media:
        native.media = [(medium.first, medium.rows) for medium in request.media]
    _fill_sampling(native.sampling, request.sampling, encode)
    _set(native, "n", request.n)
    if request.max_tokens is not None:
        if request.max_tokens < 0:
            raise InvalidArgument(f"max_tokens is {request.max_tokens}; it must be 0 or more", param="max_tokens")
        _set(native, "max_tokens", request.max_tokens)
        native.prompt_only = request.max_tokens == 0
    # What is empty is so from the start, and each field costs its time.
    if request.stop:
        _set(native, "stop", list(request.stop))
    if request.stop_token_ids:
        _set(native, "stop_tokens", list(request.stop_token_ids), param="stop_token_ids")
    if request.shown_tokens:
        _set(native, "shown_tokens", list(request.shown_tokens))
    native.ignore_eos = request.ignore_eos
    native.keep_stop_text = request.include_stop_str_in_output
    _set(native, "priority", request.priority)
    if request.timeout is not None:
        if not request.timeout > 0:
            raise InvalidArgument(f"timeout is {request.timeout}; it must be above 0 seconds", param="timeout")
        _set(native, "timeout", request.timeout)
    if request.prediction:
        _set(native, "prediction", list(request.prediction))
    if (limit := request.thought) is not None:
        opens = _NO_TOKEN if limit.open is None else limit.open
        tokens = _NO_LIMIT if limit.tokens is None else limit.tokens
        _set(native, "thought", (opens, limit.close, limit.begun, tokens), param="thinking_budget")
    native.tenant = request.tenant


def fill_embed_request(native: _core.EmbedRequest, request: EmbedRequest, *, normalize: bool) -> None:
    """A vector that is cut has another length, so that it is always scaled. Raises InvalidArgument naming the field."""
    if request.dimensions is not None:
        if request.dimensions < 1:
            raise InvalidArgument(f"dimensions is {request.dimensions}; it must be at least 1", param="dimensions")
        _set(native, "dimensions", request.dimensions)
    native.normalize = normalize or request.dimensions is not None
    _set(native, "texts", [list(text) for text in request.texts], param="input")
    _set(native, "seconds", list(request.seconds))
    _set(native, "priority", request.priority)
    native.tenant = request.tenant


def _fill_sampling(native: _core.SamplingParams, options: SamplingOptions, encode: Callable[[str], list[int]]) -> None:
    for name, value in zip(options.__struct_fields__, astuple(options), strict=True):
        if value is not None and name not in _FILLED_APART:
            _set(native, name, value)
    if options.dry_sequence_breakers is not None:
        breakers = [encode(text) for text in options.dry_sequence_breakers]
        _set(native, "dry_breakers", breakers, param="dry_sequence_breakers")
    if options.logit_bias is not None:
        _set(native, "logit_bias", list(options.logit_bias.items()))
    # Every whole number is a seed, negative ones too.
    seed = (int.from_bytes(unguessable(), "little") if options.seed is None else options.seed) % 2**_SEED_BITS
    _set(native, "seed", seed)


def checked_ids(token_ids: Sequence[int], param: str = "tokens") -> Sequence[int]:
    """The native module takes ids of 32 bits, and knows better which of those exist."""
    for token_id in token_ids:
        if not 0 <= token_id < 2**31:
            raise InvalidArgument(f"token id {token_id} is unknown; ids are 0 to {2**31 - 1}", param=param)
    return token_ids


def overridden(struct: _Struct, overrides: Mapping[str, Any]) -> _Struct:
    """``struct`` with ``overrides`` set on it; None values are left out. Raises InvalidArgument naming the field."""
    for name, value in overrides.items():
        if not hasattr(struct, name):
            known = ", ".join(field for field in dir(struct) if not field.startswith("_"))
            raise InvalidArgument(f"unknown option '{name}'; known: {known}", param=name)
        if value is not None:
            _set(struct, name, value)
    return struct


def _set(struct: object, name: str, value: Any, *, param: str | None = None) -> None:
    # The native fields have types of fixed width, and refuse what does not fit with a TypeError that lists signatures.
    try:
        setattr(struct, name, value)
    except (TypeError, OverflowError):
        shown = repr(value) if isinstance(value, int | float) else f"a {type(value).__name__}"
        field = param or name
        raise InvalidArgument(f"{field} cannot be {shown}: of the wrong type or too large", param=field) from None
