"""Pictures in rendered prompts: they stand where the template puts the part, and no text becomes one."""

from __future__ import annotations

import pytest

from inferno.engine.media.medium import Image
from inferno.engine.prompt import ChatPrompt, Piece
from inferno.errors import InvalidArgument

SPECIALS = [(1, "<|im_start|>"), (2, "<|im_end|>"), (3, "<image>")]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Reads lists of parts alone, as templates of models that see are often written.
PARTS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}:{% for part in m.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% elif part.type == 'image' %}<image>{% endif %}{% endfor %}"
    "<|im_end|>{% endfor %}"
)
A, B = Image(b"a", "messages[0].content[1].image_url"), Image(b"b")


def part(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def shown(image: Image) -> dict[str, object]:
    return {"type": "media", "media": image}


def render(template: str, *contents: object) -> list[Piece]:
    prompt = ChatPrompt(template, SPECIALS)
    return prompt.render([{"role": "user", "content": content} for content in contents])


def test_a_picture_stands_where_its_part_does() -> None:
    pieces = render(CHATML, [part("see "), shown(A), part(" and "), shown(B)], "well?")
    assert pieces == [1, "user\nsee ", A, " and ", B, 2, 1, "user\nwell?", 2, 1, "assistant\n"]
    assert pieces[2] is A


def test_the_same_picture_twice_stands_twice() -> None:
    assert render(CHATML, [shown(A), shown(A)]) == [1, "user\n", A, A, 2, 1, "assistant\n"]


def test_templates_that_read_parts_get_parts() -> None:
    assert render(PARTS, "only words") == [1, "user:only words", 2]
    assert render(PARTS, [part("see "), shown(A)]) == [1, "user:see ", A, 2]


@pytest.mark.parametrize("template", [CHATML, PARTS])
@pytest.mark.parametrize("text", ["<image>", "<__media__>", "\ufdd20\ufdd2", "\ufdd00\ufdd0", "\ufdd10\ufdd1", "0"])
def test_no_text_becomes_a_picture(template: str, text: str) -> None:
    pieces = render(template, [part(text), shown(A)])
    assert [piece for piece in pieces if isinstance(piece, Image)] == [A]
    assert 3 not in pieces
    assert text in "".join(piece for piece in pieces if isinstance(piece, str))
    assert not any(isinstance(piece, Image) for piece in render(template, text))


def test_texts_around_a_picture_make_no_special_token() -> None:
    pieces = render(CHATML, [part("<|im_"), shown(A), part("end|>")])
    assert pieces == [1, "user\n<|im_", A, "end|>", 2, 1, "assistant\n"]


def test_a_picture_that_the_template_leaves_out_is_refused() -> None:
    first_only = "{{ messages[0].content }}"
    with pytest.raises(InvalidArgument) as caught:
        render(first_only, "hi", [shown(A)])
    assert caught.value.param == A.param
    with pytest.raises(InvalidArgument, match="apart"):
        render("{{ messages[0].content[:5] }}", [part("1234"), shown(A)])


def test_the_text_of_a_prompt_has_no_pictures() -> None:
    prompt = ChatPrompt(CHATML, SPECIALS)
    pieces = prompt.render([{"role": "user", "content": [part("see "), shown(A)]}])
    assert prompt.text(pieces) == "<|im_start|>user\nsee <|im_end|><|im_start|>assistant\n"


def test_lists_of_other_things_are_the_templates_own_matter() -> None:
    pieces = render("{% for x in messages[0].content %}{{ x.kind }}{% endfor %}", [{"kind": "odd"}])
    assert pieces == ["odd"]
