from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from openai.types.responses import ResponseInputMessageItem

from inferno.engine.client import ModelCard
from inferno.engine.delta import Delta, TokenLogprob, Usage
from inferno.engine.dialects.events import CallArguments, CallBegun, CallEnded, Content, Event, Reasoning
from inferno.engine.media.medium import Image
from inferno.errors import InvalidArgument
from inferno.server.replies import Replies
from inferno.server.wire.decode import decode
from inferno.server.wire.responses.answer import ResponseAnswer
from inferno.server.wire.responses.body import new_body
from inferno.server.wire.responses.input import check_calls, read_input
from inferno.server.wire.responses.items import Item
from inferno.server.wire.responses.prompt import messages_of
from inferno.server.wire.responses.request import DECODER, to_generate_request
from inferno.server.wire.responses.tools import read_tools
from server.fake_client import FakeClient
from server.response_client import checked, events

CARD: ModelCard = FakeClient().card


class Script:
    """A reader that finds in each text what the script says, whatever it is."""

    reasoning = False

    def __init__(self, script: Sequence[Sequence[Event]]) -> None:
        self._script = iter(script)

    def feed(self, text: str) -> Sequence[Event]:
        return next(self._script)

    def close(self) -> Sequence[Event]:
        return ()


def logprob(letter: str) -> tuple[TokenLogprob, ...]:
    return (TokenLogprob(ord(letter), letter.encode(), -1.0),)


def told(script: Sequence[Sequence[Event]], finish: Any = "stop", **fields: Any) -> tuple[list[Any], dict[str, Any]]:
    """The events and the body of a reply of which each delta says what the script says."""
    ask = decode(json.dumps({"input": "x", **fields}).encode(), DECODER)
    body = new_body(ask, read_tools(ask.tools, ask.tool_choice), "m", CARD, stored=False)
    answer = ResponseAnswer(body, Replies(lambda: Script(script)))
    stream = answer.first_events()
    for number, _ in enumerate(script):
        last = number + 1 == len(script)
        delta = Delta(0, "?", (1,), logprob("abcdefgh"[number]), finish if last else None)
        stream += answer.events(delta)
    usage = Usage(3, 1, len(script))
    stream += answer.last_events(usage)
    return events(stream), checked(json.loads(answer.whole((), usage)))


def test_thoughts_text_and_calls_are_items_in_the_order_in_which_they_came() -> None:
    found, body = told(
        [
            [Reasoning("let me ")],
            [Reasoning("see")],
            [Content("I will "), Content("look")],
            [CallBegun(0, "call_1", "f"), CallArguments(0, '{"a"')],
            [CallArguments(0, ":1}"), CallEnded(0), CallBegun(1, "call_2", "g"), CallArguments(1, "{}"), CallEnded(1)],
        ]
    )
    assert [item["type"] for item in body["output"]] == ["reasoning", "message", "function_call", "function_call"]
    assert {item["status"] for item in body["output"]} == {"completed"}
    reasoning, message, first, second = body["output"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "let me see"}]
    assert message["content"][0]["text"] == "I will look"
    assert (first["call_id"], first["name"], first["arguments"]) == ("call_1", "f", '{"a":1}')
    assert (second["call_id"], second["name"], second["arguments"]) == ("call_2", "g", "{}")
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert done == body["output"]
    added = [event for event in found if event["type"] == "response.output_item.added"]
    assert [event["output_index"] for event in added] == [0, 1, 2, 3]
    assert [event["item"]["id"] for event in added] == [item["id"] for item in done]
    assert {event["item"]["status"] for event in added} == {"in_progress"}
    names = [event["type"].removeprefix("response.") for event in found]
    assert names[2:7] == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.delta",
        "reasoning_text.done",
    ]
    assert names[-7:] == [
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_pieces_make_up_what_is_done() -> None:
    found, _ = told([[CallBegun(0, "c", "f")], [CallArguments(0, '{"x":')], [CallArguments(0, "2}"), CallEnded(0)]])
    pieces = [event["delta"] for event in found if event["type"] == "response.function_call_arguments.delta"]
    [done] = [event for event in found if event["type"] == "response.function_call_arguments.done"]
    assert "".join(pieces) == done["arguments"] == '{"x":2}'


def test_a_call_that_is_cut_is_incomplete() -> None:
    found, body = told([[CallBegun(0, "c", "f"), CallArguments(0, '{"x')]], finish="length")
    assert (body["status"], body["output"][0]["status"]) == ("incomplete", "incomplete")
    assert body["output"][0]["arguments"] == '{"x'
    assert found[-1]["type"] == "response.incomplete"


def test_a_reply_that_says_nothing_is_an_empty_message() -> None:
    found, body = told([[]])
    assert body["output"][0]["content"][0]["text"] == ""
    assert [event["type"] for event in found].count("response.output_item.added") == 1


def test_logprobs_are_of_the_tokens_of_the_text_alone() -> None:
    _, body = told([[Reasoning("r")], [], [Content("bc")], [Content("d")], [CallBegun(0, "c", "f")], [CallEnded(0)]])
    part = body["output"][1]["content"][0]
    assert [entry["token"] for entry in part["logprobs"]] == ["b", "c", "d"]


def test_what_was_asked_is_told_as_it_was_asked() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True, "description": None}
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
    _, body = told(
        [[Content("x")]],
        tools=[tool, {"type": "web_search"}],
        tool_choice=choice,
        text={"format": schema, "verbosity": "medium"},
        reasoning={"effort": "low"},
        top_logprobs=3,
    )
    assert (body["tools"], body["tool_choice"], body["top_logprobs"]) == ([tool], choice, 3)
    assert body["text"] == {"format": schema, "verbosity": "medium"}
    assert body["reasoning"] == {"effort": "low", "summary": None}


def test_the_engine_is_asked_for_what_was_asked() -> None:
    fields = {
        "max_output_tokens": 7,
        "temperature": 0.25,
        "top_p": 0.5,
        "top_logprobs": 2,
        "seed": -1,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    }
    request = to_generate_request(decode(json.dumps({"input": "x", **fields}).encode(), DECODER), tenant="t")
    sampling = request.sampling
    assert (request.max_tokens, request.tenant) == (7, "t")
    assert (sampling.temperature, sampling.top_p, sampling.logprobs, sampling.seed) == (0.25, 0.5, 2, 2**64 - 1)
    assert request.grammar is not None
    assert (request.grammar.kind, request.grammar.text) == ("json_schema", '{"type":"object"}')
    plain = to_generate_request(decode(b'{"input": "x", "top_logprobs": 0}', DECODER), tenant="t")
    assert plain.sampling.logprobs is None


def items(*given: dict[str, Any]) -> list[Item]:
    return list(read_input(list(given)).items)  # type: ignore[arg-type]


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}'}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "done"}


def test_what_an_assistant_did_in_one_go_is_one_message() -> None:
    found = messages_of(
        items(
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "look"}]},
            CALL,
            {**CALL, "call_id": "d", "arguments": "broken"},
            RESULT,
            {**RESULT, "call_id": "d", "output": [{"type": "input_text", "text": "no"}]},
            {"role": "assistant", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "next"}]},
        ),
        "system words",
    )
    calls = [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}},
        {"id": "d", "type": "function", "function": {"name": "f", "arguments": "broken"}},
    ]
    assert found == [
        {"role": "system", "content": "system words"},
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "ab"},
        {"role": "assistant", "content": "look", "reasoning_content": "hm", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
        {"role": "tool", "tool_call_id": "d", "content": "no"},
        {"role": "assistant", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "assistant", "content": "", "reasoning_content": "next"},
    ]


PNG_START = b"\x89PNG\r\n\x1a\n"
DOT = "data:image/png;base64,iVBORw0KGgo="


def test_pictures_of_users_go_to_the_template_as_parts() -> None:
    given: Any = [
        {"role": "user", "content": [
            {"type": "input_text", "text": "look"},
            {"type": "input_image", "image_url": DOT, "detail": "high"},
        ]},
    ]  # fmt: skip
    found = read_input(given)
    assert found.passed_over == ("input[0].content[1].detail",)
    [message] = messages_of(list(found.items), None)  # type: ignore[arg-type]
    image = {"type": "media", "media": Image(PNG_START, "input")}
    assert message["content"] == [{"type": "text", "text": "look"}, image]
    ResponseInputMessageItem.model_validate_json(msgspec.json.encode(found.items[0]))


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"role": "assistant", "content": [{"type": "input_image", "image_url": DOT}]}, "input[0].content[0]"),
        ({"role": "system", "content": [{"type": "input_image", "image_url": DOT}]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}, "input[0].content[0]"),
        ({**RESULT, "output": [{"type": "input_image", "image_url": DOT}]}, "input[0].output[0]"),
    ],
)
def test_other_pictures_and_files_are_refused(item: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_input([item])
    assert refused.value.param == param


def test_an_output_needs_its_call() -> None:
    check_calls(items(CALL, RESULT))
    with pytest.raises(InvalidArgument, match="no function_call before"):
        check_calls(items({**CALL, "call_id": "other"}, RESULT))


def test_ids_that_clients_send_are_kept_and_others_made() -> None:
    kept, made, long = items(
        {"role": "user", "content": "x", "id": "msg_mine"},
        {"role": "user", "content": "x"},
        {"role": "user", "content": "x", "id": "m" * 1000},
    )
    assert kept.id == "msg_mine"
    assert made.id.startswith("msg_")
    assert len(long.id) < 100
    assert made.id != long.id
