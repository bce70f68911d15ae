"""What a model is asked for: a prompt's tokens, and how to go on from them.

The nouns are the engine's own; the wire types of HTTP are in ``server/wire``. Those that are made for every request are
msgspec's structs, which take a tenth of a frozen dataclass to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from inferno import _core

Message = Mapping[str, Any]
"""One chat message: ``role`` (str), ``content`` (str, or a list of ``{"type": "text", "text": str}`` and
``{"type": "media", "media": Image | Sound}``), and whatever else the template reads."""


class SamplingOptions(msgspec.Struct, frozen=True):
    """How tokens are chosen. ``None`` means the engine's default, which is written once, in ``sampling_params.h``.

    Ranges are checked by the engine, which raises :class:`~inferno.errors.InvalidArgument` naming the field.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    top_n_sigma: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    penalty_last_n: int | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_last_n: int | None = None
    dry_sequence_breakers: tuple[str, ...] | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    mirostat: bool | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    logit_bias: Mapping[int, float] | None = None
    seed: int | None = None
    """``None`` draws a fresh seed for each request."""
    logprobs: int | None = None
    """``None``: no logprobs. k: of each token, with the k most probable alternatives (0..20)."""
    prompt_logprobs: int | None = None
    """The same of the prompt's tokens, all but the first. The whole prompt is then computed, whatever is cached."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What an answer must satisfy, byte for byte. ``text`` is, by ``kind``:

    ``json_object``: empty; ``json_schema``: a JSON schema; ``regex``: a regular expression of the whole answer, in the
    syntax of Rust's regex crate; ``choice``: a JSON array of the strings that are allowed; ``lark``: a grammar in
    llguidance's variant of Lark (``%json``, ``%regex``, special tokens as ``<|name|>``); ``gbnf``: one in llama.cpp's.
    """

    kind: Literal["json_object", "json_schema", "regex", "choice", "lark", "gbnf"]
    text: str
    param: str = field(default="grammar", compare=False)
    """The field that it came by, for what refuses it."""


@dataclass(frozen=True, slots=True)
class PlacedMedia:
    """What a media encoder made of a picture or sound, or of a part of one, and where it stands in the prompt: from
    ``first`` on, ``rows.count`` tokens of the id ``rows.id``."""

    first: int
    rows: _core.MediaRows
    sound: bool = False
    """Else it is a picture."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place between two texts, which a model is to fill. ``files`` are names and texts of others that may help it."""

    before: str
    after: str
    files: tuple[tuple[str, str], ...] = ()
    param: str = "suffix"
    """The field that asks for it, for what refuses it."""


@dataclass(frozen=True, slots=True)
class ThoughtLimit:
    """How many tokens a model may think before it answers: then the token that closes the thought is chosen for it.
    ``None``: as many as it likes, or until :meth:`RequestStream.end_thought`."""

    tokens: int | None
    close: int
    open: int | None = None
    """Begins the thought, where the model writes it; ``None``: only the prompt can."""
    begun: bool = False
    """The prompt ends within the thought."""


class GenerateRequest(msgspec.Struct, frozen=True):
    """What to continue, and how. ``prompt`` is token ids (see :meth:`EngineClient.encode_chat` and ``encode``)."""

    prompt: Sequence[int]
    sampling: SamplingOptions = SamplingOptions()
    n: int = 1
    max_tokens: int | None = None
    """Per choice; ``None`` means to the end of the context, 0 that the prompt is computed and nothing generated."""
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    shown_tokens: tuple[int, ...] = ()
    """Special tokens that come out as the text that stands for them; the others have none."""
    include_stop_str_in_output: bool = False
    priority: int = 0
    """Lower is served first."""
    timeout: float | None = None
    """Seconds from arrival: what has not ended by then fails with DeadlineExceeded, at the next step."""
    tenant: str = ""
    """Owner of the prefix cache entries: prompts are never shared across tenants."""
    grammar: Grammar | None = None
    """``None``: whatever the model likes. Else the answer satisfies it, or ends with ``length``."""
    media: tuple[PlacedMedia, ...] = ()
    """Pictures and sounds in the prompt, in its order."""
    prediction: Sequence[int] = ()
    """Tokens that the answer may turn out to be: what comes true of them is computed faster. They change no text."""
    thought: ThoughtLimit | None = None
    adapter: str | None = None
    """One of :attr:`EngineClient.adapters`; ``None`` is the model as it is."""
