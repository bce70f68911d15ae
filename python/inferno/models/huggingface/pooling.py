"""How a folder of sentence-transformers makes one vector of a text: ``modules.json`` and what it points at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inferno.errors import DataCorrupted, Unsupported
from inferno.models.huggingface.json_file import expected_form, read_json, read_object

Pooling = Literal["mean", "cls", "last"]
_MODES: Mapping[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
_NAMED: Mapping[str, Pooling] = {"mean": "mean", "cls": "cls", "lasttoken": "last"}
"""What newer files write as ``pooling_mode``."""


@dataclass(frozen=True, slots=True)
class SentenceModules:
    pooling: Pooling | None
    """None: the folder does not say."""
    normalize: bool
    max_tokens: int | None
    """``max_seq_length``: what the model was made for, which may be less than its positions."""


def read_sentence_modules(folder: Path) -> SentenceModules:
    """What the folder says; without ``modules.json``, no pooling, and vectors of length 1.

    Raises Unsupported for a pooling or a module that cannot be done here, DataCorrupted.
    """
    with expected_form("modules.json, or what it points at,"):
        return _read(folder)


def _read(folder: Path) -> SentenceModules:
    limit = (read_object(folder, "sentence_bert_config.json") or {}).get("max_seq_length")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise DataCorrupted("sentence_bert_config.json: max_seq_length must be a whole number from 1 on")
    modules = read_json(folder, "modules.json")
    if modules is None:
        return SentenceModules(None, normalize=True, max_tokens=limit)
    pooling: Pooling | None = None
    normalize = False
    for kind, path in map(_module, modules if isinstance(modules, list) else [modules]):
        if kind == "Pooling":
            pooling = _pooling(read_object(folder, f"{path}/config.json") or {})
        elif kind == "Normalize":
            normalize = True
        elif kind != "Transformer":
            raise Unsupported(f"modules.json has a {kind} module; known: Transformer, Pooling, Normalize")
    return SentenceModules(pooling, normalize, limit)


def _module(entry: Any) -> tuple[str, str]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("type"), str):
        raise DataCorrupted("modules.json must be a list of modules with a 'type'")
    path = str(entry.get("path") or "")
    if path.startswith("/") or ".." in Path(path).parts:
        raise DataCorrupted("modules.json points out of its folder")
    return entry["type"].rpartition(".")[2], path


def _pooling(config: Mapping[str, Any]) -> Pooling:
    named = config.get("pooling_mode")
    if isinstance(named, str):
        chosen = [named]
        known: Mapping[str, Pooling] = _NAMED
    else:
        chosen = [name for name, value in config.items() if name.startswith("pooling_mode_") and value is True]
        known = _MODES
    if len(chosen) == 1 and chosen[0] in known:
        return known[chosen[0]]
    raise Unsupported(f"the folder pools by {' and '.join(chosen) or 'nothing'}; known: {', '.join(known)}")
