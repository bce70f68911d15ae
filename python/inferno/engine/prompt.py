"""Messages to a prompt of text and control tokens. Text never becomes control: only the template yields special tokens.

A picture or sound in a message is written by the template as a mark of its own, which becomes the same again.

How: a marker, a character that Unicode reserves to be in no text, is put inside every special token that message text
spells, before the template runs. In what the template wrote, a special token that has no marker in it is the template's
own and becomes an id; the rest is text, and loses the markers again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inferno.engine.encoder import Segment
from inferno.engine.media.medium import Image, Medium, Sound
from inferno.engine.request import Message
from inferno.engine.template import ChatTemplate
from inferno.errors import InvalidArgument

_NONCHARACTERS = tuple(chr(code) for code in range(0xFDD0, 0xFDF0))
_RESERVED = frozenset({"messages", "bos_token", "eos_token", "raise_exception", "strftime_now"})
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_MAX_NESTING = 64
_PROBE = "Qx7"

Piece = Segment | Medium
"""Of a rendered prompt: text, a special token, or a picture or sound."""


class ChatPrompt:
    """Renders chats for one model. ``special_tokens`` are (id, text); one without text is left out.

    ``texts`` are the template's variables for special tokens: ``bos_token``, ``eos_token``, …
    """

    def __init__(self, template: str, special_tokens: Sequence[tuple[int, str]], **texts: str) -> None:
        self._template = ChatTemplate(template)
        self.variables = self._template.variables
        self._fixed = {"bos_token": "", "eos_token": "", **texts}
        self._ids = {text: token_id for token_id, text in special_tokens if text}
        self._texts = {token_id: text for text, token_id in self._ids.items()}
        longest_first = sorted(self._ids, key=len, reverse=True)
        self._any_special = "|".join(re.escape(text) for text in longest_first)
        # A lookahead finds occurrences that overlap, too.
        self._spelled = re.compile(f"(?={self._any_special})") if longest_first else None
        self._starts = frozenset(text[:length] for text in longest_first for length in range(1, len(text)))
        self._longest_start = max(map(len, longest_first), default=1) - 1
        self._markers = [mark for mark in _NONCHARACTERS if mark not in template]
        self._wants_parts = False
        self._wants_parts = not self._writes_probe() and self._writes_probe(parts=True)

    def render(
        self,
        messages: Sequence[Message],
        template_kwargs: Mapping[str, Any] | None = None,
        *,
        continue_final: bool = False,
    ) -> list[Piece]:
        """Text segments, pictures, sounds and ids of the template's special tokens, in order.

        ``template_kwargs`` are further variables (``tools``, ``add_generation_prompt``, …). With ``continue_final``
        the prompt ends where the last message's content does. Raises InvalidArgument for messages that the template
        refuses or cannot render.
        """
        extra = dict(template_kwargs or {})
        _check(messages, extra)
        marker, cut, mark = self._free_markers([messages, extra])
        joined, media = _joined(messages, mark)
        marked = self._marked(joined, marker)
        if continue_final:
            marked[-1]["content"] = f"{marked[-1].get('content') or ''}{cut}"
            extra["add_generation_prompt"] = False
        if self._wants_parts:
            marked = [_as_parts(message) for message in marked]
        variables = {
            "tools": None,
            "documents": None,
            "add_generation_prompt": True,
            **{key: self._marked(value, marker) for key, value in extra.items()},
            **self._fixed,
            "messages": marked,
        }
        rendered = self._template.render(variables)
        if continue_final:
            rendered, found, _ = rendered.rpartition(cut)
            if not found:
                raise InvalidArgument(
                    "this model's chat template does not write the last message's content as it is, so that it cannot"
                    " be continued; send 'continue_final_message': false",
                    param="continue_final_message",
                )
        pieces = [piece for text in self._segments(rendered, marker) for piece in _with_media(text, mark, media)]
        _check_all_written(media, pieces)
        return pieces

    def text(self, segments: Sequence[Piece]) -> str:
        """What the template wrote, special tokens and all, without pictures and sounds."""
        written = [part for part in segments if not isinstance(part, Image | Sound)]
        return "".join(part if isinstance(part, str) else self._texts[part] for part in written)

    def _writes_probe(self, *, parts: bool = False) -> bool:
        """Whether a message's content comes out: as text, or as a list of one part of type text."""
        content = [{"type": "text", "text": _PROBE}] if parts else _PROBE
        variables = {"messages": [{"role": "user", "content": content}], "tools": None, **self._fixed}
        try:
            return _PROBE in self._template.render({**variables, "documents": None, "add_generation_prompt": True})
        except InvalidArgument:
            return False

    @property
    def ids(self) -> Mapping[str, int]:
        """The special tokens, by their text."""
        return self._ids

    def ids_in(self, marks: str) -> tuple[int, ...]:
        """The special tokens that ``marks`` spells."""
        return tuple(token for text, token in self._ids.items() if text in marks)

    def _free_markers(self, values: Any) -> tuple[str, str, str]:
        used: set[str] = set()
        for text in _strings(values):
            if not text.isascii():
                used.update(mark for mark in self._markers if mark in text)
        free = [mark for mark in self._markers if mark not in used]
        if len(free) > 2:
            return free[0], free[1], free[2]
        raise InvalidArgument("the messages use nearly all of U+FDD0..U+FDEF, which are in no text", param="messages")

    def _marked(self, value: Any, marker: str) -> Any:
        if isinstance(value, str):
            return self._mark(value, marker)
        if isinstance(value, Mapping):
            return {self._marked(key, marker): self._marked(item, marker) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._marked(item, marker) for item in value]
        return value

    def _mark(self, text: str, marker: str) -> str:
        """Put the marker after the first character of each special token that ``text`` spells, or begins at its end.

        The latter because a template may put two texts side by side, or cut the blanks between them.
        """
        if self._spelled is None:
            return text
        places = {match.start() for match in self._spelled.finditer(text)}
        for end in {len(text), len(text.rstrip())}:
            first = max(0, end - self._longest_start)
            places.update(start for start in range(first, end) if text[start:end] in self._starts)
        if not places:
            return text
        pieces = []
        taken = 0
        for place in sorted(places):
            pieces += [text[taken : place + 1], marker]
            taken = place + 1
        return "".join([*pieces, text[taken:]])

    def _segments(self, rendered: str, marker: str) -> Iterator[Segment]:
        # A special token of one character carries its marker behind it.
        pattern = f"({self._any_special})(?!{marker})" if self._ids else "(?!)()"
        for number, piece in enumerate(re.split(pattern, rendered)):
            if number % 2:
                yield self._ids[piece]
            elif text := piece.replace(marker, ""):
                yield text


def _joined(messages: Sequence[Message], mark: str) -> tuple[list[dict[str, Any]], list[Medium]]:
    """The messages with contents of one text each, in which ``mark``, a number, ``mark`` stand for a medium."""
    media: list[Medium] = []

    def text(part: Mapping[str, Any]) -> str:
        if part["type"] == "text":
            return str(part["text"])
        media.append(part["media"])
        return f"{mark}{len(media) - 1}{mark}"

    joined = []
    for message in messages:
        content: Any = message.get("content")
        joined.append({**message, "content": "".join(map(text, content))} if _are_parts(content) else dict(message))
    return joined, media


def _are_parts(content: Any) -> bool:
    """Other lists are for the template itself to read."""
    return isinstance(content, list) and all(isinstance(part, Mapping) and _is_part(part) for part in content)


def _is_part(part: Mapping[str, Any]) -> bool:
    if isinstance(part.get("media"), Image | Sound):
        return True
    return part.get("type") == "text" and isinstance(part.get("text"), str)


def _as_parts(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    return {**message, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}


def _with_media(piece: Segment, mark: str, media: Sequence[Medium]) -> Iterator[Piece]:
    if isinstance(piece, int) or not media:
        yield piece
        return
    for number, text in enumerate(piece.split(mark)):
        if number % 2 == 0:
            if text:
                yield text
        elif text.isdecimal() and int(text) < len(media):
            yield media[int(text)]
        else:
            raise InvalidArgument(
                "this model's chat template cuts a message with a picture or sound apart", param="messages"
            )


def _check_all_written(media: Sequence[Medium], pieces: Sequence[Piece]) -> None:
    written = {id(piece) for piece in pieces if isinstance(piece, Image | Sound)}
    for medium in media:
        if id(medium) not in written:
            raise InvalidArgument(
                f"this model's chat template does not write the message of '{medium.param}' as it is, so that the model"
                " would not get it; leave it out",
                param=medium.param,
            )


def _check(messages: Sequence[Message], extra: Mapping[str, Any]) -> None:
    if not messages:
        raise InvalidArgument("messages is empty; at least one message is needed", param="messages")
    for number, message in enumerate(messages):
        role = message.get("role")
        # Templates build control tokens around the role, so it must be a word and nothing else.
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            raise InvalidArgument(
                f"messages[{number}].role must be a word such as 'user' or 'assistant'",
                param=f"messages[{number}].role",
            )
    for key in extra:
        if key in _RESERVED:
            raise InvalidArgument(f"template variable '{key}' is set by the server and cannot be given", param=key)


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_NESTING:
        raise InvalidArgument(f"messages are nested deeper than {_MAX_NESTING} levels", param="messages")
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(key, depth + 1)
            yield from _strings(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item, depth + 1)
    elif not (value is None or isinstance(value, bool | int | float | Image | Sound)):
        raise InvalidArgument(f"messages hold a {type(value).__name__}, which no template can write", param="messages")
