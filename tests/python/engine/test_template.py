"""ChatTemplate: the dialect of model templates, its sandbox and its failures."""

from __future__ import annotations

from datetime import datetime

import pytest

from inferno.engine import template as template_module
from inferno.engine.template import ChatTemplate
from inferno.errors import InvalidArgument, Unsupported


def render(source: str, **variables: object) -> str:
    return ChatTemplate(source).render(variables)


def test_blocks_leave_no_blank_lines() -> None:
    assert render("{% for x in xs %}\n  {% if x %}\n{{ x }}\n  {% endif %}\n{% endfor %}\n", xs=[1, 0, 2]) == "1\n2\n"


def test_tojson_keeps_letters_and_angle_brackets() -> None:
    assert render("{{ x | tojson }}", x={"a": "<é&'>"}) == '{"a": "<é&\'>"}'
    assert render("{{ x | tojson(indent=2) }}", x=[1]) == "[\n  1\n]"


def test_break_continue_and_generation_blocks() -> None:
    skip_and_stop = "{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}"
    source = "{% for x in xs %}" + skip_and_stop + "{{ x }}{% endfor %}"
    assert render(source, xs=[1, 2, 3, 4, 5]) == "13"
    assert render("a{% generation %}{{ x }}{% endgeneration %}b", x="-") == "a-b"


def test_strftime_now() -> None:
    assert render("{{ strftime_now('%Y') }}") in {str(datetime.now().year), str(datetime.now().year - 1)}


def test_refusal_carries_the_templates_words_bounded() -> None:
    with pytest.raises(InvalidArgument, match="refuses these messages: roles must alternate") as raised:
        render("{{ raise_exception('roles must alternate') }}")
    assert raised.value.param == "messages"
    with pytest.raises(InvalidArgument) as raised:
        render("{{ raise_exception('x' * 10000) }}")
    assert len(raised.value.message) < 1000


def test_any_failure_of_the_template_is_about_the_messages() -> None:
    with pytest.raises(InvalidArgument, match="TypeError"):
        render("{{ 'a' + content }}", content=["part"])
    with pytest.raises(InvalidArgument, match="ZeroDivisionError"):
        render("{{ 1 / 0 }}")


@pytest.mark.parametrize(
    "source", ["{{ ''.__class__.__mro__ }}", "{{ xs.append(1) }}", "{{ raise_exception.__globals__.anything }}"]
)
def test_the_sandbox_holds(source: str) -> None:
    with pytest.raises(InvalidArgument):
        render(source, xs=[])


def test_endless_output_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_module, "MAX_RENDERED_CHARS", 1000)
    with pytest.raises(InvalidArgument, match="more than 1000 characters"):
        render("{% for i in range(100000) %}{{ text }}{% endfor %}", text="0123456789")


def test_a_template_that_does_not_compile_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="does not compile"):
        ChatTemplate("{% if %}")
