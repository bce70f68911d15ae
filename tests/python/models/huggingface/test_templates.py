"""Chat templates of a folder: where they stand, and which of them renders a request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inferno.engine.chats import Chats
from inferno.errors import DataCorrupted, Unsupported
from inferno.models.huggingface.templates import read_templates

HELLO = [{"role": "user", "content": "hello"}]


def config(folder: Path, chat_template: Any) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": chat_template}))


def test_a_string_is_the_default(tmp_path: Path) -> None:
    assert read_templates(tmp_path) == {}
    config(tmp_path, "A")
    assert read_templates(tmp_path) == {"default": "A"}


def test_named_ones(tmp_path: Path) -> None:
    config(tmp_path, [{"name": "default", "template": "A"}, {"name": "tool_use", "template": "B"}])
    assert read_templates(tmp_path) == {"default": "A", "tool_use": "B"}


def test_files_of_their_own_go_before_the_configuration(tmp_path: Path) -> None:
    config(tmp_path, [{"name": "default", "template": "old"}, {"name": "rag", "template": "R"}])
    (tmp_path / "chat_template.jinja").write_text("A")
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "tool_use.jinja").write_text("B")
    assert read_templates(tmp_path) == {"default": "A", "rag": "R", "tool_use": "B"}


@pytest.mark.parametrize("value", [[{"name": "default"}], ["A"], {"default": 1}])
def test_entries_without_name_or_template_are_refused(tmp_path: Path, value: Any) -> None:
    config(tmp_path, value)
    with pytest.raises(DataCorrupted, match="chat_template"):
        read_templates(tmp_path)


def rendered(templates: dict[str, str], **kwargs: Any) -> str:
    return "".join(map(str, Chats(templates, [(9, "<s>")], {"bos_token": "<s>"}).render(HELLO, kwargs)))


def test_tools_choose_the_template_for_them() -> None:
    templates = {"default": "D{{ messages[0].content }}", "tool_use": "T{{ tools | length }}"}
    tools = [{"type": "function"}]
    assert rendered(templates) == "Dhello"
    assert rendered(templates, tools=tools) == "T1"
    assert rendered(templates, tools=[]) == "Dhello"
    assert rendered({"default": "D{{ tools | length }}"}, tools=tools) == "D1"
    assert rendered({"only": "O"}) == "O"


def test_special_tokens_are_variables_and_become_ids() -> None:
    assert Chats({"default": "{{ bos_token }}x<s>"}, [(9, "<s>")], {"bos_token": "<s>"}).render(HELLO) == [9, "x", 9]


@pytest.mark.parametrize(
    ("templates", "reason"),
    [({}, "no chat template"), ({"a": "A", "b": "B"}, "named a, b"), ({"default": "{% if %}"}, "does not compile")],
)
def test_why_nothing_is_rendered(templates: dict[str, str], reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        rendered(templates)
