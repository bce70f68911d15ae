"""Requests that are answered, of every operation that has a body: what mutations of bodies begin with."""

from __future__ import annotations

from typing import Any

from inferno.server.operation import Operation

_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
_CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
_OLLAMA_CALL: dict[str, Any] = {"function": {"name": "f", "arguments": {}}}
_SAMPLING = {
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.05,
    "seed": 7,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "repetition_penalty": 1.1,
}
_MORE_SAMPLING = {
    "typical_p": 0.9,
    "top_n_sigma": 1.5,
    "penalty_last_n": 64,
    "dry_multiplier": 0.8,
    "dry_base": 1.75,
    "dry_allowed_length": 2,
    "dry_last_n": -1,
    "dry_sequence_breakers": ["\n"],
    "xtc_probability": 0.1,
    "xtc_threshold": 0.1,
    "logit_bias": {"65": -5, "66": 3},
    "stop_token_ids": [7],
    "priority": 3,
    "timeout": 30,
    "user": "u",
    "metadata": {"a": "b"},
}
_USER = {"role": "user", "content": "Hello!"}
_PARTS = {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "you"}]}
_GRAPH_INPUT = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
_ITEMS: list[Any] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
    {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c1", "output": "warm"},
    {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "so"}]},
    {"type": "web_search_call", "id": "w"},
]

BODIES: dict[str, list[dict[str, Any]]] = {
    "/v1/chat/completions": [
        {"messages": [_USER], "max_tokens": 8, **_SAMPLING, "n": 2, "logprobs": True, "top_logprobs": 2},
        {"messages": [_PARTS], "max_tokens": 8, "stream": True, "stream_options": {"include_usage": True}},
        {"messages": [_USER], "max_tokens": 8, **_MORE_SAMPLING, "stop": ["x", "yz"], "service_tier": "flex"},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                _USER,
                {"role": "assistant", "content": None, "tool_calls": [_CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "warm"},
            ],
            "max_completion_tokens": 8,
            "tools": [_TOOL],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
        },
        {
            "messages": [_USER],
            "max_tokens": 24,
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": _SCHEMA}},
        },
        {"messages": [_USER], "max_tokens": 8, "prediction": {"type": "content", "content": "Hello"}},
    ],
    "/v1/completions": [
        {"prompt": "Once", "max_tokens": 8, **_SAMPLING, "n": 2, "best_of": 3, "echo": True, "logprobs": 2},
        {"prompt": ["a", "b"], "max_tokens": 8, "stream": True, "stop": "z", **_MORE_SAMPLING},
        {"prompt": [[65, 66], [67]], "max_tokens": 4, "guided_regex": "[ab]+"},
        {"prompt": [65, 66, 67], "max_tokens": 4, "structured_outputs": {"choice": ["yes", "no"]}},
        {"prompt": "x", "max_tokens": 12, "guided_grammar": 'root ::= "a" | "b"'},
    ],
    "/v1/messages": [
        {"messages": [_USER], "max_tokens": 8, "temperature": 0.5, "top_p": 0.9, "top_k": 3, "stop_sequences": ["x"]},
        {
            "messages": [_USER, {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}],
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "max_tokens": 8,
            "stream": True,
            "metadata": {"user_id": "u"},
        },
        {
            "messages": [
                _USER,
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "warm"}]},
            ],
            "tools": [{"name": "f", "description": "d", "input_schema": _SCHEMA}],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "max_tokens": 8,
        },
    ],
    "/v1/messages/count_tokens": [
        {"messages": [_USER], "system": "Be brief.", "tools": [{"name": "f", "input_schema": _SCHEMA}]}
    ],
    "/v1/responses": [
        {"input": "Hello", "max_output_tokens": 8, **_SAMPLING, "top_logprobs": 2, "metadata": {"a": "b"}},
        {
            "input": _ITEMS,
            "instructions": "Be brief.",
            "max_output_tokens": 8,
            "stream": True,
            "tools": [{"type": "function", "name": "get_weather", "parameters": _SCHEMA}, {"type": "web_search"}],
            "tool_choice": "auto",
            "include": ["message.output_text.logprobs"],
            "store": False,
        },
        {
            "input": "Hello",
            "max_output_tokens": 24,
            "text": {"format": {"type": "json_schema", "name": "n", "schema": _SCHEMA}},
            "truncation": "disabled",
        },
    ],
    "/v1/responses/input_tokens": [{"input": _ITEMS, "instructions": "Be brief.", "parallel_tool_calls": True}],
    "/v1/conversations": [{"items": _ITEMS[:1], "metadata": {"topic": "demo"}}],
    "/v1/conversations/{id}": [{"metadata": {"topic": "demo"}}],
    "/v1/conversations/{id}/items": [{"items": _ITEMS}],
    "/v1/embeddings": [
        {"input": ["a", "b"], "encoding_format": "float", "dimensions": 4, "truncate": True, "priority": 1},
        {"input": [[65, 66], [67]], "encoding_format": "base64", "user": "u"},
    ],
    "/v1/rerank": [
        {"query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "return_documents": True, "truncate": True},
        {"query": {"text": "q"}, "documents": ["a" * 50], "max_tokens_per_doc": 8, "priority": 1},
    ],
    "/v1/classify": [{"input": ["a", "b"], "truncate": True, "priority": 1}],
    "/v1/score": [{"text_1": ["q", "r"], "text_2": ["a", "b"], "truncate": True}],
    "/v2/models/{name}/infer": [
        {"inputs": [_GRAPH_INPUT], "id": "i", "outputs": [{"name": "y"}]},
        {"inputs": [{**_GRAPH_INPUT, "shape": [2, 3], "data": [[1, 2.5, 3], [4, 5, 6]]}], "parameters": {}},
    ],
    "/v1/tokenize": [{"prompt": "Hello", "add_special_tokens": False}, {"messages": [_USER]}],
    "/apply-template": [{"messages": [_USER, _PARTS], "chat_template_kwargs": {"a": 1}}],
    "/api/chat": [
        {
            "messages": [_USER, {"role": "assistant", "content": "", "tool_calls": [_OLLAMA_CALL]}],
            "tools": [_TOOL],
            "options": {"num_predict": 8, "temperature": 0.5, "top_k": 3, "stop": ["x"], "num_ctx": 400, "seed": 1},
            "keep_alive": "5m",
        },
        {"messages": [_USER], "format": _SCHEMA, "stream": False, "options": {"num_predict": 24}},
    ],
    "/api/generate": [
        {"prompt": "Hello", "system": "Be brief.", "options": {"num_predict": 8, "repeat_penalty": 1.1}},
        {"prompt": "Hello", "raw": True, "stream": False, "format": "json", "options": {"num_predict": 8}},
    ],
    "/api/embed": [{"input": ["a", "b"], "truncate": True, "dimensions": 4, "keep_alive": 0}],
    "/api/embeddings": [{"prompt": "a"}],
    "/api/show": [{"verbose": True}],
}


def bodies_of(operation: Operation, model: str) -> list[dict[str, Any]]:
    """With the served model's name, where that is asked for."""
    found = BODIES.get(operation.path) or [dict(operation.example or {})]
    named = "model" in getattr(operation.body, "__struct_fields__", ())
    return [{**body, "model": model} if named else body for body in found]
