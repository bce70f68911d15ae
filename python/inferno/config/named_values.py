"""Settings that are several values with names, and may come as texts of the form ``NAME=VALUE``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

PositiveFloat = Annotated[float, Field(gt=0)]
_LONGEST_SHOWN = 100


def _named(texts: Sequence[object], form: str, *, last: bool = False) -> list[tuple[str, str]]:
    """Names and values of texts of this form; ``last``: names may hold ``=``, values may not."""
    pairs = []
    for text in texts:
        name, equals, value = str(text).rpartition("=") if last else str(text).partition("=")
        if not (name.strip() and equals):
            raise ValueError(f"{str(text)!r} should be {form}")
        pairs.append((name.strip(), value.strip()))
    return pairs


def _by_tenant(given: object, form: str) -> object:
    """Texts of this form, one or a list or separated by commas, as a mapping; a mapping as it is."""
    texts = given.split(",") if isinstance(given, str) else given
    return dict(_named(texts, form, last=True)) if isinstance(texts, list | tuple) else given


_TenantName = Annotated[str, Field(min_length=1)]
Weights = Annotated[dict[_TenantName, PositiveFloat], BeforeValidator(partial(_by_tenant, form="NAME=WEIGHT"))]
Classes = Annotated[
    dict[_TenantName, Annotated[int, Field(ge=-9, le=9)]], BeforeValidator(partial(_by_tenant, form="NAME=CLASS"))
]


class AdapterName:
    """What an adapter may be called: a part of a model's name in the API."""

    PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
    IN_WORDS = "1 to 64 letters, digits, '.', '_' and '-', of which the first is a letter or a digit"


def _adapter_name(name: str) -> str:
    if not re.fullmatch(AdapterName.PATTERN, name):
        raise ValueError(f"{name[:_LONGEST_SHOWN]!r} should be {AdapterName.IN_WORDS}")
    return name


def _adapters(given: object) -> object:
    """``NAME=PATH`` texts, one or a list, as a mapping; a mapping as it is."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list | tuple):
        return given
    pairs = _named(texts, "NAME=PATH")
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"the adapter {twice!r} is given twice")
    return dict(pairs)


Adapters = Annotated[
    dict[Annotated[str, AfterValidator(_adapter_name)], Annotated[str, Field(min_length=1)]],
    BeforeValidator(_adapters),
]


def _backend_options(given: object) -> object:
    """``BACKEND.NAME=VALUE`` texts, one or a list or separated by semicolons, or tables by backend, as a mapping of
    texts by full names."""
    texts = given.split(";") if isinstance(given, str) else given
    if isinstance(texts, list | tuple):
        return dict(_named(texts, "BACKEND.NAME=VALUE"))
    if not isinstance(texts, dict):
        return given
    flat: dict[str, object] = {}
    for name, value in texts.items():
        flat |= {f"{name}.{option}": one for option, one in value.items()} if isinstance(value, dict) else {name: value}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value
        for name, value in flat.items()
    }


BackendOptions = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*\.[a-z0-9_]+$")], str], BeforeValidator(_backend_options)
]
