"""tokenizer.json as the ``tokenizers`` library is given it, and that form kept beside the prepared file.

Taking a large tokenizer.json apart and writing it anew takes Python longer than the library takes to read it, and
memory of several times its size.

In what is kept a mark stands where the names of special tokens begin; each process puts a secret of its own there
(``hidden.py``). A kept file that is not whole counts for nothing: the folder's own file is read then.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from inferno.models.huggingface import tokenizer_json
from inferno.models.huggingface.hidden import without_special
from inferno.models.huggingface.json_file import expected_form
from inferno.models.huggingface.special_tokens import AddedToken, read_special_tokens
from inferno.models.huggingface.tokenizer_json import TokenizerJson

_LOG = logging.getLogger(__name__)
_FORM = 1
"""Raised whenever the same tokenizer.json would become another form than before."""
_MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LibraryForm:
    first: bytes
    """For the first text of a prompt: the library's JSON, UTF-8."""
    later: bytes
    """For a text that follows a special token, where that needs another; else empty."""
    mark: str
    added: Mapping[int, AddedToken]

    def texts(self) -> tuple[bytes, bytes]:
        """``first`` and ``later`` with a secret of this call's in place of the mark."""
        mark, secret = self.mark.encode(), secrets.token_hex(len(self.mark) // 2).encode()
        return self.first.replace(mark, secret), self.later.replace(mark, secret)


def read_library_form(folder: Path, kept: Path | None) -> LibraryForm | None:
    """Of the folder's tokenizer.json: what is ``kept``, or made now and kept there. None when it has no such file.

    Raises DataCorrupted for files that are not what they should be; the library has not seen them yet.
    """
    form = read_kept(kept) if kept is not None else None
    if form is None:
        spec = tokenizer_json.read_tokenizer_json(folder, read_special_tokens(folder))
        form = library_form(spec) if spec is not None else None
        if form is not None and kept is not None:
            keep(form, kept)
    return form


def library_form(tokenizer: TokenizerJson) -> LibraryForm:
    """Raises DataCorrupted for a spec that is not of the form it should have."""
    mark = secrets.token_hex(16)
    with expected_form(tokenizer_json.NAME):
        spec = without_special(tokenizer, mark)
        # A rule that marks the first word only is the library's for text at the very start. It would take each of our
        # texts for such, so that what follows a special token needs the same tokenizer without that rule.
        later = {**spec, "pre_tokenizer": copy.deepcopy(spec.get("pre_tokenizer"))}
        apart = _never_first(later["pre_tokenizer"])
        return LibraryForm(_json(spec), _json(later) if apart else b"", mark, tokenizer.added)


def read_kept(path: Path) -> LibraryForm | None:
    """What :func:`keep` wrote; None when it is not there, of an older version, or not whole."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
        head, _, texts = content.partition(b"\n")
        said = json.loads(head)
        if said["form"] != _FORM or said["sha256"] != hashlib.sha256(texts).hexdigest():
            raise ValueError("of another version, or not whole")
        first, _, later = texts.partition(b"\n")
        added = {index: AddedToken(*token) for index, *token in said["added"]}
        return LibraryForm(first, later, said["mark"], added)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError) as error:
        _LOG.warning("the kept tokenizer %s is not used: %s", path.name, error)
        return None


def keep(form: LibraryForm, path: Path) -> None:
    """Write it, whole or not at all. A cache that cannot be written costs the next start some time, and is told."""
    texts = form.first + b"\n" + form.later
    added = [[index, token.text, token.special, token.lstrip, token.rstrip] for index, token in form.added.items()]
    head = {"form": _FORM, "sha256": hashlib.sha256(texts).hexdigest(), "mark": form.mark, "added": added}
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(json.dumps(head).encode() + b"\n" + texts)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        _LOG.info("the tokenizer is not kept for the next start: %s", error.strerror)


def _json(spec: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(spec)  # of a large vocabulary twenty times as fast as json


def _never_first(part: Any) -> bool:
    """Switch off, in place, the rule that marks the first word of a text only; whether there was one."""
    if not isinstance(part, dict):
        return False
    found = [_never_first(step) for step in part.get("pretokenizers") or []]
    if part.get("type") == "Metaspace" and part.get("prepend_scheme") == "first":
        part["prepend_scheme"] = "never"
        found.append(True)
    return any(found)
