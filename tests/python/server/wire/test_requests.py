"""Every field of chat and completions: honoured, named as unused, or refused. None is ignored."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from inferno.engine.request import SamplingOptions
from inferno.errors import InvalidArgument
from inferno.server.refusals import UnknownParameter, UnsupportedParameter
from inferno.server.wire import chat, completions
from inferno.server.wire.answer_format import AnswerFormat
from inferno.server.wire.decode import decode

HELLO = [{"role": "user", "content": "hi"}]


def chat_ask(**fields: Any) -> chat.ChatRequest:
    ask = decode(json.dumps({"messages": HELLO, **fields}).encode(), chat.DECODER)
    chat.check(ask)
    chat.to_generate_request(ask, [1], tenant="t")
    return ask


def completion_ask(**fields: Any) -> completions.CompletionRequest:
    ask = decode(json.dumps({"prompt": "hi", **fields}).encode(), completions.DECODER)
    completions.check(ask)
    completions.prompts(ask)
    completions.to_generate_request(ask, [1], tenant="t")
    return ask


SAMPLING: dict[str, Any] = {
    "temperature": 0.5,
    "top_k": 7,
    "top_p": 0.9,
    "min_p": 0.1,
    "typical_p": 0.8,
    "top_n_sigma": 1.5,
    "repetition_penalty": 1.1,
    "frequency_penalty": -0.5,
    "presence_penalty": 0.25,
    "penalty_last_n": 64,
    "dry_multiplier": 0.8,
    "dry_base": 1.5,
    "dry_allowed_length": 3,
    "dry_last_n": 100,
    "xtc_probability": 0.5,
    "xtc_threshold": 0.2,
    "mirostat": True,
    "mirostat_tau": 4.0,
    "mirostat_eta": 0.2,
    "seed": 11,
}


@pytest.mark.parametrize(("name", "value"), SAMPLING.items())
def test_each_sampling_field_reaches_its_own_option_and_no_other(name: str, value: Any) -> None:
    for ask, convert in (
        (chat_ask(**{name: value}), chat.to_generate_request),
        (completion_ask(**{name: value}), completions.to_generate_request),
    ):
        sampling = convert(ask, [1], tenant="t").sampling  # type: ignore[operator]
        assert sampling == SamplingOptions(**{name: value})


def test_no_option_of_the_engine_is_out_of_reach() -> None:
    converted = {"dry_sequence_breakers", "logit_bias", "logprobs", "prompt_logprobs"}
    assert set(SAMPLING) | converted == set(SamplingOptions.__struct_fields__)


def test_the_other_fields_reach_the_request() -> None:
    ask = chat_ask(
        n=3,
        max_completion_tokens=9,
        stop=["a", "b"],
        stop_token_ids=[4, 5],
        ignore_eos=True,
        include_stop_str_in_output=True,
        priority=7,
        timeout=2.5,
        logit_bias={"12": -100, "7": 3},
        dry_sequence_breakers=["\n", ":"],
        logprobs=True,
        top_logprobs=4,
    )
    request = chat.to_generate_request(ask, [1, 2], tenant="someone")
    assert (request.prompt, request.n, request.max_tokens, request.tenant) == ([1, 2], 3, 9, "someone")
    assert (request.stop, request.stop_token_ids, request.priority) == (("a", "b"), (4, 5), 7)
    assert request.timeout == 2.5
    assert request.ignore_eos
    assert request.include_stop_str_in_output
    assert request.sampling.logit_bias == {12: -100, 7: 3}
    assert request.sampling.dry_sequence_breakers == ("\n", ":")
    assert request.sampling.logprobs == 4


def test_null_is_the_same_as_absent_in_every_field() -> None:
    for ask, required in ((chat_ask(), {"messages"}), (completion_ask(), {"prompt"})):
        optional = set(ask.__struct_fields__) - required
        nulls = dict.fromkeys(optional)
        again = chat_ask(**nulls) if isinstance(ask, chat.ChatRequest) else completion_ask(**nulls)
        assert again == ask


def test_logprobs_are_none_zero_or_the_number_asked_for() -> None:
    def asked(**fields: Any) -> int | None:
        return chat.to_generate_request(chat_ask(**fields), [1], tenant="t").sampling.logprobs

    assert asked() is None
    assert asked(logprobs=False) is None
    assert asked(logprobs=True) == 0
    assert asked(logprobs=True, top_logprobs=20) == 20


@pytest.mark.parametrize(("given", "unsigned"), [(0, 0), (-1, 2**64 - 1), (-(2**63), 2**63), (2**63 - 1, 2**63 - 1)])
def test_a_negative_seed_keeps_its_bits(given: int, unsigned: int) -> None:
    assert chat.to_generate_request(chat_ask(seed=given), [1], tenant="t").sampling.seed == unsigned


def test_completions_stop_after_sixteen_tokens_unless_told_otherwise() -> None:
    assert completions.to_generate_request(completion_ask(), [1], tenant="t").max_tokens == 16
    assert completions.to_generate_request(completion_ask(max_tokens=3), [1], tenant="t").max_tokens == 3
    assert chat.to_generate_request(chat_ask(), [1], tenant="t").max_tokens is None


OUT_OF_RANGE: list[tuple[str, Any]] = [
    ("temperature", -0.1),
    ("temperature", 2.1),
    ("top_p", 0),
    ("top_p", 1.1),
    ("min_p", 1.5),
    ("typical_p", 0),
    ("top_n_sigma", -1),
    ("repetition_penalty", 0),
    ("frequency_penalty", 2.5),
    ("presence_penalty", -2.5),
    ("penalty_last_n", -2),
    ("dry_base", 0.5),
    ("dry_allowed_length", 0),
    ("xtc_probability", 2),
    ("mirostat_tau", 0),
    ("mirostat", 2),
    ("top_k", -1),
    ("n", 0),
    ("n", 129),
    ("n", True),
    ("max_tokens", -1),
    ("service_tier", "scale"),
    ("seed", 2**63),
    ("seed", 1.5),
    ("priority", -1),
    ("priority", 1001),
    ("stop", ""),
    ("stop", ["x"] * 17),
    ("stop", "é" * 513),
    ("stop", ["ok", ""]),
    ("stop", 3),
    ("stop_token_ids", [-1]),
    ("stop_token_ids", ["a"]),
    ("logit_bias", {"x": 1}),
    ("logit_bias", {"-1": 1}),
    ("logit_bias", {"1": 101}),
    ("stream", "yes"),
    ("model", 3),
    ("stream_options", {"include_usage": True}),
    ("metadata", {"a": 1}),
]


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
def test_values_out_of_range_are_refused_by_name(name: str, value: Any) -> None:
    for ask in (chat_ask, completion_ask):
        with pytest.raises(InvalidArgument) as caught:
            ask(**{name: value})
        assert str(caught.value.param).startswith(name)
        assert name in caught.value.message


def test_a_refusal_tells_value_and_limit() -> None:
    with pytest.raises(InvalidArgument) as caught:
        chat_ask(temperature=3.5)
    assert caught.value.message == "'temperature' is 3.5: expected a number of at most 2.0"


UNSUPPORTED_CHAT: list[tuple[str, Any]] = [
    ("functions", [{"name": "f"}]),
    ("function_call", {"name": "f"}),
    ("audio", {"voice": "v"}),
    ("modalities", ["text", "audio"]),
    ("web_search_options", {}),
    ("verbosity", "low"),
    ("moderation", {"model": "m"}),
    ("store", True),
]


@pytest.mark.parametrize(("name", "value"), UNSUPPORTED_CHAT)
def test_what_cannot_be_honoured_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        chat_ask(**{name: value})
    assert caught.value.param == name


@pytest.mark.parametrize(("name", "value"), [("store", True)])
def test_what_completions_cannot_honour_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        completion_ask(**{name: value})
    assert caught.value.param == name


def test_a_prompt_is_scored_when_it_is_echoed_with_logprobs() -> None:
    def scored(**fields: Any) -> int | None:
        return completions.to_generate_request(completion_ask(**fields), [1], tenant="t").sampling.prompt_logprobs

    assert scored(echo=True, logprobs=3) == 3
    assert scored(echo=True) is None
    assert scored(logprobs=3) is None


def test_a_tier_of_service_is_a_step_of_priority() -> None:
    def priority(**fields: Any) -> int:
        return chat.to_generate_request(chat_ask(**fields), [1], tenant="t").priority

    assert priority() == priority(service_tier="auto") == priority(service_tier="default") == 0
    assert priority(service_tier="priority") < 0 < priority(service_tier="flex")
    assert priority(service_tier="flex", priority=5) == priority(service_tier="flex") + 5
    assert chat_ask(service_tier="auto").served_tier == "default"
    assert chat_ask(service_tier="flex").served_tier == "flex"


def test_a_prediction_is_a_text_or_its_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    for content in ("ab", parts):
        prediction = chat_ask(prediction={"type": "content", "content": content}).prediction
        assert prediction is not None
        assert prediction.text == "ab"
    request = chat.to_generate_request(chat_ask(), [1], tenant="t", prediction=[4, 5])
    assert request.prediction == [4, 5]


def test_a_budget_of_thoughts_reaches_the_conversation() -> None:
    assert chat.conversation(chat_ask(thinking_budget=0), tenant="t").thinking_budget == 0
    assert chat.conversation(chat_ask(), tenant="t").thinking_budget is None


NEUTRAL: list[tuple[str, Any]] = [
    ("tools", []),
    ("tool_choice", "auto"),
    ("tool_choice", "none"),
    ("functions", []),
    ("function_call", "none"),
    ("response_format", {"type": "text"}),
    ("modalities", ["text"]),
    ("verbosity", "medium"),
]


@pytest.mark.parametrize(("name", "value"), NEUTRAL)
def test_neutral_values_are_accepted(name: str, value: Any) -> None:
    assert chat_ask(**{name: value}).unused == ()


UNUSED: list[tuple[str, Any]] = [
    ("user", "u"),
    ("metadata", {"a": "b"}),
    ("store", False),
    ("safety_identifier", "s"),
    ("prompt_cache_key", "k"),
    ("prompt_cache_retention", "24h"),
]


@pytest.mark.parametrize(("name", "value"), UNUSED)
def test_fields_without_effect_are_named(name: str, value: Any) -> None:
    assert chat_ask(**{name: value}).unused == (name,)


@pytest.mark.parametrize("ask", [chat_ask, completion_ask])
def test_unknown_fields_are_refused_by_name_with_a_suggestion(ask: Any) -> None:
    with pytest.raises(UnknownParameter, match="unknown parameter 'temprature'; did you mean 'temperature'") as caught:
        ask(temprature=1)
    assert caught.value.param == "temprature"
    with pytest.raises(UnknownParameter) as caught:
        ask(stream=True, stream_options={"zzz": 1})
    assert caught.value.param == "stream_options.zzz"


def test_fields_that_contradict_each_other_are_refused() -> None:
    chat_ask(max_tokens=3, max_completion_tokens=3)
    chat_ask(stream=True, stream_options={"include_usage": True, "include_obfuscation": False})
    with pytest.raises(InvalidArgument, match="'max_tokens' is 3 and 'max_completion_tokens' is 4"):
        chat_ask(max_tokens=3, max_completion_tokens=4)
    with pytest.raises(InvalidArgument, match="needs 'logprobs': true"):
        chat_ask(top_logprobs=2)
    with pytest.raises(InvalidArgument, match="include_obfuscation"):
        chat_ask(stream=True, stream_options={"include_obfuscation": True})


@pytest.mark.parametrize("kwargs", [{f"k{i}": 1 for i in range(33)}, "text", []])
def test_template_arguments_are_bounded(kwargs: Any) -> None:
    chat_ask(chat_template_kwargs={"enable_thinking": False})
    with pytest.raises(InvalidArgument) as caught:
        chat_ask(chat_template_kwargs=kwargs)
    assert caught.value.param == "chat_template_kwargs"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("text", ["text"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [[1, 2]]),
        ([[1], [2, 3]], [[1], [2, 3]]),
        ("", [""]),
    ],
)
def test_prompts_come_in_four_forms(given: Any, found: Any) -> None:
    assert completions.prompts(completion_ask(prompt=given)) == found


@pytest.mark.parametrize("given", [[], [1, "a"], ["a", [1]], [[1], 2], ["a"] * 129, None, 3, [[-1]], [True]])
def test_other_prompts_are_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        completion_ask(prompt=given)
    assert str(caught.value.param).startswith("prompt")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"messages":[]} trailing',
        b'{"temperature": NaN, "messages": []}',
        b'{"temperature": 1e999, "messages": []}',
        b'{"messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"messages":[{"role":"user","content":"\\ud800\\u0041"}]}',
        b'{"messages":[{"role":"user","content":"\xff"}]}',
        b'{"messages":[],"messages":[]}',
        b'{"messages":[{"role":"user","content":"a","content":"b"}]}',
        b'{"metadata":' + b"[" * 100_000,
        b'{"messages":[],"tools":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"messages":[],"tools":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"messages":[],"tools":' + b"9" * 5000 + b"}",
        b'{"\xff":1}',
        b"\xef\xbb\xbf{}",
        b'{"messages":null}',
    ],
)
def test_broken_bodies_are_the_clients_fault(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        decode(body, chat.DECODER)


def test_duplicate_keys_are_named() -> None:
    with pytest.raises(InvalidArgument, match="'n' occurs twice"):
        decode(b'{"messages":[],"n":1,"n":2}', chat.DECODER)


def test_long_values_are_not_shown_in_errors() -> None:
    secret = "s" * 500
    with pytest.raises(InvalidArgument) as caught:
        chat_ask(temperature=secret)
    assert secret not in caught.value.message
    with pytest.raises(UnknownParameter) as unknown:
        chat_ask(**{secret: 1})
    assert len(unknown.value.message) < 200


def test_structs_have_no_field_that_is_neither_converted_nor_listed() -> None:
    honoured = {*SAMPLING, "model", "stream", "stream_options", "n", "max_tokens", "stop", "logit_bias"}
    honoured |= {"dry_sequence_breakers", "stop_token_ids", "ignore_eos", "include_stop_str_in_output"}
    honoured |= {"priority", "timeout", "service_tier"}
    honoured |= {field.name for field in msgspec.structs.fields(AnswerFormat)}
    of_chat = honoured | {"messages", "max_completion_tokens", "logprobs", "top_logprobs", "chat_template_kwargs"}
    of_chat |= {"tools", "tool_choice", "parallel_tool_calls"}
    of_chat |= {"reasoning_effort", "include_reasoning", "continue_final_message"}
    of_chat |= {"thinking_budget", "prediction"}
    of_completions = honoured | {"prompt", "echo", "logprobs", "best_of", "suffix"}
    fields = {field.name for field in msgspec.structs.fields(chat.ChatRequest)}
    assert fields == of_chat | set(chat.UNSUPPORTED) | set(chat.UNUSED)
    fields = {field.name for field in msgspec.structs.fields(completions.CompletionRequest)}
    assert fields == of_completions | set(completions.COMMON_UNUSED)
