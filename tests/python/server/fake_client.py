"""An EngineClient in memory: a token is a character, and the answer to a prompt is the prompt read backwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inferno.engine.client import ModelCard
from inferno.engine.conversation import Conversation, Turn
from inferno.engine.delta import Delta, DeltaSink, Timings, TokenLogprob, Usage
from inferno.engine.dialects.reader import PlainReader
from inferno.engine.embedding import EmbedRequest, EmbedResult
from inferno.engine.inference import InferRequest, InferResult
from inferno.engine.request import Gap, GenerateRequest, Message
from inferno.engine.scoring import ScoreRequest, ScoreResult
from inferno.engine.text_frame import TextFrame
from inferno.errors import ContextLengthExceeded, InfernoError, InvalidArgument, QueueFull, Unsupported

CONTEXT_TOKENS = 400
INTER_TOKEN_BOUNDS = [0.01, 0.1]


class FakeStream:
    """All choices in turn, one character each. ``gate`` holds deltas back, ``failure`` replaces the rest."""

    def __init__(self, client: FakeClient, request: GenerateRequest) -> None:
        self._client = client
        self._request = request
        self.closed = asyncio.Event()
        self.thoughts_ended = 0

    def end_thought(self) -> bool:
        if not self._client.marks_thoughts:
            raise Unsupported("this model does not end its thoughts with a token of their own")
        self.thoughts_ended += 1
        return not self.closed.is_set()

    async def __aiter__(self) -> AsyncIterator[Delta]:
        for sent, delta in enumerate(deltas_of(self._request)):
            await self._client.gate.wait()
            if self._client.failure is not None and sent >= self._client.fail_after:
                raise self._client.failure
            self._client.count(delta)
            yield delta

    async def pour(self, sink: DeltaSink) -> None:
        async for delta in self:
            if not sink.take(delta):
                await sink.ready()

    def frame(self, index: int, frame: TextFrame, write: Callable[[bytes], bool]) -> None:
        """What it says goes on as deltas."""

    async def aclose(self) -> None:
        self.closed.set()


@dataclass
class FakeClient:
    """Set ``refusal`` to refuse, ``failure`` to fail after ``fail_after`` deltas, clear ``gate`` to delay."""

    name: str = "fake-model"
    refusal: Exception | None = None
    failure: Exception | None = None
    fail_after: int = 0
    healthy: bool = True
    fills: bool = True
    marks_thoughts: bool = True
    closed: bool = False
    requests: list[GenerateRequest] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)
    template_kwargs: Mapping[str, Any] | None = None
    generated: int = 0

    def __post_init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.submitted = asyncio.Event()
        self._inter_token_counts = [0, 0, 0]

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name=self.name,
            architecture="backwards",
            description="reads backwards",
            context_tokens=CONTEXT_TOKENS,
            vocab_size=0x110000,
            parameters=1,
            weight_bytes=7,
            device="cpu",
            backend="fake",
            has_chat_template=True,
            loaded_at=1_700_000_000,
        )

    @property
    def adapters(self) -> Mapping[str, int]:
        return {}

    async def encode_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> list[int]:
        self.template_kwargs = template_kwargs
        return await self.encode("".join(f"{message['content']}" for message in messages))

    async def render_chat(
        self, messages: Sequence[Message], *, template_kwargs: Mapping[str, Any] | None = None
    ) -> str:
        return "".join(f"<{message['role']}>{message['content']}" for message in messages)

    async def open_turn(self, conversation: Conversation) -> Turn:
        prompt = await self.encode_chat(conversation.messages, template_kwargs=conversation.template_kwargs)
        return Turn(prompt, PlainReader)

    async def encode(self, text: str, *, add_special: bool = True) -> list[int]:
        return ([1] if add_special and text.startswith("bos") else []) + [ord(character) for character in text]

    async def encode_infill(self, gap: Gap) -> list[int]:
        if not self.fills:
            raise Unsupported(f"this model was not trained to fill a gap; leave '{gap.param}' out", param=gap.param)
        files = "".join(f"[{name}:{text}]" for name, text in gap.files)
        return await self.encode(f"{files}<{gap.before}|{gap.after}>")

    async def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return [await self.encode(text) for text in texts]

    async def decode(self, token_ids: Sequence[int]) -> str:
        if any(token >= 0x110000 for token in token_ids):
            raise InvalidArgument(f"token {max(token_ids)} is not in the vocabulary", param="tokens")
        return "".join(map(chr, token_ids))

    async def token_bytes(self, token_ids: Sequence[int]) -> list[bytes]:
        return [chr(token).encode() for token in token_ids]

    async def generate(self, request: GenerateRequest) -> FakeStream:
        if self.refusal is not None:
            raise self.refusal
        if len(request.prompt) >= CONTEXT_TOKENS:
            raise ContextLengthExceeded(
                f"the prompt has {len(request.prompt)} tokens; the context holds {CONTEXT_TOKENS}", param="messages"
            )
        stream = FakeStream(self, request)
        self.requests.append(request)
        self.streams.append(stream)
        self.submitted.set()
        return stream

    async def infer(self, request: InferRequest) -> InferResult:
        raise Unsupported("this model generates text and does not compute graphs", param="model")

    async def score(self, request: ScoreRequest) -> ScoreResult:
        raise Unsupported("this model generates text and does not classify", param="model")

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        raise Unsupported("this model generates text and does not embed it", param="model")

    def count(self, delta: Delta) -> None:
        self.generated += len(delta.token_ids)
        self._inter_token_counts[1] += len(delta.token_ids)

    def stats(self) -> Mapping[str, Any]:
        running = sum(not stream.closed.is_set() for stream in self.streams)
        return {
            **dict.fromkeys(STATS, 0),
            "requests_running": running,
            "requests_waiting": 3,
            "kv_capacity_tokens": 200,
            "kv_leased_tokens": 50,
            "kv_used_tokens": 150,
            "prompt_tokens": sum(len(request.prompt) for request in self.requests),
            "generated_tokens": self.generated,
            "inter_token_bounds": INTER_TOKEN_BOUNDS,
            "inter_token_counts": list(self._inter_token_counts),
            "inter_token_sum": 0.5,
        }

    async def aclose(self) -> None:
        self.closed = True


STATS = [
    "requests_running",
    "requests_waiting",
    "waiting_tokens",
    "kv_capacity_tokens",
    "kv_used_tokens",
    "kv_leased_tokens",
    "kv_leases",
    "kv_kept_prefixes",
    "prefix_tokens_asked",
    "prefix_tokens_reused",
    "prefix_evictions",
    "host_cache_limit_bytes",
    "host_cache_used_bytes",
    "host_cache_prefixes",
    "host_cache_saved",
    "host_cache_evictions",
    "host_cache_refused",
    "prefix_tokens_from_host",
    "prefix_tokens_from_store",
    "prefix_store_limit_bytes",
    "prefix_store_used_bytes",
    "prefix_store_files",
    "prefix_store_written",
    "prefix_store_evicted",
    "prefix_store_rejected",
    "prefix_store_failed",
    "prompt_tokens",
    "prefill_tokens_computed",
    "generated_tokens",
    "embedded_texts",
    "embedded_tokens",
    "steps",
    "step_rows",
    "grammar_masks",
    "grammar_mask_seconds",
    "grammar_wait_seconds",
    "spec_drafted_tokens",
    "spec_accepted_tokens",
    "preemptions",
    "cancelled_waiting",
    "cancelled_prefill",
    "cancelled_decode",
    "expired",
    "max_running",
    "finished",
    "failed",
    "refused",
    "forward_seconds",
    "step_seconds",
]


def deltas_of(request: GenerateRequest) -> list[Delta]:
    """What the fake answers: choice i is the prompt backwards, and i marks of exclamation."""
    per_choice = [_choice(request, index) for index in range(request.n)]
    longest = max(len(deltas) for deltas in per_choice)
    return [deltas[step] for step in range(longest) for deltas in per_choice if step < len(deltas)]


def _choice(request: GenerateRequest, index: int) -> list[Delta]:
    text = "".join(map(chr, reversed(request.prompt))) + "!" * index
    reason = "stop"
    for stop in request.stop:
        text = text.split(stop)[0]
    if request.max_tokens is not None and len(text) > request.max_tokens:
        text, reason = text[: request.max_tokens], "length"
    logprobs = request.sampling.logprobs
    scores = request.sampling.prompt_logprobs
    scored = [Delta(index, "", prompt_logprobs=_logprobs(chr(token), scores)) for token in request.prompt[1:]]
    deltas = [Delta(index, one, (ord(one),), _logprobs(one, logprobs)) for one in text]
    usage = Usage(prompt_tokens=len(request.prompt), cached_tokens=2 + index, completion_tokens=len(text))
    timings = Timings(scheduled=0.2, first_token=0.3, finished=3.0)
    if scores is not None:
        deltas = [*scored, *deltas]
    return [*deltas, Delta(index, "", finish_reason=reason, usage=usage, timings=timings)]  # type: ignore[arg-type]


def _logprobs(character: str, top: int | None) -> tuple[TokenLogprob, ...]:
    if top is None:
        return ()
    alternatives = tuple((ord(character) + k, chr(ord(character) + k).encode(), -0.5 - k) for k in range(top))
    value = -0.1 if character == "!" else -0.5
    return (TokenLogprob(ord(character), character.encode(), value, alternatives),)


def queue_full(seconds: float) -> InfernoError:
    return QueueFull("8 requests wait, which is the limit", retry_after=seconds)
